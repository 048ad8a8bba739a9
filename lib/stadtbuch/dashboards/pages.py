"""
A dashboard as a page: the static twin of a choice, and the same page with a word about full seats.

The site writes these pages as files; the server of the live dashboards renders the very same ones when it has no
seat left, so what a visitor sees there are the published numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from stadtbuch.dashboards import controls, parts
from stadtbuch.dashboards.controls import Choice, Control
from stadtbuch.dashboards.shelf import Kept
from stadtbuch.reports import body, look
from stadtbuch.reports.look import FILES, Shell
from stadtbuch.texts import LANGUAGES, Text

Mode = Literal["first", "choice", "full", "live"]
"""The page at the dashboard's own address, at a choice's, when all seats are taken, or the frame of the live page."""
FOLDER = "dashboards"
TEMPLATES = {
    "first": "dashboard.html.j2",
    "choice": "dashboard.html.j2",
    "full": "dashboard-full.html.j2",
    "live": "dashboard-live.html.j2",
}


@dataclass(frozen=True)
class Pages:
    """
    The pages of one dashboard.

    Attributes
    ----------
    kept
        From the shelf.
    datasets
        Ids that have a page of their own.
    kernels
        How the live kernels are walled in, in a sentence; empty on static pages.
    """

    kept: Kept
    datasets: frozenset[str] = frozenset()
    kernels: Text | None = None

    @cached_property
    def controls(self) -> tuple[Control, ...]:
        """Give what visitors choose."""
        return self.kept.controls

    @cached_property
    def texts(self) -> Mapping[str, Mapping[str, str]]:
        """Give the notebook's own sections as HTML, by language."""
        return {language: _sections(self.kept, language) for language in LANGUAGES}

    def folder(self, choice: Choice) -> str:
        """Give the folder of a choice in the site."""
        return f"{FOLDER}/{self.kept.name}/{controls.address(choice)}"

    def page(
        self, choice: Choice, *, language: str, shell: Shell, mode: Mode, live: str = "", **more: Any
    ) -> str:
        """
        Render one choice.

        Parameters
        ----------
        choice
            What to show.
        language
            ``"de"`` or ``"en"``.
        shell
            What surrounds the page; on another origin its root is the site's address.
        mode
            Which page it is.
        live
            Address of the live page with this choice; empty where there is none.
        more
            Facts that only the template of this mode shows.
        """
        facts = self.facts(choice, language=language, shell=shell, mode=mode) | {"live": live} | more
        return look.page(TEMPLATES[mode], language=language, shell=shell, it=facts)

    def facts(self, choice: Choice, *, language: str, shell: Shell, mode: Mode) -> dict[str, Any]:
        """Give what a page says."""
        told, here = self.kept.told, self.folder(choice)
        below = {"first": f"{controls.address(choice)}/", "choice": ""}.get(mode, f"{shell.root}{here}/")
        return {
            "mode": mode,
            "name": self.kept.name,
            "title": self.kept.title,
            "summary": self.kept.summary,
            "address": controls.address(choice),
            "chosen": chosen(choice),
            "controls": [self._control(one, choice, language, shell) for one in self.controls],
            "body": parts.html(
                self.kept.marks(choice),
                self.kept.outputs,
                language=language,
                href=lambda path: below + parts.plain(path),
                sources=self.kept.inputs,
            ),
            "method": self.texts[language].get("method", ""),
            "limits": self.texts[language].get("limits", ""),
            "inputs": [self._input(name, one) for name, one in self.kept.inputs.items()],
            "rules": told["rules"],
            "made_at": told["made_at"],
            "key": told["key"][:12],
            "kernels": self.kernels,
            "static": f"{shell.root}{here}/{FILES[language]}",
        }

    def _control(self, control: Control, choice: Choice, language: str, shell: Shell) -> dict[str, Any]:
        """Give a control as links: the other choices keep what stands in the other controls."""
        options = []
        for one in control.options:
            target = f"{shell.root}{self.folder({**choice, control.name: one})}/{FILES[language]}"
            href = None if one == choice[control.name] else target
            options.append({"label": one.label, "slug": one.slug, "href": href})
        return {"name": control.name, "label": control.label, "options": options}

    def _input(self, name: str, one: Mapping[str, Any]) -> dict[str, Any]:
        known = ("title", "attribution", "licence_title", "licence_url")
        path = f"datasets/{name}" if name in self.datasets else ""
        return {**{part: one.get(part) for part in known}, "path": path}


def chosen(choice: Choice) -> Text:
    """
    Say a choice for readers.

    Examples
    --------
    >>> from stadtbuch.dashboards.controls import Option
    >>> chosen({"a": Option(1, "1", Text(de="Süd", en="South")), "b": Option(2, "2", Text(de="2025", en="2025"))}).en
    'South, 2025'
    """
    labels = [one.label for one in choice.values()]
    return Text(de=", ".join(one.de for one in labels), en=", ".join(one.en for one in labels))


def _sections(kept: Kept, language: str) -> dict[str, str]:
    """Turn the notebook's own texts into HTML; its outputs come from the records."""
    found = body.sections(
        kept.notebook, language=language, title=kept.title.pick(language), recorded=lambda kind, name: ""
    )
    return {name: section.html for name, section in found.items()}
