"""
What calls ``stadtbuch tick``: files for systemd, cron, GitLab CI and Airflow, written and never installed.

All of them call the same commands; that each report is built once is the book's business, not theirs.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from stadtbuch.errors import UsageError
from stadtbuch.model.schedule import Schedule
from stadtbuch.reports.definitions import slug
from stadtbuch.texts import Text

MINUTES = (5, 10, 15, 20, 30, 60)
"""How often a timer may tick: distances that divide an hour."""


@dataclass(frozen=True, slots=True)
class Timer:
    """
    What a timer has to know.

    Attributes
    ----------
    city
        Name of the city.
    root
        Its folder.
    program
        The words that call the command line.
    every
        Minutes between two ticks.
    jobs
        How many runs at once.
    account
        Under which account of the system; empty for that of whoever installs it.
    """

    city: str
    root: Path
    program: tuple[str, ...]
    every: int = 15
    jobs: int = 1
    account: str = ""

    @property
    def name(self) -> str:
        """Give the name of the files: those of two cities on one machine differ."""
        return f"stadtbuch-{slug(self.city)}"

    def command(self, *words: str) -> list[str]:
        """Give a command of the city, word by word."""
        return [*self.program, *words, "--city", str(self.root)]

    @property
    def tick(self) -> list[str]:
        """Give the command that a timer calls."""
        return self.command("tick", "--jobs", str(self.jobs))


def systemd(timer: Timer) -> dict[str, str]:
    """
    Write a service and its timer.

    Returns
    -------
    dict
        File name -> content.
    """
    account = f"User={timer.account}\n" if timer.account else ""
    service = f"""# Written by "stadtbuch schedule install". One tick: builds what is due, then ends.
[Unit]
Description=Stadtbuch {_unit(timer.city)}: build what is due

[Service]
Type=oneshot
{account}WorkingDirectory={_unit(str(timer.root))}
ExecStart={" ".join(_quoted(word) for word in timer.tick)}
UMask=0077
Nice=10
"""
    when = "hourly" if timer.every == 60 else f"*:0/{timer.every}"
    clock = f"""# Written by "stadtbuch schedule install". Missed ticks need no memory here: the book knows what is due.
[Unit]
Description=Stadtbuch {_unit(timer.city)}: every {timer.every} minutes

[Timer]
OnCalendar={when}
Persistent=true
AccuracySec=30s

[Install]
WantedBy=timers.target
"""
    return {f"{timer.name}.service": service, f"{timer.name}.timer": clock}


def _unit(value: str) -> str:
    """Write a value for a unit file: a percent sign begins a specifier there."""
    return _one_line(value).replace("%", "%%")


def _quoted(word: str) -> str:
    """Write a word of a command for a unit file."""
    escaped = _unit(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"'


def cron(timer: Timer) -> dict[str, str]:
    """Write a line for the table of cron; what the command says goes to the system's log."""
    minutes = "0" if timer.every == 60 else f"*/{timer.every}"
    line = f"{shlex.join(timer.tick)} 2>&1 | logger -t {timer.name}"
    account = f"{timer.account} " if timer.account else ""
    written = _one_line(line).replace("%", "\\%")  # a percent sign ends the command there
    head = (
        '# Written by "stadtbuch schedule install". A tick builds what is due; the book knows what that is.\n'
    )
    return {f"{timer.name}.cron": f"{head}{minutes} * * * * {account}{written}\n"}


def _one_line(value: str) -> str:
    if any(not sign.isprintable() for sign in value):
        raise UsageError(
            "schedule.path",
            Text(
                de="Der Pfad der Stadt enthält Zeichen, die in keiner Zeile stehen können.",
                en="The path of the city holds characters that cannot stand in a line.",
            ),
            remedy=Text(de="Benennen Sie den Ordner um.", en="Rename the folder."),
        )
    return value


def gitlab(timer: Timer, reports: Sequence[str]) -> str:
    """
    Write a pipeline for GitLab CI: the tick for its schedules, and one job by hand per report.

    It needs a runner that keeps the city's folder with its state, and one job at a time.
    """
    held = {"resource_group": timer.name, "tags": ["stadtbuch"], "interruptible": False}
    jobs: dict[str, object] = {
        "workflow": {
            "rules": [{"if": '$CI_PIPELINE_SOURCE == "schedule"'}, {"if": '$CI_PIPELINE_SOURCE == "web"'}]
        },
        "stages": ["reports"],
        "tick": {
            "stage": "reports",
            **held,
            "rules": [{"if": '$CI_PIPELINE_SOURCE == "schedule"'}],
            "script": [shlex.join(timer.tick)],
        },
    }
    for report in reports:
        jobs[f"build {report}"] = {
            "stage": "reports",
            **held,
            "rules": [{"if": '$CI_PIPELINE_SOURCE == "web"', "when": "manual", "allow_failure": True}],
            "script": [shlex.join(timer.command("build", report, "--jobs", str(timer.jobs)))],
        }
    head = (
        '# Written by "stadtbuch schedule export gitlab-ci".\n'
        "# Runner: one with the tag stadtbuch that keeps the folder of the city; its state is not in git.\n"
        f"# Schedule: in GitLab, Build > Pipeline schedules, */{timer.every} * * * *\n"
    )
    return head + yaml.safe_dump(jobs, sort_keys=False, allow_unicode=True, width=1000)


def airflow(timer: Timer, schedules: Mapping[str, Schedule], *, zone: str) -> str:
    """
    Write DAGs for Airflow 3: a tick every few minutes, and one more at the exact times of each cron expression.

    Those at exact times are for people to see what belongs to which report: a tick that finds nothing due ends at
    once. Days off, new versions, catching up and second tries are met by the tick every few minutes.
    """
    every = "0 * * * *" if timer.every == 60 else f"*/{timer.every} * * * *"
    dags = [_dag(f"{timer.name}-tick", every, zone, timer.tick)]
    for report, one in schedules.items():
        if one.cron is not None and one.holidays is None:
            words = timer.command("tick", report, "--jobs", str(timer.jobs))
            dags.append(_dag(f"{timer.name}-{report}", one.cron, one.time_zone or zone, words))
    return _AIRFLOW + "\n".join(dags)


_AIRFLOW = '''"""
Written by "stadtbuch schedule export airflow".

Each task calls the command line where the worker has the folder of the city with its state.
Whatever Airflow repeats: the book knows what is done, and a report is built once.
"""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from airflow.timetables.trigger import CronTriggerTimetable

'''


def _dag(name: str, expression: str, zone: str, words: Sequence[str]) -> str:
    # Airflow reads a command as a template, and one that ends with .sh as the name of a file.
    command = "{% raw %}" + shlex.join(words).replace("{% endraw %}", "") + "{% endraw %} "
    return f"""with DAG(
    dag_id={json.dumps(name)},
    schedule=CronTriggerTimetable({json.dumps(expression)}, timezone={json.dumps(zone)}),
    catchup=False,
    max_active_runs=1,
    tags=["stadtbuch"],
):
    BashOperator(task_id="tick", bash_command={json.dumps(command)})
"""


def lay(files: Mapping[str, str], folder: Path, *, replace: bool = False) -> list[Path]:
    """
    Write files into a folder; what is there already stays unless it is the same or may be replaced.

    Raises
    ------
    UsageError
        ``schedule.exists``; nothing is written then.
    """
    paths = {folder / name: content for name, content in files.items()}
    foreign = [
        path for path, content in paths.items() if path.exists() and path.read_text("utf-8") != content
    ]
    if foreign and not replace:
        raise UsageError(
            "schedule.exists",
            Text(
                de=f"{foreign[0].name} steht dort schon mit anderem Inhalt.",
                en=f"{foreign[0].name} stands there already with other content.",
            ),
            remedy=Text(
                de="Sehen Sie sich den Unterschied an, dann mit --replace.",
                en="Look at the difference, then with --replace.",
            ),
        )
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in paths.items():
        path.write_text(content, encoding="utf-8")
    return list(paths)
