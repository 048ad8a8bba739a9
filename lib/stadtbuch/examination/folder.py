"""The city's own files: catalogue, data, reports, notebooks, texts."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote

from stadtbuch.catalog import allowed, index, intake_file
from stadtbuch.errors import StadtbuchError
from stadtbuch.examination.agreed import mistakes
from stadtbuch.examination.notes import Note, fine, hint, problem
from stadtbuch.examination.scene import Scene, mode
from stadtbuch.founding import EXAMPLE, TODO
from stadtbuch.model.dataset import Dataset
from stadtbuch.model.report import Report
from stadtbuch.reports import approvals
from stadtbuch.reports.definitions import APPROVALS
from stadtbuch.runs.manifest import Analysis
from stadtbuch.site.facts import WORDS
from stadtbuch.texts import LANGUAGES, Text
from stadtbuch.upkeep.upgrade import before_upgrade

CHECK = "stadtbuch catalog check"
WRITTEN = (".toml", ".yaml", ".md")
PATIENCE = 10.0  # seconds for git

_OPEN_PLACE = re.compile(rf"\b{TODO}\b")
_OTHERS_READ = 0o004


def catalogue(scene: Scene) -> Iterable[Note]:
    """Check the catalogue's files."""
    yield from mistakes(scene.catalogue_problems, command=CHECK)
    if not scene.catalogue_problems:
        number = len(scene.datasets)
        yield fine(f"Katalog ohne Fehler: {number} Datensätze", f"Catalogue without mistakes: {number} datasets",
                   datasets=number)  # fmt: skip


def generated(scene: Scene) -> Iterable[Note]:
    """Compare ``intake.yaml`` with the catalogue it is made from."""
    if scene.catalogue_problems:
        return
    catalog = index.Catalog({one.id: one for one in sorted(scene.datasets, key=lambda one: one.id)})
    if intake_file.is_current(catalog, scene.settings):
        yield fine("intake.yaml ist auf dem Stand des Katalogs", "intake.yaml says what the catalogue says")
        return
    yield problem(
        Text(
            de="intake.yaml ist nicht auf dem Stand des Katalogs.",
            en="intake.yaml does not say what the catalogue says.",
        ),
        Text(de="Erneuern Sie die Datei.", en="Renew the file."),
        subject=intake_file.stale(scene.settings).file,
        command=f"{CHECK} --write",
    )


def sources(scene: Scene) -> Iterable[Note]:
    """Look for the file of every dataset."""
    missing = [one for one in scene.datasets if not _source(one, scene).exists()]
    for one in missing:
        text = Text(de=f"Die Datei von {one.id} fehlt.", en=f"The file of {one.id} is missing.")
        remedy = Text(
            de="Legen Sie die Lieferung an die Stelle, die der Katalog nennt, oder berichtigen Sie source.url.",
            en="Put the delivery where the catalogue says, or correct source.url.",
        )
        synthetic = scene.settings.city.synthetic and (scene.settings.root / "synthetic.yaml").exists()
        yield problem(text, remedy, subject=one.id, command="stadtbuch demo" if synthetic else "")
    if not missing:
        yield fine("Alle Datensätze haben ihre Datei", "All datasets have their file")


def _source(dataset: Dataset, scene: Scene) -> Path:
    return allowed.locate(dataset.source, scene.settings)


def closed_files(scene: Scene) -> Iterable[Note]:
    """Look for files with data that are not open and that every account of the machine may read."""
    files = {
        path: one.id
        for one in scene.datasets
        if not one.is_open and (path := _source(one, scene)).is_file() and mode(path) & _OTHERS_READ
    }
    for path, dataset in files.items():
        shown = scene.shown(path)
        yield problem(
            Text(
                de=f"Jede Kennung auf diesem Rechner kann {dataset} lesen, obwohl es nicht offen ist.",
                en=f"Every account of this machine can read {dataset}, although it is not open.",
            ),
            Text(de="Nehmen Sie den anderen das Leserecht.", en="Take the right to read from others."),
            subject=shown,
            command=f"chmod o-rwx {quote(shown)}",
        )
    if not files:
        yield fine(
            "Nicht offene Daten sind nur für ihre Kennung lesbar",
            "Data that are not open can be read by their account only",
        )


def examples(scene: Scene) -> Iterable[Note]:
    """Look for the made-up data of a new city where pages no longer say that they are made up."""
    found = [one.id for one in scene.datasets if one.source.url.startswith(EXAMPLE)]
    if scene.settings.city.synthetic:
        return
    for dataset in found:
        yield problem(
            Text(
                de=f"{dataset} ist erfunden, aber die Seiten sagen es nicht mehr.",
                en=f"{dataset} is made up, but the pages no longer say so.",
            ),
            Text(
                de="Ersetzen Sie den Beispieldatensatz, oder setzen Sie city.synthetic = true.",
                en="Replace the example dataset, or set city.synthetic = true.",
            ),
            subject=dataset,
        )


def reports(scene: Scene) -> Iterable[Note]:
    """Check the report definitions, and that their notebooks are there."""
    yield from mistakes(scene.report_problems, command="stadtbuch report list")
    if not scene.report_problems:
        number = len(scene.reports)
        yield fine(f"Berichte ohne Fehler: {number}", f"Reports without mistakes: {number}", reports=number)


def notebooks(scene: Scene) -> Iterable[Note]:
    """Read the manifest of every notebook; one that a report names must be valid."""
    wanted = {path for one in scene.reports.values() for path in (one.prepare, one.report) if path}
    unknown = {one.id for one in scene.datasets}
    bad = False
    for path, read in scene.notebooks.items():
        told = list(
            _manifest(
                path, read, wanted=path in wanted, known=unknown if not scene.catalogue_problems else None
            )
        )
        bad = bad or bool(told)
        yield from told
    if not bad:
        number = len(scene.notebooks)
        yield fine(f"Notebooks mit gültigem Manifest: {number}", f"Notebooks with a valid manifest: {number}",
                   notebooks=number)  # fmt: skip


def _manifest(
    path: str, read: Analysis | StadtbuchError, *, wanted: bool, known: set[str] | None
) -> Iterator[Note]:
    """Say what is wrong with one manifest; a notebook that no report names is somebody's work in progress."""
    if isinstance(read, StadtbuchError):
        say = problem if wanted else hint
        remedy = read.remedy or Text(de="Berichtigen Sie die erste Zelle.", en="Correct the first cell.")
        yield say(read.what, remedy, subject=path, command=f"stadtbuch check {quote(path)}" if wanted else "")
        return
    released = (one for one in read.manifest.inputs if known is not None and one not in known)
    for name in released:
        if wanted and name.partition(".")[0] in {one.partition(".")[0] for one in known or ()}:
            text = Text(
                de=f"Das Notebook liest {name}, das es im Katalog nicht gibt.",
                en=f"The notebook reads {name}, which is not in the catalogue.",
            )
            remedy = Text(
                de="Berichtigen Sie inputs in der ersten Zelle.", en="Correct inputs in the first cell."
            )
            yield problem(
                text, remedy, subject=path, command=f"stadtbuch catalog search {name.partition('.')[2]}"
            )


def stored_outputs(scene: Scene) -> Iterable[Note]:
    """Look for notebooks that hold outputs; those of closed data would carry the data."""
    closed = {one.id for one in scene.datasets if not one.is_open}
    found = {
        path: bool(closed & set(read.manifest.inputs))
        for path, read in scene.notebooks.items()
        if isinstance(read, Analysis) and read.stored_outputs
    }
    remedy = Text(
        de="Löschen Sie in JupyterLab alle Ausgaben und speichern Sie die Datei.",
        en="Clear all outputs in JupyterLab and save the file.",
    )
    command = "jupyter nbconvert --clear-output --inplace "
    for path, is_closed in found.items():
        if is_closed:
            text = Text(
                de="Im Notebook sind Ausgaben aus nicht offenen Daten gespeichert.",
                en="The notebook stores outputs made from data that are not open.",
            )
            yield problem(text, remedy, subject=path, command=command + quote(path))
        else:
            text = Text(de="Im Notebook sind Ausgaben gespeichert.", en="Outputs are stored in the notebook.")
            yield hint(text, remedy, subject=path, command=command + quote(path))
    if not found:
        yield fine("Kein Notebook speichert Ausgaben", "No notebook stores outputs")


def recorded(scene: Scene) -> Iterable[Note]:
    """Read the first approvals that come with the reports, and compare them with the code as it stands."""
    try:
        found = approvals.recorded(scene.settings)
    except StadtbuchError as error:
        yield from mistakes(error.problems, command="")
        return
    file = f"{scene.settings.paths.reports}/{APPROVALS}"
    for name in sorted({one.report for one in found}):
        report = scene.reports.get(name)
        if report is None:
            text = Text(
                de=f"Eine Freigabe gilt dem Bericht {name}, den es nicht gibt.",
                en=f"An approval is for the report {name}, which does not exist.",
            )
            yield hint(
                text, Text(de="Nehmen Sie den Eintrag heraus.", en="Take the entry out."), subject=file
            )
        elif not _approved(report, scene, [one for one in found if one.report == name]):
            yield hint(
                Text(
                    de=f"Die Freigabe von {name} gilt anderem Code oder anderen Regeln als jetzt.",
                    en=f"The approval of {name} is for other code or rules than there are now.",
                ),
                Text(
                    de="Bauen Sie, sehen Sie die wartenden Ausgaben an, und geben Sie neu frei.",
                    en="Build, look at the editions that wait, and approve anew.",
                ),
                subject=file,
                why=Text(
                    de="Neue Ausgaben warten, bis jemand sie freigibt.",
                    en="New editions wait until somebody approves.",
                ),
                command=f"stadtbuch report approve {name} --as {report.roles.release} --record",
            )


def _approved(report: Report, scene: Scene, found: Sequence[approvals.Recorded]) -> bool:
    """Whether an approval is for a report's code and rules as they stand; unreadable code is told elsewhere."""
    paths = {"prepare": report.prepare, "report": report.report}
    read = {step: scene.notebooks.get(path) for step, path in paths.items() if path}
    steps = {step: one.notebook for step, one in read.items() if isinstance(one, Analysis)}
    if report.release != "approval" or len(steps) < len(read):
        return True
    code, rules = approvals.code_of(report, steps), scene.settings.rules.version
    return any((one.code, one.rules, one.role) == (code, rules, report.roles.release) for one in found)


def texts(scene: Scene) -> Iterable[Note]:
    """Look at the texts that the city writes: readable, and in both languages."""
    folder = scene.settings.root / "site"
    for name in WORDS:
        present = [code for code in LANGUAGES if (folder / f"{name}.{code}.md").is_file()]
        for code in LANGUAGES:
            path = folder / f"{name}.{code}.md"
            if code in present and readable(path) is None:
                text = Text(de="Der Text ist nicht als UTF-8 lesbar.", en="The text cannot be read as UTF-8.")
                remedy = Text(de="Speichern Sie ihn als UTF-8.", en="Save it as UTF-8.")
                yield problem(text, remedy, subject=scene.shown(path), why=_STOPS)
            elif present and code not in present:
                text = Text(de="Der Text fehlt in einer Sprache.", en="The text is missing in one language.")
                remedy = Text(de="Schreiben Sie ihn.", en="Write it.")
                yield problem(text, remedy, subject=scene.shown(path), why=_BOTH)


_STOPS = Text(de="Ein Bau der Seiten bräche hier ab.", en="A build of the pages would stop here.")
_BOTH = Text(
    de="Bis beide da sind, zeigen die Seiten die mitgelieferte Vorlage.",
    en="Until both are there, the pages show the template that comes along.",
)


def readable(path: Path) -> str | None:
    """Read a text; None if it is not there or not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def placeholders(scene: Scene) -> Iterable[Note]:
    """Look for what a new city still has to write."""
    found = dict(_open_places(scene))
    say = problem if scene.public else hint
    for path, lines in found.items():
        shown = ", ".join(map(str, lines))
        yield say(
            Text(de=f"Hier steht noch {TODO}: Zeile {shown}.", en=f"{TODO} still stands here: line {shown}."),
            Text(
                de=f"Tragen Sie ein, was für Ihre Stadt gilt, und löschen Sie das Wort {TODO}.",
                en=f"Enter what holds for your city, and delete the word {TODO}.",
            ),
            subject=path,
        )
    if not found:
        yield fine("Keine Platzhalter", "No placeholders")


def _open_places(scene: Scene) -> Iterator[tuple[str, list[int]]]:
    """Give the lines with a placeholder of each file that the city writes."""
    paths, root = scene.settings.paths, scene.settings.root
    folders = [root, root / "site", root / paths.catalogs, root / paths.reports]
    for path in sorted(one for folder in folders if folder.is_dir() for one in folder.iterdir()):
        if path.suffix in WRITTEN and path.is_file():
            lines = (readable(path) or "").splitlines()
            numbers = [
                number
                for number, line in enumerate(lines, 1)
                if _OPEN_PLACE.search(line) and not _explains(line, path)
            ]
            if numbers:
                yield scene.shown(path), numbers


def _explains(line: str, path: Path) -> bool:
    """Tell a line that only explains the word from one that still waits: a comment, or the word in backticks."""
    comment = path.suffix != ".md" and line.lstrip().startswith("#")
    return comment or f"`{TODO}`" in line


def git(scene: Scene) -> Iterable[Note]:
    """Ask git whether it would take what must never be in it: state, pages, closed data."""
    root = scene.settings.root
    program = shutil.which("git")
    if program is None or not any((folder / ".git").exists() for folder in (root, *root.parents)):
        return
    secret = _never_in_git(scene)
    tracked = _git(program, root, "ls-files", "--", *secret)
    held = [path for path in secret if any(line == path or line.startswith(f"{path}/") for line in tracked)]
    ignored = set(
        _git(program, root, "check-ignore", "--no-index", *secret, *(f"{path}/x" for path in secret))
    )
    for path in secret:
        if path in held:
            yield problem(
                Text(de=f"{path} ist in git.", en=f"{path} is in git."),
                Text(
                    de="Nehmen Sie es heraus, und wechseln Sie Schlüssel, die schon geteilt wurden.",
                    en="Take it out, and change keys that were shared already.",
                ),
                subject=path,
                why=secret[path],
                command=f"git rm -r --cached {quote(path)}",
            )
        elif not {path, f"{path}/x"} & ignored:
            yield problem(
                Text(de=f"git übersieht {path} nicht.", en=f"git does not ignore {path}."),
                Text(de="Schreiben Sie eine Zeile in .gitignore.", en="Write a line into .gitignore."),
                subject=path,
                why=secret[path],
                command=f"echo {quote('/' + path)} >> .gitignore",
            )


def _never_in_git(scene: Scene) -> Mapping[str, Text]:
    """Give what must not be in git, by its path from the city's folder, with the reason."""
    root, found = scene.settings.root, {}
    for name, why in (("state", _KEYS), ("public", _MADE)):
        folder = scene.settings.folder(name)  # type: ignore[arg-type]
        if folder.is_relative_to(root):
            found[folder.relative_to(root).as_posix()] = why
    left = before_upgrade(scene.settings.folder("state"))
    if left.exists() and left.is_relative_to(root):
        found[left.relative_to(root).as_posix()] = _KEYS
    for one in scene.datasets:
        path = _source(one, scene)
        if not one.is_open and path.is_relative_to(root):
            found[path.relative_to(root).as_posix()] = _CLOSED
    return found


_KEYS = Text(
    de="Dort liegen Schlüssel, das Buch und Schnappschüsse geschlossener Daten.",
    en="Keys, the book and snapshots of closed data lie there.",
)
_MADE = Text(de="Die Seiten entstehen aus dem Archiv.", en="The pages are made from the archive.")
_CLOSED = Text(de="Die Daten sind nicht offen.", en="The data are not open.")


def _git(program: str, root: Path, *arguments: str) -> list[str]:
    """Ask git; no answer where it does not want to give one (another owner, a broken repository)."""
    command = [program, "-C", str(root), "-c", "core.quotePath=false", *arguments]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)  # noqa: S603 - git itself, with the city's own paths
    except (OSError, subprocess.TimeoutExpired):
        return []
    return ended.stdout.splitlines()
