"""What accompanies an analyst in one notebook: notes, warnings, completion, rich display and magics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from types import TracebackType
from typing import Any

from stadtbuch.access import policy
from stadtbuch.catalog.index import Catalog
from stadtbuch.catalog.licences import LICENCES
from stadtbuch.disclosure.places import ProtectedPlaces
from stadtbuch.disclosure.tables import ProtectedTable
from stadtbuch.errors import StadtbuchError
from stadtbuch.lab import cards, judging, magics
from stadtbuch.lab.cards import HTML, PLAIN, Bundle, Loaded
from stadtbuch.lab.completion import Completer
from stadtbuch.lab.watching import MARK, RESTRICTED, Watch
from stadtbuch.model.dataset import Dataset
from stadtbuch.model.verdict import Decision, Finding, Severity
from stadtbuch.privacy import outputs as rules
from stadtbuch.reports import outputs
from stadtbuch.session.city import City
from stadtbuch.session.snapshots import min_count
from stadtbuch.settings import environment
from stadtbuch.texts import Text

FORM_NOTE = Text(
    de="Zum Erkunden ist diese Form in Ordnung. In einen Bericht kommen nur sb.table, sb.figure, sb.headline, "
    "sb.points und sb.publish. (Dieser Hinweis kommt einmal.)",
    en="To explore, this form is fine. A report takes sb.table, sb.figure, sb.headline, sb.points and "
    "sb.publish only. (You see this note once.)",
)


class Companion:
    """The lab in one kernel: looks at each cell and speaks below it."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.watch = Watch(shell)
        self.completer = Completer(self.session)
        self.noted_form = False
        self.rendered: set[str] = set()
        self._known: tuple[object, rules.Facts] | None = None
        self._undo: list[Callable[[], Any]] = []

    @property
    def language(self) -> str:
        """Give the language in which the lab speaks."""
        return environment().language

    def session(self) -> City | None:
        """Give the notebook's last session."""
        opened = [one for one in self.shell.user_ns.values() if isinstance(one, City)]
        return self.watch.last or (opened[-1] if opened else None)

    def begin(self) -> None:
        """Hook into the shell."""
        self.watch.begin()
        for name, react in (("pre_run_cell", self._before), ("post_run_cell", self._after)):
            self.shell.events.register(name, react)
            self._undo.append(partial(self.shell.events.unregister, name, react))
        magics.register(self.shell, self)
        matchers, matcher = self.shell.Completer.custom_matchers, _matcher(self.completer)
        matchers.append(matcher)
        self._undo.append(partial(matchers.remove, matcher))
        self.shell.set_custom_exc((StadtbuchError,), self._error)
        self._undo.append(lambda: self.shell.set_custom_exc((), None))
        outputs.LISTENERS.append(self._tell)
        self._undo.append(lambda: outputs.LISTENERS.remove(self._tell))
        self._display()

    def end(self) -> None:
        """Let go of the shell."""
        self.watch.end()
        while self._undo:
            self._undo.pop()()

    # ---- around a cell ------------------------------------------------------------------------------

    def _before(self, info: Any) -> None:
        self.watch.listen()
        self.rendered.clear()

    def _after(self, result: Any) -> None:
        """Speak about what the cell loaded and put out; that this fails must not show any data."""
        self.watch.pause()
        try:
            self._speak(str(result.info.raw_cell or ""))
        except Exception as error:  # noqa: BLE001 - IPython would print the error with everything around it
            self._failed(error)
        self._mark(result)

    def _mark(self, result: Any) -> None:
        """Mark a cell that printed or broke off after closed data were read: text and errors carry no mark."""
        printed = any(one["output_type"] == "stream" for one in self.watch.outputs)
        ours = isinstance(result.error_in_exec, StadtbuchError)  # holds no values
        broken = not result.success and not ours
        if self.watch.sessions and (printed or broken):
            self.show({}, kind="mark")

    def _speak(self, source: str) -> None:
        for loading in self.watch.new():
            self.show(cards.loaded(told(*loading), self.language), kind="note")
        city = self.session()
        if city is not None and (self.watch.outputs or self.watch.sessions):
            self._warn(city, source)

    def _failed(self, error: Exception) -> None:
        """Say that nothing could be said about this cell."""
        if isinstance(error, StadtbuchError):
            words = error.render(self.language)
        else:
            name = type(error).__name__
            words = Text(
                de=f"Was diese Zelle zeigt, ließ sich nicht prüfen ({name}).",
                en=f"What this cell shows could not be checked ({name}).",
            ).pick(self.language)
        self.show(
            {HTML: cards.box(f"<p>{escape(words)}</p>", label=words, tone="loud"), PLAIN: words}, kind="note"
        )

    def _warn(self, city: City, source: str) -> None:
        """Show what the gate would say."""
        data, form = judging.split(self._findings(city, source))
        if data:
            peek = judging.PEEK if any(one.rule in _SHOWN for one in data) else None
            self.show(cards.findings(data, self.language, more=peek), kind="warning")
        elif form and not self.noted_form:
            self.noted_form = True
            plain = FORM_NOTE.pick(self.language)
            html = cards.box(f"<p>{plain}</p>", label=cards.SEVERITIES[Severity.note].pick(self.language))
            self.show({HTML: html, PLAIN: plain}, kind="note")

    def _findings(self, city: City, source: str) -> Sequence[Finding]:
        number = max(1, self.shell.execution_count - 1)
        facts = self._facts(city)
        shown = [one for one in self.watch.outputs if one.get("data", {}).get(HTML) not in self.rendered]
        return judging.judge(source, shown, number=number, facts=facts, tables=self._tables())

    def _facts(self, city: City) -> rules.Facts:
        """Gather the facts anew only when something else was loaded."""
        state = (id(city), frozenset(self.watch.sessions))
        if self._known is None or self._known[0] != state:
            self._known = (state, judging.facts(city, self.watch.sessions))
        return self._known[1]

    def _tables(self) -> list[judging.Protected]:
        return [one for one in self.shell.user_ns.values() if isinstance(one, PROTECTED)]

    def _tell(self, some: Sequence[Finding]) -> None:
        """Show what our own functions found, such as how much a table keeps secret."""
        if some:
            self.show(cards.findings(some, self.language), kind="warning")

    def show(self, bundle: Bundle, *, kind: str) -> None:
        """Show something of the lab's own, marked so that it is never saved."""
        mark = {"kind": kind} | ({RESTRICTED: True} if self.watch.sessions else {})
        self.shell.display_pub.publish(data=dict(bundle), metadata={MARK: mark})

    # ---- errors and display -------------------------------------------------------------------------

    def _error(
        self,
        shell: Any,
        kind: type[BaseException],
        error: StadtbuchError,
        trace: TracebackType,
        tb_offset: int | None = None,
    ) -> None:
        """Show the library's own errors as sentences: what, why, what to do."""
        sentences = error.render(self.language)
        shell._showtraceback(kind, sentences.splitlines()[0], sentences.splitlines())

    def _display(self) -> None:
        """Teach IPython how our nouns look."""
        for kind, write in _LOOKS.items():
            self._teach(kind, write)
        self._teach(list, _listed)
        for kind in PROTECTED:
            self._plain(kind, lambda one: one.frame.to_string(index=False))

    def _teach(self, kind: type, write: Callable[[Any, str], Bundle | None]) -> None:
        formatters = self.shell.display_formatter.formatters

        def html(one: Any) -> str | None:
            bundle = write(one, self.language)
            if bundle is None:
                return None
            self.rendered.add(bundle[HTML])
            return bundle[HTML]

        formatters[HTML].for_type(kind, html)
        self._undo.append(partial(formatters[HTML].pop, kind, None))
        if kind is not list:  # IPython writes lists well
            self._plain(kind, lambda one: (write(one, self.language) or {})[PLAIN])

    def _plain(self, kind: type, write: Callable[[Any], str]) -> None:
        """Teach IPython how one of our nouns reads as plain text."""
        formatter = self.shell.display_formatter.formatters[PLAIN]
        formatter.for_type(kind, lambda one, page, cycle: page.text(write(one)))
        self._undo.append(partial(formatter.pop, kind, None))


PROTECTED = (ProtectedTable, ProtectedPlaces)
_SHOWN = ("privacy.raw-rows", "privacy.pseudonym", "privacy.value", "privacy.identifier")
_LOOKS: dict[type, Callable[[Any, str], Bundle]] = {
    Dataset: cards.dataset,
    Finding: cards.finding,
    Decision: cards.decision,
    Catalog: lambda one, language: cards.datasets(list(one.datasets.values()), language),
}


def _listed(some: list[Any], language: str) -> Bundle | None:
    """Write a list of datasets or of findings; other lists are none of our business."""
    if some and all(isinstance(one, Dataset) for one in some):
        return cards.datasets(some, language)
    if some and all(isinstance(one, Finding) for one in some):
        return cards.findings(some, language)
    return None


def _matcher(completer: Completer) -> Callable[[Any], dict[str, Any]]:
    from IPython.core.completer import context_matcher  # noqa: PLC0415 - only inside a notebook

    @context_matcher(priority=200, identifier="stadtbuch")
    def stadtbuch(context: Any) -> dict[str, Any]:
        return completer(context)

    return stadtbuch


def told(city: City, snapshot: Any) -> Loaded:
    """Gather what a note says about a loaded dataset."""
    dataset = snapshot.dataset
    decision = policy.decide(
        dataset, role=city.actor.role, purpose=snapshot.purpose, columns=snapshot.columns, now=city.today
    )
    licence = LICENCES.get(dataset.license or "")
    stated = None if dataset.is_open or not snapshot.purpose else _purpose(city, snapshot.purpose)
    return Loaded(
        dataset=dataset,
        purpose=stated,
        condition=decision.reasons[0],
        columns=snapshot.columns,
        pseudonyms=snapshot.pseudonyms,
        rows=snapshot.rows,
        min_count=min_count(dataset, city.settings),
        licence=licence.title if licence else None,
    )


def _purpose(city: City, code: str) -> Text:
    """Give a purpose in words, with its code."""
    title = city.settings.catalog.purpose(code)
    return Text(de=f"{title.de} ({code})", en=f"{title.en} ({code})")
