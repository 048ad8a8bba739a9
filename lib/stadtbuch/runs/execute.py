"""
Executing requests: forked behind a wall where that is possible, never the same one twice, and never half.

A run's folder is final from the start, because the kernel works in it; the mark that it is complete is
``result.json``, which is written last. A folder without it was interrupted and is done again.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, Protocol

from stadtbuch import atomic, errors
from stadtbuch.errors import Busy, Refused, RunFailed, StadtbuchError
from stadtbuch.runs import key, worker
from stadtbuch.runs.plan import Request
from stadtbuch.session.city import City
from stadtbuch.settings import Runs
from stadtbuch.state import State
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from stadtbuch.runs import warm

Wall = Literal["where-possible", "required", "none"]

INTERRUPTED = "interrupted"
MARK = "result.json"
"""Says how a run ended; written last."""

MOST_CLAIMS = 256

Status = Literal["ran", "unchanged", "failed"]


CODES = {
    "Timeout": "run.timeout",
    "CpuTime": "run.cpu",
    "Memory": "run.memory",
    "MemoryError": "run.memory",
    "ArrowMemoryError": "run.memory",
    "_ArrayMemoryError": "run.memory",
    "Output": "run.output",
    "DeadKernel": "run.kernel-died",
    "WorkerDied": "run.worker-died",
}
"""How a run stopped -> code of the error."""
_MEMORY = Text(
    de="Der Lauf brauchte mehr Speicher, als er darf ([runs] memory_mb in stadtbuch.toml).",
    en="The run needed more memory than it may use ([runs] memory_mb in stadtbuch.toml).",
)
REASONS = {
    "Timeout": Text(
        de="Die Zeit war um ([runs] seconds in stadtbuch.toml).",
        en="Time was up ([runs] seconds in stadtbuch.toml).",
    ),
    "CpuTime": Text(
        de="Die Rechenzeit war aufgebraucht ([runs] cpu_seconds in stadtbuch.toml).",
        en="The processor time was used up ([runs] cpu_seconds in stadtbuch.toml).",
    ),
    "Memory": _MEMORY,
    "MemoryError": _MEMORY,
    "ArrowMemoryError": _MEMORY,
    "_ArrayMemoryError": _MEMORY,
    "Output": Text(
        de="Der Lauf gab mehr aus, als er darf ([runs] output_mb in stadtbuch.toml).",
        en="The run put out more than it may ([runs] output_mb in stadtbuch.toml).",
    ),
    "DeadKernel": Text(
        de="Der Python-Prozess ist abgebrochen, vermutlich aus Mangel an Speicher.",
        en="The Python process died, probably for lack of memory.",
    ),
    "SystemExit": Text(
        de="Das Notebook hat sich selbst beendet, bevor alle Zellen ausgeführt waren.",
        en="The notebook ended itself before all cells had run.",
    ),
    "WorkerDied": Text(
        de="Der ausführende Prozess ist abgebrochen, vermutlich aus Mangel an Speicher.",
        en="The executing process died, probably for lack of memory.",
    ),
}


@dataclass(frozen=True, slots=True)
class Result:
    """
    What became of a request.

    `error` is None, or a mapping with ``type``, ``cell`` (from 1), ``code``, ``exit_code``, ``de`` and ``en``
    (sentences without data values) and, for runs with open inputs only, ``message``. `cpu_seconds` is the processor
    time of the run's own processes, None where it is not known.
    """

    request: Request
    status: Status
    seconds: float
    error: dict[str, Any] | None = None
    cpu_seconds: float | None = None

    @property
    def key(self) -> str:
        """Give the run's key."""
        return self.request.key

    @property
    def folder(self) -> Path:
        """Give the run's folder."""
        return self.request.folder

    @property
    def ok(self) -> bool:
        """Whether there is a result to go on with."""
        return self.status != "failed"

    def failure(self) -> StadtbuchError:
        """Give the error to raise for a failed run: the library's own with its exit code, or `RunFailed`."""
        return _failure(self.request, self.error or {})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the runs are: for whoever draws it."""

    request: Request
    status: Literal["started"] | Status
    done: int
    total: int


class Crew(Protocol):
    """Who does the runs: this machine (`locally`), or a cluster."""

    def __call__(
        self, requests: Sequence[Request], *, jobs: int, seconds: float, started: Callable[[Request], None]
    ) -> Iterator[Result]:
        """Run what is laid out and give each result when it is there; what was begun ends with the generator."""


def execute(
    requests: Sequence[Request],
    *,
    jobs: int = 1,
    progress: Callable[[Progress], None] | None = None,
    city: City | None = None,
    seconds: float | None = None,
    crew: Crew | None = None,
    limits: Runs | None = None,
    on_result: Callable[[Result], None] = lambda result: None,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[Result]:
    """
    Run what is not done yet.

    Parameters
    ----------
    requests
        From `plan.plan`; equal keys are run once.
    jobs
        How many at once.
    progress
        Called in this process when a run begins or ends.
    city
        Whose book gets an entry for each run (``ran``, ``run-failed``); None writes none.
    seconds
        Limit per run; without it, as the city's settings say.
    crew
        Who does the runs; without it, this machine.
    limits
        What a run may use; without it, as the city's settings say.
    on_result
        Gets each result, in this thread, while others still run: in the order of the requests, so that what it
        writes into the book does not depend on which run happens to end first.
    meanwhile
        Called in this thread once all runs are handed out, if there are any.

    Returns
    -------
    list of Result
        In the order of the requests. A failed run is a result, not an exception: one never stops another.

    Raises
    ------
    Busy
        If another command is executing one of these runs; nothing was started then.
    """
    told = progress or (lambda event: None)
    limits = limits or (city.settings.runs if city is not None else Runs())
    crew = crew or _of_this_machine(city)
    different = list({request.key: request for request in requests}.values())
    results: dict[str, Result] = {}

    def done(result: Result) -> None:
        results[result.key] = result
        told(Progress(result.request, result.status, len(results), len(different)))

    with _Claims() as claims:
        todo = []
        for request in different:
            claims.take(request.folder)
        for request in different:
            known = finished(request)
            if known is not None:
                done(known)
                claims.drop(request.folder)
            else:
                todo.append(request)
        for request in todo:
            _lay_out(request, limits)

        handed_out: set[str] = set()

        def started(request: Request) -> None:
            told(Progress(request, "started", len(results), len(different)))
            handed_out.add(request.key)
            if len(handed_out) == len(todo):
                meanwhile()

        waiting = list(different)
        try:
            _give(city, waiting, results, on_result)
            for result in crew(todo, jobs=jobs, seconds=seconds or limits.seconds, started=started):
                _commit(result)
                claims.drop(result.folder)
                done(result)
                _give(city, waiting, results, on_result)
        finally:  # what is done is in the book, also when Ctrl-C ends the rest
            for request in waiting:
                _enter(city, results.get(request.key))
    return [replace(results[request.key], request=request) for request in requests]


def locally(
    requests: Sequence[Request],
    *,
    jobs: int,
    seconds: float,
    started: Callable[[Request], None],
    wall: Wall = "where-possible",
    lock: Path | None = None,
) -> Iterator[Result]:
    """
    Run on this machine: the crew of every command that names no other.

    Parameters
    ----------
    wall
        As in the city's settings.
    lock
        The city's lock file.

    Raises
    ------
    Refused
        ``run.wall-impossible`` or ``box.impossible`` if a wall is required and none is possible here.
    """
    found = _zygote(wall, lock) if requests else None
    if found is not None:
        yield from _forked(requests, found, jobs=jobs, seconds=seconds, started=started)
    elif requests:
        yield from _in_processes(requests, jobs=jobs, seconds=seconds, started=started)


def get_ready(city: City) -> None:
    """Start the warm kernels while a city's first build still reads its data; later builds may have nothing to run."""
    from stadtbuch.runs import warm  # noqa: PLC0415 - as in `_zygote`

    if city.settings.runs.wall != "none" and not any(city.state.folder("runs").iterdir()):
        with suppress(Refused):
            warm.begin(city.settings.root / key.LOCK)


def _of_this_machine(city: City | None) -> Crew:
    if city is None:
        return locally
    return partial(locally, wall=city.settings.runs.wall, lock=city.settings.root / key.LOCK)


def _zygote(wall: Wall, lock: Path | None) -> warm.Warm | None:
    """Start the zygote, or give None where runs shall or must do without."""
    if wall == "none":
        return None
    from stadtbuch.runs import engine, warm  # noqa: PLC0415 - only where something runs

    try:
        found = warm.begin(lock)
        assert engine.DIRECT  # papermill is imported while the zygote starts
        found.wait()
    except Refused:
        if wall == "required":
            raise
        return None
    return found


def finished(request: Request) -> Result | None:
    """Give the earlier result of this key, or None if there is none to go on with."""
    try:
        told = json.loads((request.folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    complete = told.get("status") == "ran" and (request.folder / worker.EXECUTED).is_file()
    return Result(request, "unchanged", float(told["seconds"])) if complete else None


def _give(
    city: City | None,
    waiting: list[Request],
    results: Mapping[str, Result],
    on_result: Callable[[Result], None],
) -> None:
    """Hand on results in the order of the requests: which run ends first is chance, and the book's head is public."""
    while waiting and waiting[0].key in results:
        result = results[waiting.pop(0).key]
        _enter(city, result)
        on_result(result)


def _enter(city: City | None, result: Result | None) -> None:
    """Write into the book what was executed just now."""
    if city is not None and result is not None and result.status != "unchanged":
        record(city, result)


def record(city: City, result: Result) -> None:
    """Write into the book that a run was executed: its key, its inputs' versions, how it ended; no values, no times."""
    request = result.request
    details = described(request.info)
    if result.error:
        details |= {"cell": result.error.get("cell"), "error": result.error["type"]}
    kind = "ran" if result.ok else "run-failed"
    entry = city.book.append(kind, subject=request.name, actor=city.actor, now=city.now, details=details)
    city.state.log(f"run.{result.status}", now=city.now, entry=entry.number, key=request.key)


def described(info: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the book says about a run, from its ``run.json``."""
    versions = {name: one["version"] or one["sha256"] for name, one in info["inputs"].items()}
    return {"key": info["key"], "inputs": versions, "restricted": info["restricted"]}


def unentered(city: City) -> Iterator[dict[str, Any]]:
    """
    Give the ``run.json`` of every complete run that the book does not know, the earliest first.

    The mark that a run is complete comes before its entry: whoever is interrupted between them leaves one of these.
    """
    known = {entry.details["key"] for entry in city.book.entries(kind="ran")}
    found = []
    for folder in city.state.folder("runs").iterdir():
        if folder.name not in known and _complete(folder):
            info = json.loads((folder / worker.INFO).read_text(encoding="utf-8"))
            found.append(
                (json.loads((folder / MARK).read_text(encoding="utf-8"))["finished"], folder.name, info)
            )
    return (info for _, _, info in sorted(found, key=lambda one: one[:2]))


def clear(city: City) -> int:
    """
    Remove the folders of runs that were interrupted, or whose files a power cut damaged; give their number.

    A folder that somebody is working in stays, and so does one of a run that failed: it is what people look at.
    Which ones were interrupted is kept until the next build is over, so that it can say why it runs them again.
    """
    return sum(_cleared(folder, city.state) for folder in sorted(city.state.folder("runs").iterdir()))


def was_interrupted(state: State, key: str) -> bool:
    """Tell whether a run was interrupted since the last build that came to its end."""
    return (state.folder("cache") / INTERRUPTED / key).exists()


def forget_interruptions(state: State) -> None:
    """Forget which runs were interrupted: a build has come to its end."""
    shutil.rmtree(state.folder("cache") / INTERRUPTED, ignore_errors=True)


def _cleared(folder: Path, state: State) -> bool:
    try:
        failed = json.loads((folder / MARK).read_text(encoding="utf-8"))["status"] == "failed"
    except (OSError, ValueError, KeyError, TypeError):
        failed = False
    if failed or _complete(folder):
        return False
    try:
        with _claim(folder):
            noted = state.folder("cache") / INTERRUPTED
            noted.mkdir(mode=0o700, parents=True, exist_ok=True)
            (noted / folder.name).touch()
            shutil.rmtree(folder)
    except Busy:
        return False
    return True


def _complete(folder: Path) -> bool:
    """Tell whether a run ended well and each of its files is what its mark says."""
    try:
        told = json.loads((folder / MARK).read_text(encoding="utf-8"))
        sound = all(
            atomic.digest((folder / path).read_bytes()) == known for path, known in told["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return sound and told["status"] == "ran" and (folder / worker.INFO).is_file()


class _Claims:
    """
    Holds the folders of runs while they are worked in, of at most `MOST_CLAIMS` at once, in their order.

    Each claim costs an open descriptor, of which a process has about a thousand. Of more runs than that, the later
    ones are only looked at in the beginning, and held when earlier ones are over.
    """

    def __init__(self) -> None:
        self._held: dict[Path, ExitStack] = {}
        self._later: deque[Path] = deque()

    def __enter__(self) -> _Claims:
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._held.values():
            one.close()

    def take(self, folder: Path) -> None:
        """Claim a folder; Busy if somebody works in it."""
        claim = ExitStack()
        claim.enter_context(_claim(folder))
        if len(self._held) < MOST_CLAIMS:
            self._held[folder] = claim
        else:
            claim.close()
            self._later.append(folder)

    def drop(self, folder: Path) -> None:
        """Let go of a folder, and hold the next one."""
        held = self._held.pop(folder, None)
        if held is None:
            self._later.remove(folder)
        else:
            held.close()
            if self._later:
                self.take(self._later.popleft())


@contextmanager
def _claim(folder: Path) -> Iterator[None]:
    """Hold a run's folder while it is worked in; the system lets it go when the process ends, however."""
    with atomic.telling("runs"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    try:
        _take(handle)
        yield
    finally:
        os.close(handle)


def _take(handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _busy() from None


def _lay_out(request: Request, limits: Runs | None = None) -> None:
    """Empty the folder of an interrupted run and lay out what this one gets."""
    bounds = (limits or Runs()).model_dump(include={"cpu_seconds", "memory_mb", "output_mb"})
    info = {**request.info, "engine": "plain", "wall": [], "limits": bounds}
    with atomic.telling("runs"):
        for one in request.folder.iterdir():
            shutil.rmtree(one) if one.is_dir() and not one.is_symlink() else one.unlink()
        for name in worker.FOLDERS:
            (request.folder / name).mkdir(mode=0o700, parents=True)
        laid = {**request.inputs, **{f"modules/{path}": data for path, data in request.modules.items()}}
        laid[worker.SOURCE] = request.notebook.encode()
        laid[worker.INFO] = (json.dumps(info, ensure_ascii=False, indent=1) + "\n").encode()
        for path, data in laid.items():
            target = request.folder / path
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.write_bytes(data)
            target.chmod(0o600)


def _forked(
    requests: Sequence[Request],
    zygote: warm.Warm,
    *,
    jobs: int,
    seconds: float,
    started: Callable[[Request], None],
) -> Iterator[Result]:
    """Run in threads, each of which forks its runs from the zygote."""
    alive = Alive()
    crew = ThreadPoolExecutor(min(jobs, len(requests)), thread_name_prefix="stadtbuch-run")
    work = partial(worker.forked, warm=zygote, alive=alive.add)
    try:
        yield from _handed(requests, crew, work, seconds=seconds, started=started)
    finally:  # Ctrl-C, an error, or all is done
        crew.shutdown(wait=False, cancel_futures=True)
        alive.stop()
        crew.shutdown()


class Alive:
    """The runs that were forked: on the way out they are stopped, and no further one begins."""

    def __init__(self) -> None:
        self._turn, self._over = Lock(), False
        self._runs: list[warm.Run] = []

    def add(self, run: warm.Run) -> None:
        """Take note of a run."""
        with self._turn:
            self._runs = [one for one in self._runs if one.process >= 0] + [run]
            if self._over:
                run.stop()

    def stop(self) -> None:
        """Stop all."""
        with self._turn:
            self._over = True
            for run in self._runs:
                run.stop()


def _in_processes(
    requests: Sequence[Request], *, jobs: int, seconds: float, started: Callable[[Request], None]
) -> Iterator[Result]:
    """Hand the runs to worker processes, each with plain kernels."""
    context = get_context("spawn")  # forking would copy threads and locks of pandas and zmq
    lifeline, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(
        max_workers=min(jobs, len(requests)),
        mp_context=context,
        initializer=worker.begin,
        initargs=(lifeline,),
    )
    try:
        yield from _handed(requests, pool, worker.work, seconds=seconds, started=started)
        pool.shutdown()
    except BaseException:
        # Ctrl-C, or an error of the coordinator: the workers see the lifeline end and stop their kernels.
        held.close()
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    finally:
        held.close()
        lifeline.close()


def _handed(
    requests: Sequence[Request],
    crew: Executor,
    work: Callable[[Path, float], dict[str, Any]],
    *,
    seconds: float,
    started: Callable[[Request], None],
) -> Iterator[Result]:
    """Hand out the runs, and give results as they come."""
    waiting: dict[Future[dict[str, Any]], Request] = {}
    for request in requests:
        waiting[crew.submit(work, request.folder, seconds)] = request
        started(request)
    for future in as_completed(waiting):
        yield _result(waiting[future], future)


def _result(request: Request, future: Future[dict[str, Any]]) -> Result:
    try:
        told = future.result()
    except BrokenProcessPool:
        return Result(request, "failed", 0.0, _described(request, None, "WorkerDied", ""))
    except StadtbuchError as problem:
        return Result(request, "failed", 0.0, _own(problem))
    except Exception as problem:  # noqa: BLE001 - whatever broke in a worker fails this run and no other
        return Result(request, "failed", 0.0, _described(request, None, type(problem).__name__, ""))
    used = told.get("cpu_seconds")
    if told["fault"] is None:
        return Result(request, "ran", told["seconds"], cpu_seconds=used)
    fault = told["fault"]
    own = _own_error(request)
    error = _described(request, fault["cell"], fault["kind"], fault["message"])
    described = error | own if own.get("type") == fault["kind"] else error
    return Result(request, "failed", told["seconds"], described, cpu_seconds=used)


def _own(problem: StadtbuchError) -> dict[str, Any]:
    """Describe an error of the library itself, before any cell of the notebook ran."""
    told: dict[str, Any] = {"type": type(problem).__name__, "cell": None}
    told |= {"code": problem.code, "exit_code": problem.exit_code}
    return told | {language: _parts(problem.as_dict(language)) for language in ("de", "en")}


def _own_error(request: Request) -> dict[str, Any]:
    """Give what the library said inside the kernel, with its code."""
    try:
        told = json.loads((request.folder / "outputs" / "error.json").read_text(encoding="utf-8"))
        code, exit_code = str(told["de"]["code"]), int(told["de"]["exit_code"])
        spoken = {language: _parts(told[language]) for language in ("de", "en")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {"type": str(told["type"]), "code": code, "exit_code": exit_code, **spoken}


def _parts(told: dict[str, Any]) -> dict[str, str]:
    return {name: str(told[name]) for name in ("text", "why", "remedy")}


def _described(request: Request, cell: int | None, kind: str, message: str) -> dict[str, Any]:
    """Say why a run stopped. The message of a foreign error is named only where all inputs are open."""
    place = Text(de=f"in Zelle {cell} ", en=f"in cell {cell} ") if cell else Text(de="", en="")
    hidden = Text(
        de="Der Wortlaut könnte Daten enthalten und bleibt deshalb im Ordner des Laufs.",
        en="Its wording could hold data and therefore stays in the run's folder.",
    )
    shown = message.splitlines()[0][:300] if message and not request.restricted else ""
    open_why = Text(de=shown, en=shown)
    why = REASONS.get(kind) or (hidden if request.restricted else open_why)
    told: dict[str, Any] = {"type": kind, "cell": cell, "code": _code(kind), "exit_code": RunFailed.exit_code}
    if shown:
        told["message"] = shown
    for language in ("de", "en"):
        what = Text(
            de=f"{request.name} ist {place.de}gescheitert ({kind}).",
            en=f"{request.name} failed {place.en}({kind}).",
        )
        told[language] = {
            "text": what.pick(language),
            "why": why.pick(language),
            "remedy": _open_in_lab().pick(language),
        }
    return told


def _code(kind: str) -> str:
    return CODES.get(kind, "run.failed")


def _open_in_lab() -> Text:
    return Text(
        de="Öffnen Sie das Notebook in JupyterLab und führen Sie es aus; dort steht der ganze Fehler.",
        en="Open the notebook in JupyterLab and run it; the whole error stands there.",
    )


def _failure(request: Request, error: dict[str, Any]) -> StadtbuchError:
    own = getattr(errors, str(error.get("type")), None)
    kind = own if isinstance(own, type) and issubclass(own, StadtbuchError) else RunFailed
    said = {name: Text(de=error["de"][name], en=error["en"][name]) for name in ("text", "why", "remedy")}
    if kind is not RunFailed and error.get("cell"):
        place = Text(
            de=f"{request.name}, Zelle {error['cell']}: ", en=f"{request.name}, cell {error['cell']}: "
        )
        said["text"] = Text(de=place.de + said["text"].de, en=place.en + said["text"].en)
    return kind(
        str(error["code"]), said["text"], why=said["why"] if said["why"].de else None, remedy=said["remedy"]
    )


def _commit(result: Result) -> None:
    """Write the mark that this run is over; its moment is the plan's plus the seconds it took."""
    planned = datetime.fromisoformat(result.request.info["now"])
    content = {
        "status": result.status,
        "seconds": round(result.seconds, 3),
        "cpu_seconds": None if result.cpu_seconds is None else round(result.cpu_seconds, 3),
        "error": result.error,
        "finished": (planned + timedelta(seconds=round(result.seconds, 3))).isoformat(),
        "files": _hashes(result.folder) if result.ok else {},
    }
    shutil.rmtree(result.folder / "home", ignore_errors=True)
    data = (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()
    with atomic.telling("runs"):
        atomic.write(result.folder / MARK, data, mode=0o600)


def _hashes(folder: Path) -> dict[str, str]:
    """Hash what the run handed out."""
    paths = [
        folder / "notebook.ipynb",
        *sorted(path for path in (folder / "outputs").rglob("*") if path.is_file()),
    ]
    return {path.relative_to(folder).as_posix(): atomic.digest(path.read_bytes()) for path in paths}


def _busy() -> Busy:
    return Busy(
        "run.busy",
        Text(de="Derselbe Lauf wird gerade schon ausgeführt.", en="The same run is being executed already."),
        why=Text(
            de="Gleiche Daten, gleicher Code, gleiche Parameter: Es gäbe zweimal dasselbe Ergebnis.",
            en="Same data, same code, same parameters: the result would be the same twice.",
        ),
        remedy=Text(
            de="Warten Sie, bis er fertig ist, und wiederholen Sie den Befehl; dann ist das Ergebnis da.",
            en="Wait until it is done and repeat the command; the result is there then.",
        ),
    )
