"""
New analyses from templates: notebooks that already say what a report must say, with places to fill in.

A template is a folder of notebooks, ``notebooks/templates/<template>/``; one that the city has not is taken from
the library. ``analysis`` in the file names and ``neue-auswertung`` inside stand for the name of the new analysis.
"""

from __future__ import annotations

import re
from pathlib import Path

from stadtbuch import atomic
from stadtbuch.errors import UsageError
from stadtbuch.settings import Settings
from stadtbuch.texts import Text

SHIPPED = Path(__file__).resolve().parent.parent / "share" / "lab" / "templates"
DEFAULT = "open-data"
STEM, INSIDE = "analysis", "new-analysis"
NAME = re.compile(r"[a-z][a-z0-9-]{1,60}")


def folders(settings: Settings | None) -> list[Path]:
    """Give the folders that hold templates: the city's own, where there is a city, before the library's."""
    own = [settings.folder("notebooks") / "templates"] if settings is not None else []
    return [folder for folder in (*own, SHIPPED) if folder.is_dir()]


def templates(settings: Settings) -> dict[str, Path]:
    """Give the folder of every template by its name."""
    found: dict[str, Path] = {}
    for folder in folders(settings):
        for one in sorted(path for path in folder.iterdir() if any(path.glob(f"{STEM}*.ipynb"))):
            found.setdefault(one.name, one)
    return found


def draft(settings: Settings, name: str, *, template: str = DEFAULT) -> list[str]:
    """
    Begin a new analysis: copy the notebooks of a template and put its name in.

    Parameters
    ----------
    settings
        Of the city.
    name
        Small letters, digits and hyphens; it becomes part of the page's address.
    template
        Name of a folder of templates.

    Returns
    -------
    list of str
        The new files, relative to the city.

    Raises
    ------
    UsageError
        ``draft.name``, ``draft.template``, or ``draft.exists``: nothing is ever overwritten.
    """
    if not NAME.fullmatch(name):
        raise _bad_name()
    known = templates(settings)
    if template not in known:
        raise _no_template(known)
    target = settings.folder("notebooks") / "analyses"
    made = {target / source.name.replace(STEM, name, 1): source for source in _notebooks(known[template])}
    for path in made:
        if path.exists():
            raise _exists(path.name)
    target.mkdir(parents=True, exist_ok=True)
    for path, source in made.items():
        atomic.write(path, source.read_text(encoding="utf-8").replace(INSIDE, name).encode())
    return [path.relative_to(settings.root).as_posix() for path in made]


def _notebooks(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{STEM}*.ipynb"))


def _bad_name() -> UsageError:
    return UsageError(
        "draft.name",
        Text(de="Dieser Name geht nicht.", en="This name does not work."),
        why=Text(
            de="Er wird Teil der Adresse der Seite: kleine Buchstaben ohne Umlaute, Ziffern, Bindestriche.",
            en="It becomes part of the page's address: small letters, digits and hyphens.",
        ),
        remedy=Text(de="Nehmen Sie etwa wie-alt-sind-die-baeume.", en="Take one like how-old-are-the-trees."),
    )


def _no_template(known: dict[str, Path]) -> UsageError:
    listed = ", ".join(known)
    return UsageError(
        "draft.template",
        Text(de="Diese Vorlage gibt es nicht.", en="There is no such template."),
        remedy=Text(de=f"Es gibt: {listed}.", en=f"There are: {listed}."),
    )


def _exists(name: str) -> UsageError:
    return UsageError(
        "draft.exists",
        Text(de=f"{name} gibt es schon.", en=f"{name} exists already."),
        why=Text(de="Nichts wird überschrieben.", en="Nothing is ever overwritten."),
        remedy=Text(de="Nehmen Sie einen anderen Namen.", en="Take another name."),
    )
