"""
A small city at four moments of its life, the process that calls commands in it, and what must hold afterwards.

Each scene is a city in which one command is due: everything it needs is computed already, so that a command that is
cut off costs a fraction of a second.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

from builders.city import TOML, Made
from builders.reports import a_publishing_city
from builders.submissions import REASON, received, reran

import stadtbuch
from stadtbuch import atomic, settings
from stadtbuch.reports import editions, removal
from stadtbuch.submissions import inbox, review

ROLES = {"*": ["analyst", "head-of-statistics", "editor"]}
FIRST, SECOND = "2026-01-15T08:00", "2026-01-16T08:00"
ROOM = 1 << 30
DRIVER = Path(__file__).with_name("driver.py")
LINK = re.compile(r'(?:href|src)="([^"#?:]+)(?:[#?][^"]*)?"')
READINGS = ("loaded", "measured")
"""Kinds of entries that say that data that are not open were read: evidence, which must not be missing."""
HEAD = re.compile(
    rb'(Eintrag|Entry) \d+, <span class="hash">[0-9a-f]{64}</span>'
    rb'|(checkpoint.txt|ro-crate-metadata.json)</a></th><td class="hash">[0-9a-f]{64}</td>'
)
SHOWN = {"public": "page", "var/editions": "archive", "var/spool/waiting": "waiting edition"}
"""Folder -> what its files are; they are the same as after an undisturbed command, except for `bare`."""
WITNESSES = ("checkpoint.txt", "ro-crate-metadata.json")
"""Files of an edition that say how long the book was."""
BUILD = ("build", "--now", FIRST)
APPROVE = ("report", "approve", "people", "--as", "head-of-statistics", "--now", FIRST)
WITHHOLD = (
    "report", "withhold", "people@2026-01-15", "--as", "head-of-statistics", "--now", SECOND,
    "--reason-de", "Eine Quelle war falsch.", "--reason-en", "A source was wrong.",
)  # fmt: skip
WITHDRAW = (
    "report", "withdraw", "people@2026-01-15", "--remove-content", "--as", "head-of-statistics", "--now", SECOND,
    "--reason-de", "Eine Zahl verriet zu viel.", "--reason-en", "A number told too much.",
)  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code or negative signal, what it said, how many steps and CPU seconds it took."""

    status: int
    out: str
    err: str
    steps: int | None
    cpu: float


def _ended(told: dict[str, Any], said: Path) -> Ended:
    counted = Path(f"{said}.out.steps")
    steps = int(counted.read_text()) if counted.exists() else None
    return Ended(
        told["status"], Path(f"{said}.out").read_text(), Path(f"{said}.err").read_text(), steps, told["cpu"]
    )


@dataclass
class Nursery:
    """The process that forks one process per command; `scratch` is where all of them keep their temporary files."""

    scratch: Path
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        """Start it and wait until the library is there."""
        (self.scratch / "tmp").mkdir(parents=True)
        paths = (str(Path(stadtbuch.__file__).parents[1]),)
        self.process = subprocess.Popen(
            [sys.executable, str(DRIVER)],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(paths),
                "LANG": "C.UTF-8",
                "TMPDIR": str(self.scratch / "tmp"),
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
                "CRASH_TRACE": os.environ.get("CRASH_TRACE", ""),
            },
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._line() == "ready\n"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def call(self, root: Path, arguments: Sequence[str], **how: Any) -> Ended:
        """Call a command in a city; at step `at`, do what `kind` says."""
        (ended,) = self.at_once(root, arguments, **how)
        return ended

    def at_once(
        self,
        root: Path,
        *commands: Sequence[str],
        kind: str = "count",
        at: int | None = None,
        errno: int = 0,
        temporary: Path | None = None,
    ) -> list[Ended]:
        """Call several commands in a city at the same time; `temporary`: another folder for temporary files."""
        said = [self.scratch / f"said-{number}" for number in range(len(commands))]
        requests = [
            {"root": str(root), "arguments": list(arguments), "kind": kind, "at": at, "errno": errno,
             "temporary": str(temporary) if temporary else None, "out": f"{place}.out", "err": f"{place}.err"}
            for arguments, place in zip(commands, said, strict=True)
        ]  # fmt: skip
        for place in said:
            Path(f"{place}.out.steps").unlink(missing_ok=True)
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(requests) + "\n")
        self.process.stdin.flush()
        answers = json.loads(self._line())
        return [_ended(one, place) for one, place in zip(answers, said, strict=True)]

    def left(self) -> list[str]:
        """Name what commands left in the folder for temporary files."""
        return sorted(path.name for path in (self.scratch / "tmp").iterdir())

    def close(self) -> None:
        """End it."""
        self.process.communicate(timeout=60)


@dataclass(frozen=True)
class Scene:
    """A city in which a command is due: what it looks like before, and after the command ran in peace."""

    name: str
    root: Path
    command: tuple[str, ...]
    next: tuple[str, ...]
    before: dict[str, bytes]
    after: Path
    steps: int

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """Give a copy to be cut off in."""
        with tempfile.TemporaryDirectory(dir=self.root.parent, prefix="cut-") as folder:
            yield Path(shutil.copytree(self.root, Path(folder) / "city"))


def opened(root: Path, *, role: str | None = None, now: str = FIRST) -> Any:
    """Open a city's session."""
    told = settings.read(root)
    moment = datetime.fromisoformat(now).replace(tzinfo=told.city.zone)
    return Made(root, told).open(now=moment, as_role=role, login=None)


def make(folder: Path, nursery: Nursery) -> Iterator[Scene]:
    """Make the scenes one after the other; each begins where the one before ended."""
    root = folder / "publish" / "city"
    a_publishing_city(root, roles=ROLES, toml=TOML + '[submissions]\ndecide = ["editor"]\n')
    opened(root).state.key("book-1")  # each copy signs with the same key
    for report in ("area", "people"):
        assert nursery.call(root, ("check", report, "--now", FIRST)).status == 0
    first = scene(nursery, "publish", root, BUILD)
    yield first
    second = scene(nursery, "approve", _moved(first, folder / "approve"), APPROVE)
    yield second
    yield scene(nursery, "withhold", _moved(second, folder / "withhold"), WITHHOLD)
    # The report itself would compute again what was removed, and be refused: the other one follows.
    yield scene(
        nursery,
        "withdraw",
        _moved(second, folder / "withdraw"),
        WITHDRAW,
        then=("build", "area", "--now", SECOND),
    )
    root = _moved(second, folder / "accept")
    session = opened(root, role="editor")
    number = received(session).submission.number
    review.inspect(session, number)
    reran(session, number)
    accept = ("submission", "accept", number, "--as", "editor", "--now", SECOND,
              "--reason", REASON.de, "--reason-en", REASON.en)  # fmt: skip
    yield scene(nursery, "accept", root, accept)


def _moved(earlier: Scene, folder: Path) -> Path:
    return Path(shutil.copytree(earlier.after, folder / "city"))


def scene(
    nursery: Nursery, name: str, root: Path, command: tuple[str, ...], *, then: tuple[str, ...] | None = None
) -> Scene:
    """Run a command, and the build after it (or what comes `then`), in peace, in a copy."""
    after = Path(shutil.copytree(root, root.parent / "after"))
    now = command[command.index("--now") + 1]
    following = then or ("build", "--now", now)
    ended = nursery.call(after, command)
    assert (ended.status, ended.steps is not None) == (0, True), ended.err
    if command != following:
        ended_next = nursery.call(after, following)
        assert ended_next.status == 0, ended_next.err
    return Scene(name, root, command, following, tree(root / "public"), after, ended.steps or 0)


@contextmanager
def quick_disk(prefix: str) -> Iterator[Path]:
    """
    Give an empty folder, in memory where there is one: a flush costs nothing there.

    What a command sees is the same; what a power cut takes is decided by the test, not by the disk.
    """
    memory = Path("/dev/shm")
    there = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    with tempfile.TemporaryDirectory(
        prefix=prefix, dir=memory if there else None, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def tree(folder: Path) -> dict[str, bytes]:
    """Read a folder: path -> content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def bare(files: dict[str, bytes]) -> dict[str, bytes]:
    """Leave out how long the book was: a reading that had to be repeated is one entry more, and that is the truth."""
    told = {}
    for path, data in files.items():
        if path.endswith("edition.json"):
            edition = json.loads(data)
            listed = [one for one in edition["files"] if one["path"] not in WITNESSES]
            data = json.dumps({**edition, "book_head": None, "files": listed}).encode()
        told[path] = HEAD.sub(b"", data) if b'class="hash"' in data else data
    return {path: data for path, data in told.items() if not _tells_of_the_book(path)}


def _tells_of_the_book(path: str) -> bool:
    """Name the witnesses, what counts the book or times runs, and what holds or lists the rest once more."""
    return (
        path.startswith(("book/", "registers/process/"))
        or path.endswith((*WITNESSES, "package.zip"))
        or path == "site.json"
    )


@functools.cache
def _bare_tree(folder: Path) -> dict[str, bytes]:
    """Read a folder that never changes, for `differing`."""
    return bare(tree(folder))


def differing(found: Path, wanted: Path) -> list[str]:
    """Name the files of two folders that differ; the second one is that of a scene and never changes."""
    left, right = bare(tree(found)), _bare_tree(wanted)
    return sorted(path for path in {*left, *right} if left.get(path) != right.get(path))


def same_pages(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Name the files that differ."""
    left, right = bare(one), bare(other)
    return sorted(path for path in {*left, *right} if left.get(path) != right.get(path))


# ---- one cut -------------------------------------------------------------------------------------------


def survive(nursery: Nursery, scene: Scene, *, kind: str, at: int, errno: int = 0) -> list[str]:
    """
    Cut a command off at a step, let the next command follow, and say everything that is wrong then.

    A command that was cut off before the entry that counts has done nothing; then people repeat it, and so does this.
    """
    with scene.copy() as root:
        ended = nursery.call(root, scene.command, kind=kind, at=at, errno=errno)
        told = _in_between(root, scene) + (_badly_told(ended) if kind == "error" else half_pages(root, scene))
        if kind != "error" and ended.status != -9:
            told.append(f"ended with {ended.status}")
        told += _follow(nursery, root, scene)
        told += wrong(root, scene)
        told += [f"process {number}" for number in processes(root)]
    told += [f"temporary: {name}" for name in nursery.left()]
    return [f"{scene.name} {kind} {errno or ''} at {at}: {one}" for one in told]


def _follow(nursery: Nursery, root: Path, scene: Scene) -> list[str]:
    ended = [(scene.next, nursery.call(root, scene.next))]
    if scene.command != scene.next and _entries_apart(root, scene):
        ended += [(command, nursery.call(root, command)) for command in (scene.command, scene.next)]
    return [f"{command[:2]} ended with {one.status}: {one.err}" for command, one in ended if one.status]


def _in_between(root: Path, scene: Scene) -> list[str]:
    """Say what readers could see that is half; in an emergency the bytes leave before the links to them do."""
    emergency = scene.command == WITHDRAW
    told = [] if emergency else [f"dead link in between: {one}" for one in dead_links(root / "public")]
    return told + [f"half edition in between: {one}" for one in half_editions(root)]


def _badly_told(ended: Ended) -> list[str]:
    """A broken disk is told in our words, with an exit code; or it did no harm at all."""
    good = (
        ended.status in (0, 1) and "Traceback" not in ended.err and "hätte nicht geschehen" not in ended.err
    )
    return [] if good else [f"ended with {ended.status}: {ended.err}"]


# ---- what must hold in the moment after the cut -------------------------------------------------------


def half_pages(root: Path, scene: Scene) -> list[str]:
    """Name files of the site that are neither as they were nor as they become."""
    after = tree(scene.after / "public")
    found = tree(root / "public")
    return [
        f"half page: {path}"
        for path, data in found.items()
        if not _is_temporary(path)
        and path != "site.json"
        and not any(
            path in known and (data == known[path] or not same_pages({path: data}, {path: known[path]}))
            for known in (scene.before, after)
        )
    ]


def _is_temporary(path: str) -> bool:
    return atomic.LEFTOVER.fullmatch(path.rpartition("/")[2]) is not None


def dead_links(public: Path) -> list[str]:
    """Follow every link from the first page on, and name those that lead nowhere."""
    waiting, seen, dead = ["index.html"] if (public / "index.html").exists() else [], set(), []
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        for link in LINK.findall((public / page).read_text(encoding="utf-8")):
            target = os.path.normpath(f"{page.rpartition('/')[0]}/{unquote(urldefrag(link)[0])}".lstrip("/"))
            if link.startswith("/"):
                continue
            if not (public / target).is_file():
                dead.append(f"{page} -> {link}")
            elif target.endswith(".html"):
                waiting.append(target)
    return dead


def half_editions(root: Path) -> list[str]:
    """Name editions, public or waiting, that are not what their description says; an emptied one says so."""
    state = opened(root).state
    archive = [*editions.history(state), *editions.all_waiting(state)]
    return [one.edition.id for one in archive if editions.damaged_files(one) and not one.content_removed]


# ---- what must hold after the next command ------------------------------------------------------------


def wrong(root: Path, scene: Scene) -> list[str]:
    """Say everything that is not as if the command had run in peace."""
    city = opened(root)
    told = [f"book: {verdict['problem']['code']}" for verdict in [city.book.verify()] if not verdict["ok"]]
    told += [f"half edition: {one}" for one in half_editions(root)]
    told += [f"book: {one}" for one in _entries_apart(root, scene)]
    for name, words in SHOWN.items():
        told += [f"{words} differs: {one}" for one in differing(root / name, scene.after / name)]
    told += [f"derived differs: {one}" for one in _differing(root, scene.after, "var/derived")]
    told += [f"dead link: {one}" for one in dead_links(root / "public")]
    told += [f"left over: {one}" for one in left_over(root)]
    told += [f"inventory: {one}" for one in _not_as_listed(root / "public")]
    told += [f"removed content: {one}" for one in _still_there(root, removal.removed(city.book))]
    told += [
        f"submission without entry: {one.number}"
        for one in inbox.everything(city.state)
        if one.status.entry is None
    ]
    return told


def _differing(one: Path, other: Path, folder: str) -> list[str]:
    left, right = tree(one / folder), tree(other / folder)
    return sorted(path for path in {*left, *right} if left.get(path) != right.get(path))


def _entries_apart(root: Path, scene: Scene) -> list[str]:
    """
    Compare what the book says with what it says after an undisturbed command.

    Each deed stands there exactly as often. A reading of data that are not open may stand there again, because
    whoever goes on after an interruption may have to read again; but never not at all, and no other one.
    """
    found, wanted = _entries(root), _entries(scene.after)
    return [
        f"{key} {found[key]} times, not {wanted[key]}"
        for key in sorted({*found, *wanted}, key=str)
        if (bool(found[key]) != bool(wanted[key]) if key[0] in READINGS else found[key] != wanted[key])
    ]


def _entries(root: Path) -> Counter[tuple[str, ...]]:
    return Counter(
        (entry.kind, entry.subject, *(str(entry.details.get(name, "")) for name in ("key", "version")))
        for entry in opened(root).book.entries()
    )


def _still_there(root: Path, digests: frozenset[str]) -> list[str]:
    """Name files anywhere in a city whose content was removed from it."""
    files = tree(root).items() if digests else ()
    return [path for path, data in files if atomic.digest(data) in digests]


def left_over(root: Path) -> list[str]:
    """Name temporary files and folders, drafts, notes of commands, and runs that are half."""
    found = [path for path in root.rglob(".*") if _is_left(path)]
    found += (root / "var/journal").iterdir()
    found += [run for run in (root / "var/runs").iterdir() if not (run / "result.json").exists()]
    return sorted(path.relative_to(root).as_posix() for path in found)


def _is_left(path: Path) -> bool:
    return (
        bool(atomic.LEFTOVER.fullmatch(path.name))
        or path.suffix in (".new", ".old")
        or path.name.startswith(".incoming")
    )


def _not_as_listed(public: Path) -> list[str]:
    """Compare the folder with its inventory."""
    listed = json.loads((public / "site.json").read_text())["files"]
    found = {path: atomic.digest(data) for path, data in tree(public).items() if path != "site.json"}
    return sorted(path for path in {*listed, *found} if listed.get(path) != found.get(path))


def processes(root: Path) -> list[int]:
    """Find processes that work in a city: by their folder or what they were called with."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            told = (process / "cmdline").read_bytes() + os.fsencode((process / "cwd").readlink())
        except OSError:
            continue
        if os.fsencode(root) in told:
            found.append(int(process.name))
    return found
