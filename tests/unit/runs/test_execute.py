"""Executing runs: once, in private folders, never half, and with errors that say nothing of the data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from builders.city import CANARY, Made, a_city, a_closed_manifest, a_manifest, a_notebook

import stadtbuch
from stadtbuch import errors
from stadtbuch.errors import AccessDenied, Busy, RunFailed
from stadtbuch.runs import execute, manifest, plan
from stadtbuch.session import City
from stadtbuch.store import frame_bytes

REGISTER = "population.residents"
LOAD = f"import stadtbuch as sb\ncity = sb.city()\npeople = city.load('{REGISTER}')"
YEAR = {"type": "integer", "label": {"de": "Jahr", "en": "Year"}, "default": 2025}
DAY = {"type": "date", "label": {"de": "Tag", "en": "Day"}, "default": "2025-12-31"}
NOTE = {"type": "text", "label": {"de": "Notiz", "en": "Note"}, "default": "a"}

NOTEBOOKS: dict[str, dict[str, Any]] = {
    "good": {
        "code": (
            LOAD,
            "import hashlib\nfrom stadtbuch.store import frame_bytes\n"
            "hashlib.sha256(frame_bytes(people)).hexdigest()",
            "import os, sys, random, numpy\nfrom pathlib import Path\n"
            "print(sorted(os.environ), os.environ['TZ'], Path.cwd() == city.folder, random.random(),"
            " numpy.random.random(), city.parameters, hash('x'))",
            "import beside\nbeside.WORD",
        ),
        "closed": True,
    },
    "typed": {
        "code": ("print(repr((year, day, note)))",),
        "manifest": a_manifest(parameters={"year": YEAR, "day": DAY, "note": NOTE}),
        "parameters": "year = 2025\nday = '2025-12-31'\nnote = 'a'",
        "values": {"year": 7, "day": "2024-02-29", "note": '0123 "ä"\\ {x}'},
    },
    "secret": {"code": (LOAD, f"raise ValueError('{CANARY}')"), "closed": True},
    "shouting": {"code": (LOAD, f"import os\nos.system('echo {CANARY} >&2')"), "closed": True},
    "invented": {
        "code": (
            LOAD,
            "from stadtbuch.errors import AccessDenied\nfrom stadtbuch.texts import same\n"
            f"raise AccessDenied('x.y', same('{CANARY}'))",
        ),
        "closed": True,
    },
    "zero": {"code": ("1 / 0",)},
    "undeclared": {"code": (LOAD,)},
    "leaving": {"code": ("import sys\nsys.exit()", "1")},
    "dying": {"code": ("import os\nos.kill(os.getpid(), 9)", "1")},
}


def a_request(made: Made, city: City, name: str) -> plan.Request:
    """Write one of the notebooks and plan it."""
    told = NOTEBOOKS[name]
    closed = told.get("closed", False)
    path = a_notebook(
        made.root,
        *told["code"],
        manifest=a_closed_manifest() if closed else told.get("manifest"),
        parameters='borough = "all"' if closed else told.get("parameters"),
        name=name,
    )
    values = {"borough": "02"} if closed else told.get("values", {})
    return plan.plan(city, manifest.read(path, root=made.root), values)


class Batch:
    """All notebooks of this file, executed once with two workers."""

    def __init__(self, root: Path) -> None:
        """Make the city, plan and execute."""
        self.made = a_city(root)
        (root / "notebooks" / "beside.py").write_text('WORD = "nebenan"', encoding="utf-8")
        self.city = self.made.open()
        self.events: list[execute.Progress] = []
        requests = [a_request(self.made, self.city, name) for name in NOTEBOOKS]
        done = execute.execute(requests, jobs=2, city=self.city, progress=self.events.append)
        self.results = dict(zip(NOTEBOOKS, done, strict=True))

    def outputs(self, name: str) -> list[str]:
        """Give the texts of a run's outputs."""
        notebook = nbformat.read(self.results[name].folder / "notebook.ipynb", as_version=4)
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
        return [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """Give the executed notebooks."""
    return Batch(tmp_path_factory.mktemp("runs") / "city")


def test_one_failing_run_stops_no_other(batch: Batch) -> None:
    """Each run has its own result; the order is that of the requests."""
    told = {name: result.status for name, result in batch.results.items()}

    assert told == {name: "ran" if name in ("good", "typed", "shouting") else "failed" for name in NOTEBOOKS}
    assert [event.done for event in batch.events if event.status != "started"] == list(range(1, 10))


def test_the_same_line_gives_the_same_frame_in_the_lab_and_in_a_run(batch: Batch) -> None:
    """``city.load`` in JupyterLab and in a run: the same rows, columns, types, order."""
    lab = batch.made.open().load(REGISTER, "age-structure", ["borough", "age"], {"borough": "02"})

    import hashlib

    assert batch.outputs("good")[0] == repr(hashlib.sha256(frame_bytes(lab)).hexdigest())


def test_a_kernel_sees_a_clean_environment(batch: Batch) -> None:
    """No variable of the caller's shell, fixed seeds and hashes, the city's zone, the run's own folder."""
    told = batch.outputs("good")[1]

    listed = told.partition("]")[0].strip("[").replace("'", "").split(", ")
    assert set(listed) <= {
        "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "GIT_PAGER", "HOME", "IPYTHONDIR", "JPY_PARENT_PID",
        "JUPYTER_CONFIG_DIR", "LANG", "LC_CTYPE", "MPLBACKEND", "MPLCONFIGDIR", "OMP_NUM_THREADS", "PAGER",
        "PATH", "PYDEVD_USE_FRAME_EVAL", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "PYTHONUTF8",
        "SOURCE_DATE_EPOCH", "STADTBUCH_LANGUAGE", "STADTBUCH_RUN", "TERM", "TMPDIR", "TZ",
    }  # fmt: skip
    assert "] Europe/Berlin True " in told
    assert "{'borough': '02'}" in told


def test_a_module_beside_the_notebook_is_there(batch: Batch) -> None:
    """What a notebook imports from its own folder is laid into the run."""
    assert batch.outputs("good")[2] == "'nebenan'"


def test_parameters_arrive_as_typed_literals(batch: Batch) -> None:
    """Zeros, quotes, backslashes and braces of a text survive; a date is ISO text."""
    assert batch.outputs("typed") == ["(7, '2024-02-29', '0123 \"ä\"\\\\ {x}')\n"]


def test_the_manifest_stays_first_and_nothing_volatile_is_kept(batch: Batch) -> None:
    """The executed notebook has no timings, no paths of the machine, and stable cell ids."""
    path = batch.results["good"].folder / "notebook.ipynb"
    notebook = nbformat.read(path, as_version=4)

    assert [cell.id for cell in notebook.cells][:3] == ["manifest", "parameters", "injected-parameters"]
    assert [dict(cell.metadata) for cell in notebook.cells[3:]] == [{}] * 4
    assert "papermill" not in notebook.metadata
    assert str(batch.made.root) not in path.read_text(encoding="utf-8")


def test_the_same_run_gives_the_same_bytes(batch: Batch) -> None:
    """A run that is done again from scratch writes the same notebook."""
    folder = batch.results["good"].folder
    before = (folder / "notebook.ipynb").read_bytes()
    (folder / "result.json").unlink()

    (again,) = execute.execute([a_request(batch.made, batch.made.open(), "good")])

    assert again.status == "ran"
    assert (folder / "notebook.ipynb").read_bytes() == before


def test_the_folder_is_private_and_complete(batch: Batch) -> None:
    """0700, exactly the inputs, the record, the hashes of what was handed out; no home folder left."""
    folder = batch.results["good"].folder
    told = json.loads((folder / "result.json").read_text(encoding="utf-8"))

    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in (folder / "inputs").iterdir()] == [f"{REGISTER}.parquet"]
    assert not (folder / "home").exists()
    assert (told["status"], list(told["files"])) == ("ran", ["notebook.ipynb"])
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["key"] == folder.name


def test_what_is_done_is_not_done_again(batch: Batch) -> None:
    """The same key means: nothing runs, and the book gets no new entry."""
    city = batch.made.open()
    entries = city.book.head()["entries"]

    (result,) = execute.execute([a_request(batch.made, city, "typed")], city=city)

    assert (result.status, result.ok) == ("unchanged", True)
    assert city.book.head()["entries"] == entries


def test_of_a_restricted_run_only_type_and_cell_are_told(batch: Batch) -> None:
    """An exception's words may hold data: they stay in the folder, whoever made them up."""
    for name, kind in (("secret", "ValueError"), ("invented", "AccessDenied")):
        error = batch.results[name].error
        assert (error["type"], error["cell"], error["exit_code"]) == (kind, 4, 1)
        assert CANARY not in json.dumps(error) + str(batch.results[name].failure())


def test_of_an_open_run_the_message_is_told(batch: Batch) -> None:
    """With open data only, the exception's first line helps."""
    failure = batch.results["zero"].failure()

    assert isinstance(failure, RunFailed)
    assert failure.render("de") == (
        "notebooks/zero.ipynb ist in Zelle 2 gescheitert (ZeroDivisionError).\n"
        "Warum: division by zero\n"
        "Was tun? Öffnen Sie das Notebook in JupyterLab und führen Sie es aus; dort steht der ganze Fehler."
    )


def test_the_librarys_own_errors_keep_their_code(batch: Batch) -> None:
    """A dataset that is not declared ends the command with the exit code of a denied access."""
    failure = batch.results["undeclared"].failure()

    assert isinstance(failure, AccessDenied)
    assert (failure.code, failure.exit_code) == ("access.not-declared", 4)
    assert failure.what.en.startswith("notebooks/undeclared.ipynb, cell 2: population.residents is not there")


def test_a_notebook_that_ends_itself_has_failed(batch: Batch) -> None:
    """After ``sys.exit()`` the remaining cells did not run: that is no result."""
    assert batch.results["leaving"].error["type"] == "SystemExit"


def test_a_dead_kernel_is_an_error(batch: Batch) -> None:
    """A kernel that is killed ends the run at its cell, without hanging."""
    error = batch.results["dying"].error

    assert (error["code"], error["cell"]) == ("run.kernel-died", 2)


def test_the_book_tells_how_runs_ended(batch: Batch) -> None:
    """One entry per executed run, with key and inputs' versions, without messages."""
    ran = {entry.subject: entry for entry in batch.city.book.entries("ran")}
    failed = {entry.subject: entry for entry in batch.city.book.entries("run-failed")}

    assert set(ran) == {f"notebooks/{name}.ipynb" for name in ("good", "typed", "shouting")}
    assert len(failed) == 6
    entry = ran["notebooks/good.ipynb"]
    assert entry.details["key"] == batch.results["good"].key
    assert entry.details["inputs"] == {REGISTER: batch.city.source(REGISTER).version}
    assert failed["notebooks/secret.ipynb"].details["error"] == "ValueError"
    assert "seconds" not in entry.details


def _ended(request: plan.Request) -> execute.Result:
    """Say that a run went well, without one."""
    (request.folder / "notebook.ipynb").write_text("{}", encoding="utf-8")
    return execute.Result(request, "ran", 1.0)


def test_the_book_has_the_order_of_the_requests(tmp_path: Path) -> None:
    """Which run ends first is chance; the head of the book, which is published, is none."""
    made = a_city(tmp_path)
    city = made.open()
    requests = [
        plan.plan(city, manifest.read(a_notebook(tmp_path, f"'{name}'", name=name), root=tmp_path), {})
        for name in ("a", "b", "c")
    ]
    ended: list[str] = []
    execute.execute(
        requests,
        city=city,
        crew=lambda todo, **_: map(_ended, reversed(todo)),
        progress=lambda event: ended.append(event.request.name),
    )

    assert [entry.subject for entry in city.book.entries("ran")] == [one.name for one in requests]
    assert ended == [one.name for one in reversed(requests)]


def test_what_was_done_before_an_interruption_is_in_the_book(tmp_path: Path) -> None:
    """A finished run is not run again, so its entry would be missing for ever."""
    city = a_city(tmp_path).open()
    requests = [
        plan.plan(city, manifest.read(a_notebook(tmp_path, f"'{name}'", name=name), root=tmp_path), {})
        for name in ("a", "b")
    ]

    def cut(todo: list[plan.Request], **_: Any) -> Any:
        yield _ended(todo[1])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute.execute(requests, city=city, crew=cut)

    assert [entry.subject for entry in city.book.entries("ran")] == ["notebooks/b.ipynb"]


def test_no_canary_leaves_the_private_folders(batch: Batch) -> None:
    """Book, log, keys and records hold nothing of the register's free text."""
    var = batch.made.root / "var"
    outside = [path for path in var.rglob("*") if path.is_file() and path.relative_to(var).parts[0] != "runs"]

    assert [path.name for path in outside if CANARY.encode() in path.read_bytes()] == []
    assert CANARY.encode() in (batch.results["shouting"].folder / "kernel.log").read_bytes()


def test_time_limits_end_a_run(tmp_path: Path) -> None:
    """The limit counts for all cells together."""
    made = a_city(tmp_path)
    path = a_notebook(tmp_path, "import time", "time.sleep(60)")
    request = plan.plan(made.open(), manifest.read(path), {})

    (result,) = execute.execute([request], seconds=2)

    assert (result.error["code"], result.error["cell"]) == ("run.timeout", 3)


def test_an_interrupted_run_is_done_again(tmp_path: Path) -> None:
    """A folder without its mark is emptied: nothing of the interrupted run stays."""
    made = a_city(tmp_path)
    request = plan.plan(made.open(), manifest.read(a_notebook(tmp_path)), {})
    (request.folder / "outputs").mkdir(parents=True)
    (request.folder / "outputs" / "half.json").write_text("{", encoding="utf-8")
    (request.folder / "notebook.ipynb").write_text("{", encoding="utf-8")

    assert execute.finished(request) is None
    execute._lay_out(request)

    assert not (request.folder / "outputs" / "half.json").exists()
    assert not (request.folder / "notebook.ipynb").exists()


def test_the_same_run_twice_at_once_is_refused(tmp_path: Path) -> None:
    """The second one is told to wait and starts nothing."""
    made = a_city(tmp_path)
    request = plan.plan(made.open(), manifest.read(a_notebook(tmp_path)), {})

    with execute._claim(request.folder), pytest.raises(Busy) as refused:
        execute.execute([request])

    assert (refused.value.code, refused.value.exit_code) == ("run.busy", 1)


def test_descriptors_do_not_grow_with_the_number_of_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the next runs are held; nobody else can take one that is at work, and in the end none is held."""
    monkeypatch.setattr(execute, "MOST_CLAIMS", 2)
    made = a_city(tmp_path)
    request = plan.plan(made.open(), manifest.read(a_notebook(tmp_path)), {})
    requests = [replace(request, key=f"{n}", folder=request.folder.with_name(f"{n}")) for n in range(6)]
    held: list[list[bool]] = []

    def crew(todo: Any, **_: Any) -> Any:
        for request in todo:
            held.append([_is_held(one.folder) for one in requests])
            yield execute.Result(request, "failed", 0.0, {"type": "Test", "cell": None})

    execute.execute(requests, crew=crew)

    assert [row[number] for number, row in enumerate(held)] == [True] * 6
    assert max(map(sum, held)) == 2
    assert not any(_is_held(one.folder) for one in requests)


def _is_held(folder: Path) -> bool:
    try:
        with execute._claim(folder):
            return False
    except Busy:
        return True


def test_every_error_class_can_be_told_by_its_name() -> None:
    """A kernel's error is raised again as what it was."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]

    assert all(getattr(errors, kind.__name__) is kind for kind in kinds if kind.__module__ == errors.__name__)


def _descendants(process: int) -> set[str]:
    """Give all that a process has started, by number and start time: numbers are used again."""
    parents: dict[int, list[str]] = {}
    for found in Path("/proc").glob("[0-9]*/stat"):
        try:
            told = found.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(told[1]), []).append(f"{found.parent.name}@{told[19]}")
    known, waiting = set(), [process]
    while waiting:
        for one in parents.get(waiting.pop(), []):
            known.add(one)
            waiting.append(int(one.partition("@")[0]))
    return known


def _everybody() -> set[str]:
    return _descendants(1) | _descendants(0)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_its_command(tmp_path: Path, how: signal.Signals) -> None:
    """Ctrl-C and kill -9 of the command end its worker and its kernel."""
    a_city(tmp_path)
    path = a_notebook(tmp_path, "import os\nos.system('echo begun >&2')\nimport time\ntime.sleep(300)")
    command = subprocess.Popen(
        [sys.executable, "-m", "stadtbuch", "run", str(path), "--city", str(tmp_path)],
        env={"PYTHONPATH": str(Path(stadtbuch.__file__).parents[1]), "PATH": os.environ["PATH"]},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(lambda: [log for log in tmp_path.glob("var/runs/*/kernel.log") if log.stat().st_size])
        started = _descendants(command.pid)
        assert len(started) >= 2

        command.send_signal(how)
        code = command.wait(60)

        _wait(lambda: not started & _everybody())
        assert code == (1 if how is signal.SIGINT else -signal.SIGKILL)
    finally:
        command.kill()
        command.wait()


def _wait(ready: Any) -> None:
    """Wait for something that another process does."""
    for _ in range(600):
        if ready():
            return
        time.sleep(0.1)
    raise AssertionError("did not happen within a minute")
