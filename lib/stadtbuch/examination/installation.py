"""What is installed: Python, libraries, JupyterLab, Voila, the sandbox, time zones."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata

from stadtbuch.examination.notes import Note, fine, hint, problem
from stadtbuch.examination.scene import Scene
from stadtbuch.texts import Text

PACKAGE = "stadtbuch"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*>=\s*([0-9][0-9.]*)\s*(;.*)?")
_INSTALL_AGAIN = Text(
    de="Installieren Sie Stadtbuch mit seinen Bibliotheken neu.",
    en="Install Stadtbuch and its libraries again.",
)


def python(_: Scene) -> Iterable[Note]:
    """Tell which Python runs this."""
    version = platform.python_version()
    yield fine(f"Python {version}", f"Python {version}", version=version)


def libraries(_: Scene) -> Iterable[Note]:
    """Compare each library with the version that this one needs."""
    try:
        required = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        yield hint(
            Text(
                de="Stadtbuch ist nicht installiert, sondern läuft aus einem Ordner.",
                en="Stadtbuch is not installed but runs from a folder.",
            ),
            Text(
                de="Für den Betrieb: installieren Sie das Paket. Zum Entwickeln ist es in Ordnung.",
                en="For operation: install the package. For development it is fine.",
            ),
            why=Text(
                de="Welche Fassungen der Bibliotheken nötig sind, steht im installierten Paket.",
                en="Which versions of the libraries are needed stands in the installed package.",
            ),
        )
        return
    wrong = list(_wrong(required))
    yield from wrong
    if not wrong:
        version, number = metadata.version(PACKAGE), len(list(_floors(required)))
        yield fine(
            f"Stadtbuch {version}; alle {number} Bibliotheken in passender Fassung",
            f"Stadtbuch {version}; all {number} libraries in a fitting version",
            version=version,
            libraries=number,
        )


def _floors(required: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give name and lowest version of each library; those of an extra are not needed."""
    for line in required:
        found = _REQUIREMENT.fullmatch(line.strip())
        if found and "extra" not in (found[3] or ""):
            yield found[1], found[2]


def _wrong(required: Iterable[str]) -> Iterator[Note]:
    for name, floor in _floors(required):
        found = installed(name)
        if found is None:
            text = Text(de=f"{name} fehlt (nötig: {floor}).", en=f"{name} is missing (needed: {floor}).")
            yield problem(text, _INSTALL_AGAIN, subject=name)
        elif numbers(found) < numbers(floor):
            text = Text(
                de=f"{name} {found} ist zu alt (nötig: {floor}).",
                en=f"{name} {found} is too old (needed: {floor}).",
            )
            yield problem(text, _INSTALL_AGAIN, subject=name)


def installed(name: str) -> str | None:
    """Give the version of an installed library; None if there is none."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def numbers(version: str) -> tuple[int, ...]:
    """
    Make versions comparable by their leading numbers.

    Examples
    --------
    >>> numbers("7.17.1") < numbers("8.0"), numbers("26.0.0rc1"), numbers("3.0") == numbers("3")
    (True, (26,), True)
    """
    found = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    parts = [int(part) for part in found[0].split(".")] if found else []
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def laboratory(_: Scene) -> Iterable[Note]:
    """Look for JupyterLab."""
    version = installed("jupyterlab")
    if version:
        yield fine(f"JupyterLab {version}", f"JupyterLab {version}", version=version)
        return
    yield hint(
        Text(de="JupyterLab ist nicht installiert.", en="JupyterLab is not installed."),
        Text(de="Installieren Sie die Zugabe „lab“.", en='Install the extra "lab".'),
        why=Text(
            de="Berichte entstehen auch ohne; zum Auswerten ist es das Werkzeug.",
            en="Reports are built without it; for analysing it is the tool.",
        ),
        command="pip install 'stadtbuch[lab]'",
    )


def dashboards(_: Scene) -> Iterable[Note]:
    """Look for Voila."""
    version = installed("voila")
    if version:
        yield fine(f"Voila {version}", f"Voila {version}", version=version)
        return
    text = Text(de="Voila ist nicht installiert.", en="Voila is not installed.")
    yield problem(text, _INSTALL_AGAIN, subject="voila")


def browser(_: Scene) -> Iterable[Note]:
    """Look for Chromium, which only the tests of this library need."""
    if any(shutil.which(name) for name in BROWSERS):
        yield fine("Chromium ist da", "Chromium is there", present=True)
    else:
        yield fine(
            "Chromium fehlt; nur die Tests von Stadtbuch brauchen es",
            "Chromium is missing; only the tests of Stadtbuch need it",
            present=False,
        )


def sandbox(_: Scene) -> Iterable[Note]:
    """Open a box for citizens' notebooks, and say which of its walls stand here."""
    from stadtbuch.runs import box  # noqa: PLC0415 - start-up time

    found = box.possible()
    parts = {name: value for name, value in found.parts.items() if value}
    if found.yes and found.bounded:
        walls = ", ".join(f"{name} {value}" for name, value in parts.items())
        yield fine(f"Sandkasten bereit ({walls})", f"Sandbox ready ({walls})", **parts)
        return
    remedy = found.remedy or Text(
        de="Starten Sie den Dienst unter systemd, mit einer eigenen Kontrollgruppe (Delegate=yes).",
        en="Start the service under systemd with a control group of its own (Delegate=yes).",
    )
    missing = Text(
        de="Notebooks von Bürgerinnen und Bürgern lassen sich hier nicht sicher nachrechnen.",
        en="Citizens' notebooks cannot be run again safely here.",
    )
    unbounded = Text(
        de="Ohne Kontrollgruppe (cgroup) sind Speicher und Prozesse nur einzeln begrenzt.",
        en="Without a control group (cgroup) memory and processes are bounded one by one only.",
    )
    yield hint(missing, remedy, why=unbounded if found.yes else found.why_not, facts=parts)


def forked_runs(scene: Scene) -> Iterable[Note]:
    """Say whether the city's own notebooks, and dashboards, run behind a wall here, and what keeps them apart."""
    from stadtbuch.errors import Refused  # noqa: PLC0415 - start-up time
    from stadtbuch.runs import box, wall, warm  # noqa: PLC0415 - as above

    found, landlock = box.possible(), wall.version()
    try:
        if found.yes:
            warm.require()
            more = Text(de=", eigene Namensräume", en=", namespaces of their own")
            apart = more if wall.kind() == "namespaces" else Text(de="", en="")
            yield fine(
                f"Läufe und Dashboards hinter einer Mauer (Landlock {landlock}{apart.de})",
                f"Runs and dashboards behind a wall (Landlock {landlock}{apart.en})",
                landlock=landlock,
                kind=wall.kind(),
            )
            return
    except Refused:
        pass
    required = scene.has_city and scene.settings.runs.wall == "required"
    say = problem if required else hint
    yield say(
        Text(
            de="Die Notebooks der Stadt laufen hier ohne Mauer, in gewöhnlichen Kernels.",
            en="The city's notebooks run without a wall here, in ordinary kernels.",
        ),
        _NEWER if found.yes else found.remedy or _NEWER,
        why=_old(landlock) if found.yes else found.why_not,
        facts={"landlock": landlock},
    )


_NEWER = Text(
    de="Nehmen Sie einen neueren Linux-Kern, oder erlauben Sie Benutzern eigene Namensräume.",
    en="Use a newer Linux kernel, or allow users their own namespaces.",
)


def _old(landlock: int) -> Text:
    """Say what is missing where a box can be opened but no run can be set apart."""
    from stadtbuch.runs import wall  # noqa: PLC0415 - start-up time

    alone, together = wall.OLDEST, wall.OLDEST_FOR_FILES
    return Text(
        de=f"Landlock hat hier die Fassung {landlock}; nötig ist {alone} (Linux 6.12), oder {together} mit "
        "Namensräumen im Sandkasten.",
        en=f"Landlock has version {landlock} here; {alone} is needed (Linux 6.12), or {together} with namespaces "
        "within the sandbox.",
    )


def time_zones(_: Scene) -> Iterable[Note]:
    """Look for the data of time zones, which some systems lack."""
    version = installed("tzdata")
    if version:
        yield fine(f"Zeitzonen {version}", f"Time zones {version}", version=version)
        return
    yield problem(
        Text(de="Die Zeitzonen (tzdata) fehlen.", en="The time zones (tzdata) are missing."),
        _INSTALL_AGAIN,
        subject="tzdata",
    )


def encoding(_: Scene) -> Iterable[Note]:
    """Look at the encoding of file names: the city's have umlauts."""
    name = sys.getfilesystemencoding()
    if name.lower().replace("-", "") == "utf8":
        yield fine("Dateinamen in UTF-8", "File names in UTF-8", encoding=name)
        return
    yield problem(
        Text(de=f"Dateinamen gelten hier als {name}.", en=f"File names count as {name} here."),
        Text(
            de="Stellen Sie die Sprachumgebung auf UTF-8 um, etwa C.UTF-8.",
            en="Change the locale to UTF-8, such as C.UTF-8.",
        ),
        why=Text(de="Umlaute in Dateinamen gingen verloren.", en="Umlauts in file names would be lost."),
        command="export LC_ALL=C.UTF-8",
    )
