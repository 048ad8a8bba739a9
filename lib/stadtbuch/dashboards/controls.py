"""
What visitors of a dashboard may choose: few parameters, each with few named values, known before anybody asks.

The whole grid of values is written as static pages, so a live dashboard can show nothing that no static page shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from stadtbuch.errors import ReportError
from stadtbuch.model.analysis import Manifest, Parameter, ParameterType
from stadtbuch.reports.definitions import slug
from stadtbuch.texts import Text, same

MOST_VALUES = 120
"""Pages of a grid; more choices belong into a download."""
OVERALL = Text(de="insgesamt", en="overall")
YES_NO = {True: Text(de="ja", en="yes"), False: Text(de="nein", en="no")}


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a control: what the view gets, how it stands in an address, what readers see."""

    value: Any
    slug: str
    label: Text


@dataclass(frozen=True, slots=True)
class Control:
    """One parameter that visitors choose."""

    name: str
    label: Text
    options: tuple[Option, ...]
    default: int

    @property
    def first(self) -> Option:
        """Give the option that is chosen where nobody chose."""
        return self.options[self.default]

    def by_slug(self, given: str) -> Option | None:
        """Give the option of an address, or None."""
        return next((one for one in self.options if one.slug == given), None)

    def to_record(self) -> dict[str, Any]:
        """Write the control as JSON."""
        options = [
            {"value": one.value, "slug": one.slug, "label": one.label.as_dict()} for one in self.options
        ]
        return {"name": self.name, "label": self.label.as_dict(), "options": options, "default": self.default}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Control:
        """Read what `to_record` wrote."""
        options = tuple(Option(one["value"], one["slug"], Text(**one["label"])) for one in record["options"])
        return cls(record["name"], Text(**record["label"]), options, record["default"])


Choice = Mapping[str, Option]
"""Name of a control -> the option chosen."""


def declared(
    manifest: Manifest, names: Sequence[str], *, choices: Callable[[str], Sequence[str]]
) -> tuple[Control, ...]:
    """
    Read the controls from a notebook's manifest.

    Parameters
    ----------
    manifest
        Declares the parameters with type, label and choices.
    names
        Those that visitors choose, in the order in which they see them.
    choices
        Gives the values of ``catalogue:<dataset>.<column>``.

    Raises
    ------
    ReportError
        ``dashboard.parameter`` if a parameter is not declared, has no list of values, or two values would have
        one address; ``dashboard.too-large`` if the grid has more than 120 pages.

    Examples
    --------
    >>> from stadtbuch.texts import same
    >>> found = Manifest(benefit=same("x"), risk="none", inputs={"a.b": {}}, parameters={
    ...     "borough": Parameter(type="choice", label=same("Bezirk"), choices=("Mitte", "Süd"), **{"or": ("all",)})})
    >>> [one.slug for one in declared(found, ["borough"], choices=list)[0].options]
    ['all', 'mitte', 'sued']
    """
    controls = tuple(_control(name, manifest.parameters.get(name), choices) for name in names)
    pages = 1
    for one in controls:
        pages *= len(one.options)
    if pages > MOST_VALUES:
        raise _too_large(pages)
    return controls


def grid(controls: Sequence[Control]) -> Iterator[Choice]:
    """Give every combination of options, the first control slowest."""
    for options in product(*(one.options for one in controls)):
        yield {control.name: option for control, option in zip(controls, options, strict=True)}


def start(controls: Sequence[Control]) -> dict[str, Option]:
    """Give what is shown where nobody chose."""
    return {one.name: one.first for one in controls}


def address(choice: Choice) -> str:
    """
    Give the folder of a choice: the slugs of its options in declared order.

    Examples
    --------
    >>> address({"borough": Option("Süd", "sued", same("Süd")), "year": Option(2025, "2025", same("2025"))})
    'sued.2025'
    """
    return ".".join(one.slug for one in choice.values())


def chosen(controls: Sequence[Control], arguments: Mapping[str, Sequence[str]]) -> dict[str, Option] | None:
    """
    Read a visitor's choice from the address; None if anything in it is not declared.

    Parameters
    ----------
    controls
        The dashboard's.
    arguments
        Name -> the values given for it; a name that is repeated, unknown or has another value is refused.

    Examples
    --------
    >>> one = Control("year", same("Jahr"), (Option(2024, "2024", same("2024")), Option(2025, "2025", same("2025"))), 1)
    >>> chosen([one], {"year": ["2024"]})["year"].value, chosen([one], {})["year"].value
    (2024, 2025)
    >>> chosen([one], {"year": ["1999"]}), chosen([one], {"year": ["2024", "2025"]}), chosen([one], {"a": ["1"]})
    (None, None, None)
    """
    known = {one.name: one for one in controls}
    found = start(controls)
    for name, given in arguments.items():
        option = known[name].by_slug(given[0]) if name in known and len(given) == 1 else None
        if option is None:
            return None
        found[name] = option
    return found


def values(choice: Choice) -> dict[str, Any]:
    """Give what the view gets."""
    return {name: option.value for name, option in choice.items()}


def query(choice: Choice) -> str:
    """Write a choice for the address of the live page; slugs need no escaping."""
    return "&".join(f"{name}={option.slug}" for name, option in choice.items())


def _control(name: str, parameter: Parameter | None, choices: Callable[[str], Sequence[str]]) -> Control:
    if parameter is None:
        raise _no_parameter(
            name,
            Text(de="Das Manifest erklärt ihn nicht.", en="The manifest does not declare it."),
        )
    found = _values(name, parameter, choices)
    options = tuple(Option(value, slug(value), _label(parameter, value)) for value in found)
    if len({one.slug for one in options}) < len(options):
        raise _no_parameter(
            name,
            Text(de="Zwei Werte hätten dieselbe Adresse.", en="Two values would have the same address."),
        )
    default = found.index(parameter.default) if parameter.default in found else 0
    return Control(name, parameter.label, options, default)


def _values(name: str, parameter: Parameter, choices: Callable[[str], Sequence[str]]) -> list[Any]:
    """List the values of a parameter; only what can be listed can be written as pages."""
    if parameter.type is ParameterType.boolean:
        return [True, False]
    if (
        parameter.type is ParameterType.integer
        and parameter.minimum is not None
        and parameter.maximum is not None
    ):
        return list(range(int(parameter.minimum), int(parameter.maximum) + 1))[: MOST_VALUES + 1]
    if parameter.type is ParameterType.choice and parameter.choices is not None:
        listed = choices(parameter.choices) if isinstance(parameter.choices, str) else list(parameter.choices)
        return [*parameter.extra, *listed]
    raise _no_parameter(
        name,
        Text(de="Seine Werte lassen sich nicht aufzählen.", en="Its values cannot be listed."),
    )


def _label(parameter: Parameter, value: Any) -> Text:
    own = parameter.labels.get(str(value))
    if own is not None:
        return own
    if isinstance(value, bool):
        return YES_NO[value]
    return OVERALL if value in parameter.extra and value == "all" else same(str(value))


def _no_parameter(name: str, why: Text) -> ReportError:
    return ReportError(
        "dashboard.parameter",
        Text(
            de=f"Das Dashboard kann den Parameter {name} nicht zur Auswahl stellen.",
            en=f"The dashboard cannot offer the parameter {name}.",
        ),
        why=why,
        remedy=Text(
            de="Erklären Sie ihn als choice mit choices, als integer mit minimum und maximum, oder als boolean.",
            en="Declare it as a choice with choices, an integer with minimum and maximum, or a boolean.",
        ),
    )


def _too_large(pages: int) -> ReportError:
    return ReportError(
        "dashboard.too-large",
        Text(
            de=f"Das Dashboard hätte {pages} Auswahlen; höchstens {MOST_VALUES} werden geschrieben.",
            en=f"The dashboard would have {pages} choices; at most {MOST_VALUES} are written.",
        ),
        why=Text(
            de="Zu jeder Auswahl gehört eine statische Seite mit denselben Zahlen.",
            en="Every choice has a static page with the same numbers.",
        ),
        remedy=Text(
            de="Nehmen Sie weniger Parameter oder gröbere Werte.",
            en="Take fewer parameters or coarser values.",
        ),
    )
