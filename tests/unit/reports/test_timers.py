"""What calls a tick: files that systemd, cron, GitLab CI and Airflow can read, with paths as people have them."""

from __future__ import annotations

import ast
import configparser
import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders.city import Made, a_city
from builders.reports import write_open_report

from stadtbuch.cli import main
from stadtbuch.errors import UsageError
from stadtbuch.model.schedule import Schedule
from stadtbuch.reports import timers
from stadtbuch.reports.timers import Timer

ODD = '/srv/Straße 100% $HOME "x"/it\'s'
"""A path with everything that means something to one of the readers."""


def a_timer(root: str = "/srv/city", **changes: Any) -> Timer:
    """Give what a timer has to know."""
    told = {"city": "Höhe am See", "root": Path(root), "program": ("/opt/sb/bin/stadtbuch",), "jobs": 2}
    return Timer(**{**told, **changes})


def a_unit(content: str) -> configparser.ConfigParser:
    """Read a unit file."""
    read = configparser.ConfigParser(interpolation=None, comment_prefixes=("#",))
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read_string(content)
    return read


def test_systemd_gets_a_service_and_a_timer():
    """One tick and an end; every fifteen minutes, and at once after the machine was off."""
    files = timers.systemd(a_timer())
    assert list(files) == ["stadtbuch-hoehe-am-see.service", "stadtbuch-hoehe-am-see.timer"]
    service, timer = map(a_unit, files.values())
    assert service["Service"]["Type"] == "oneshot"
    assert (
        service["Service"]["ExecStart"] == '"/opt/sb/bin/stadtbuch" "tick" "--jobs" "2" "--city" "/srv/city"'
    )
    assert service["Service"]["WorkingDirectory"] == "/srv/city"
    assert dict(timer["Timer"]) == {"OnCalendar": "*:0/15", "Persistent": "true", "AccuracySec": "30s"}
    assert "User" not in service["Service"]
    assert a_unit(next(iter(timers.systemd(a_timer(account="sb")).values())))["Service"]["User"] == "sb"


def test_systemd_reads_an_odd_path_as_it_is():
    """Percent signs, dollars and quotes are escaped as systemd wants them."""
    service = a_unit(next(iter(timers.systemd(a_timer(ODD)).values())))["Service"]
    last = service["ExecStart"].split('" "')[-1].removesuffix('"')
    assert "100%% $$HOME" in last
    assert "100%% " in service["WorkingDirectory"]
    undone = last.replace("$$", "$").replace('\\"', '"').replace("%%", "%")
    assert (undone, service["WorkingDirectory"].replace("%%", "%")) == (ODD, ODD)


def test_systemd_itself_finds_nothing_wrong(tmp_path: Path):
    """Asked with systemd-analyze, where it is installed."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed, so units were checked by their parts only")
    timer = a_timer(str(tmp_path), program=(shutil.which("true") or "/bin/true",))
    paths = timers.lay(timers.systemd(timer), tmp_path)
    ended = subprocess.run(
        ["systemd-analyze", "verify", *map(str, paths)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(("every", "minutes"), [(5, "*/5"), (60, "0")])
def test_cron_gets_one_line(every: int, minutes: str):
    """Five fields and a command; in the system's table with an account."""
    (line,) = [
        one
        for one in timers.cron(a_timer(every=every))["stadtbuch-hoehe-am-see.cron"].splitlines()
        if one[0] != "#"
    ]
    assert line.startswith(f"{minutes} * * * * /opt/sb/bin/stadtbuch tick --jobs 2 --city /srv/city ")
    assert " * * * * sb /opt" in timers.cron(a_timer(account="sb"))["stadtbuch-hoehe-am-see.cron"]


def test_a_shell_reads_crons_line_as_it_is_meant(tmp_path: Path):
    """After cron has taken its backslashes away, a real shell gets every word whole."""
    program = ("/usr/bin/printf", "%s\\n")
    content = timers.cron(a_timer(ODD, program=program))["stadtbuch-hoehe-am-see.cron"]
    assert "100\\% " in content
    command = content.splitlines()[-1].split(" ", 5)[5].replace("\\%", "%").partition(" 2>&1")[0]
    said = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["tick", "--jobs", "2", "--city", ODD]


def test_a_path_that_no_line_can_hold_is_refused():
    """A line break in a path would begin a command of its own."""
    for write in (timers.systemd, timers.cron):
        with pytest.raises(UsageError, match="Pfad der Stadt"):
            write(a_timer("/srv/a\nb"))


def test_gitlab_gets_a_tick_for_its_schedule_and_jobs_by_hand():
    """One job at a time, on the runner that has the state."""
    told = yaml.safe_load(timers.gitlab(a_timer(ODD), ["area", "people"]))
    assert set(told) == {"workflow", "stages", "tick", "build area", "build people"}
    tick, build = told["tick"], told["build area"]
    assert tick["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "schedule"'}]
    assert shlex.split(tick["script"][0]) == ["/opt/sb/bin/stadtbuch", "tick", "--jobs", "2", "--city", ODD]
    assert shlex.split(build["script"][0])[1:3] == ["build", "area"]
    assert {one["resource_group"] for name, one in told.items() if "script" in one} == {
        "stadtbuch-hoehe-am-see"
    }
    assert build["rules"][0]["when"] == "manual"


SCHEDULES = {
    "daily": Schedule(cron="0 6 * * *"),
    "abroad": Schedule(cron="30 1 * * 0", time_zone="America/New_York"),
    "offices": Schedule(cron="0 5 * * *", holidays="skip", region="DE-NW"),
    "watching": Schedule(on="new-version", of="a.b"),
}


def test_airflow_gets_dags_that_compile():
    """It imports Airflow only; one DAG ticks, one more per cron expression that Airflow can follow."""
    tree = ast.parse(timers.airflow(a_timer(), SCHEDULES, zone="Europe/Berlin"))
    imported = {node.module.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"airflow"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    calls = [node.items[0].context_expr for node in tree.body if isinstance(node, ast.With)]
    told = {}
    for call in calls:
        words = {one.arg: one.value for one in call.keywords}
        timetable = words["schedule"]
        zone = ast.literal_eval(timetable.keywords[0].value)
        told[ast.literal_eval(words["dag_id"])] = (ast.literal_eval(timetable.args[0]), zone)
        assert ast.literal_eval(words["catchup"]) is False
        assert ast.literal_eval(words["max_active_runs"]) == 1
    assert told == {
        "stadtbuch-hoehe-am-see-tick": ("*/15 * * * *", "Europe/Berlin"),
        "stadtbuch-hoehe-am-see-daily": ("0 6 * * *", "Europe/Berlin"),
        "stadtbuch-hoehe-am-see-abroad": ("30 1 * * 0", "America/New_York"),
    }


def test_airflow_reads_a_command_as_it_is():
    """It would take braces for a template, and an end in .sh for a file."""
    root = "/srv/{{ conf }}/run.sh"
    tree = ast.parse(timers.airflow(a_timer(root), {}, zone="Europe/Berlin"))
    (command,) = [
        ast.literal_eval(word.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg == "bash_command"
    ]
    assert not command.endswith(".sh")
    inner = command.strip().removeprefix("{% raw %}").removesuffix("{% endraw %}")
    assert shlex.split(inner)[-1] == root


# ---- on the command line --------------------------------------------------------------------------------


@pytest.fixture
def city(tmp_path: Path) -> Made:
    """Give a city with a report that is due in the morning."""
    made = a_city(tmp_path / "city")
    write_open_report(made.root, schedule={"cron": "0 6 * * *"})
    return made


def called(capsys: Any, city: Made, *arguments: str) -> tuple[int, Any]:
    """Call a command and give its exit code and its answer."""
    code = main.main(["schedule", *arguments, "--city", str(city.root), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_install_shows_and_switches_nothing_on(capsys, city, tmp_path):
    """Without a folder nothing is written at all."""
    before = sorted(tmp_path.rglob("*"))
    code, told = called(capsys, city, "install")
    assert (code, told["written"]) == (0, [])
    assert told["then"][1] == "systemctl --user enable --now stadtbuch-kleinstadt.timer"
    assert sorted(tmp_path.rglob("*")) == before
    command = shlex.split(a_unit(told["files"]["stadtbuch-kleinstadt.service"])["Service"]["ExecStart"])
    assert os.access(command[0], os.X_OK)


def test_install_writes_into_a_folder_and_keeps_what_is_there(capsys, city, tmp_path):
    """The same again is fine, a file with other content is not, unless it may be replaced."""
    folder = tmp_path / "units"
    line = ("install", "--to", str(folder), "--user", "stadtbuch")
    assert [called(capsys, city, *line)[0] for _ in range(2)] == [0, 0]
    (folder / "stadtbuch-kleinstadt.timer").write_text("[Timer]\n")
    code, told = called(capsys, city, *line)
    assert (code, told["error"]["code"]) == (2, "schedule.exists")
    assert called(capsys, city, *line, "--replace")[0] == 0


def test_install_as_root_asks_for_an_account(capsys, city, tmp_path, monkeypatch):
    """A service that runs everything as root is not written."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    code, told = called(capsys, city, "install", "--to", str(tmp_path / "units"))
    assert (code, told["error"]["code"]) == (2, "usage.as-root")
    assert not (tmp_path / "units").exists()


@pytest.mark.parametrize("line", [["--kind", "launchd"], ["--every", "7"]])
def test_what_there_is_no_timer_for_is_refused(capsys, city, line):
    """With what there is."""
    code, told = called(capsys, city, "install", *line)
    assert (code, told["error"]["code"]) == (2, "usage.choice")


def test_export_gives_the_bare_file(capsys, city, tmp_path):
    """What is printed can be read as it is; with a folder it is written."""
    assert main.main(["schedule", "export", "gitlab-ci", "--city", str(city.root)]) == 0
    assert "build area" in yaml.safe_load(capsys.readouterr().out)
    assert main.main(["schedule", "export", "airflow", "--city", str(city.root)]) == 0
    assert "stadtbuch-kleinstadt-area" in capsys.readouterr().out
    code, told = called(capsys, city, "export", "airflow", "--to", str(tmp_path / "dags"))
    assert (code, [Path(path).name for path in told["written"]]) == (0, ["stadtbuch-kleinstadt.py"])
    assert called(capsys, city, "export", "jenkins")[1]["error"]["code"] == "usage.choice"
