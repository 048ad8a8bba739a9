"""
The re-run: a citizen's notebook, rebuilt from its sources, run twice in the box on open snapshots (SECURITY.md).

Only on explicit order, and only where a box can be opened. Sources come from the submission, outputs from our run
alone; they are rebuilt field by field from kinds that are known, whatever the box says. The verdict is one of three:
reproduced, differs (in which cells), fails (where, and why in the sender's words).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from stadtbuch import atomic
from stadtbuch.errors import Refused, UsageError
from stadtbuch.model.dataset import AccessClass
from stadtbuch.model.submission import Inspection, Rerun, Verdict
from stadtbuch.runs import box, plan
from stadtbuch.runs.box import LIBRARY, Answer, Box, Grant, Limits
from stadtbuch.session.city import City, city_facts
from stadtbuch.submissions import inbox, notebooks, outputs
from stadtbuch.submissions.notebooks import Notebook
from stadtbuch.texts import Text

RUN = "/box/run"
PROGRAM = f"{LIBRARY}/stadtbuch/submissions/inner.py"
LIMITS = Limits(seconds=120.0, cpu_seconds=120, reply_bytes=16 << 20)
CELL_SECONDS = 60.0
"""Limit for all cells together; the rest of the box's time is for starting Python."""
OUTPUT_BYTES = 8 << 20
KERNEL_BYTES = 6 << 30
"""Addresses of each process of the notebook; where there is no control group, this alone bounds its memory."""
MAX_DEPTH = 32
MAX_OUTPUTS_OF_A_CELL = 100
MAX_TOTAL = 8_000_000


@dataclass(frozen=True, slots=True)
class Laid:
    """
    What lies in the run's folder inside the box: the open snapshots, and what the door says about them.

    ``inputs``: dataset -> version; ``files``: path in the folder -> content.
    """

    inputs: Mapping[str, str]
    files: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """Where and how a notebook stopped; `kind` and `message` come from the notebook and are cleaned text."""

    cell: int | None
    kind: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: the outputs of each cell by its id, rebuilt, and where it stopped, if it did."""

    outputs: Mapping[str, tuple[Mapping[str, Any], ...]]
    fault: Fault | None
    answer: Answer | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What two runs gave: the verdict, the cells it is about, and the executed notebook."""

    verdict: Verdict
    cells: tuple[int, ...]
    text: Text
    notebook: Mapping[str, Any] = field(repr=False)


def rerun(
    city: City,
    number: str,
    *,
    bounded: bool = False,
    progress: Callable[[int], None] = lambda run: None,
    limits: Limits = LIMITS,
) -> Rerun:
    """
    Run a submission twice in the sandbox, on explicit order, and keep what came out.

    Parameters
    ----------
    city
        The session; open datasets are read through it.
    number
        The receipt number.
    bounded
        Whether memory and processes must be bounded in all (a control group), as on a city's server.
    progress
        Called with 1 and 2 when a run begins.
    limits
        What a run may use.

    Returns
    -------
    Rerun
        As it is kept.

    Raises
    ------
    Refused
        ``box.impossible`` where no sandbox can be opened, ``box.unbounded``, and what `notebooks.read` refuses.
    UsageError
        ``submission.order`` if it was not inspected.
    """
    found = box.require(bounded=bounded)
    held = inbox.get(city.state, number)
    inspected = inbox.inspection(held)
    if inspected is None:
        raise _not_inspected(number)
    notebook = notebooks.read(inbox.original(held))
    laid = lay_out(city, asked(inspected))
    outcome = twice(notebook, laid, limits=limits, progress=progress)
    executed = (json.dumps(outcome.notebook, ensure_ascii=False, indent=1) + "\n").encode()
    made = Rerun(
        digest=notebook.digest,
        notebook=atomic.digest(executed),
        at=city.now,
        verdict=outcome.verdict,
        cells=outcome.cells,
        text=outcome.text,
        inputs=dict(laid.inputs),
        confined=layers(found),
    )
    inbox.record_rerun(city, number, made, executed)
    return made


def layers(found: box.Possible) -> tuple[str, ...]:
    """Name the walls that were up; without a control group that one is missing, and is not claimed."""
    return tuple(sorted(box.LAYERS - (set() if found.bounded else {"cgroup"})))


def asked(inspected: Inspection) -> tuple[str, ...]:
    """Give the datasets that a notebook uses and that everybody may have, as the inspection saw them."""
    return tuple(use.dataset for use in inspected.uses if use.open)


def lay_out(city: City, datasets: Iterable[str]) -> Laid:
    """
    Make the run's folder for the box: open snapshots, and what is known about them.

    Whether a dataset is open is asked again here, of the catalogue as it is now; one that is not is left out, so
    that the notebook meets the door's own words.
    """
    inputs: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    for dataset in dict.fromkeys(datasets):
        laid = _input(city, dataset)
        if laid is not None:
            inputs[dataset], files[laid[0]["file"]] = laid
    info = {
        "schema_version": 1,
        "notebook": "submission",
        "parameters": {},
        "purpose": None,
        "restricted": False,
        "seed": city.seed,
        "engine": "sandboxed",
        **city_facts(city),
        "inputs": inputs,
        "gives": [],
    }
    files["run.json"] = json.dumps(info, ensure_ascii=False).encode()
    return Laid({name: one["version"] or one["sha256"] for name, one in inputs.items()}, files)


def _input(city: City, dataset: str) -> tuple[dict[str, Any], bytes] | None:
    """Describe one input and give its bytes; None for what is not open."""
    if dataset in city.catalog.datasets:
        if not city.dataset(dataset).is_open:
            return None
        snapshot = city.snapshot(dataset, purpose=None)
        described = {"file": f"inputs/{dataset}.parquet", **city.describe(snapshot)}
        return (described, snapshot.data) if described["class"] == AccessClass.open else None
    try:
        return plan.released_table(city, dataset)
    except UsageError:
        return None


def twice(
    notebook: Notebook,
    laid: Laid,
    *,
    limits: Limits = LIMITS,
    progress: Callable[[int], None] = lambda run: None,
    seconds: float = CELL_SECONDS,
) -> Outcome:
    """Run a notebook two times and compare; a first run that fails is not repeated."""
    progress(1)
    first = once(notebook, laid, limits=limits, seconds=seconds)
    if first.fault:
        return _outcome(notebook, first, Verdict.fails, (first.fault.cell,), words(first.fault))
    progress(2)
    second = once(notebook, laid, limits=limits, seconds=seconds)
    if second.fault:
        return _outcome(notebook, first, Verdict.fails, (second.fault.cell,), words(second.fault))
    differing = tuple(
        cell.number for cell in notebook.code if first.outputs.get(_id(cell)) != second.outputs.get(_id(cell))
    )
    if differing:
        return _outcome(notebook, first, Verdict.differs, differing, _differs(differing))
    return _outcome(notebook, first, Verdict.reproduced, (), _reproduced())


def once(
    notebook: Notebook,
    laid: Laid,
    *,
    limits: Limits = LIMITS,
    seconds: float = CELL_SECONDS,
    output_bytes: int = OUTPUT_BYTES,
    without: Sequence[str] = (),
) -> Ran:
    """
    Run a notebook once in the box.

    Parameters
    ----------
    seconds
        Limit for all its cells.
    output_bytes
        Limit for what the kernel says while it runs.
    without
        Walls to take away, for tests only: those of `box.LAYERS`, and ``client`` (the client hides itself).
    """
    info = json.loads(laid.files["run.json"])
    request = {
        "notebook": json.dumps(notebook.rebuilt()),
        "folder": RUN,
        "seconds": seconds,
        "output_bytes": output_bytes,
        "address_bytes": min(KERNEL_BYTES, limits.address_bytes),
        "readable": "client" in without,
    }
    here = Box(
        grants=tuple(Grant(data, str(PurePosixPath(RUN, path))) for path, data in laid.files.items()),
        folders=(RUN,),
        environment=box.variables(TZ=info["city"]["timezone"]),
        folder=RUN,
        limits=limits,
        lead=True,
    ).without(*without)
    command = [sys.executable, "-P", "-s", PROGRAM, "{reply}"]
    answer = box.run(here, command, json.dumps(request).encode())
    return _understood(answer, notebook)


def _understood(answer: Answer, notebook: Notebook) -> Ran:
    """Read a reply that may be anything."""
    if answer.ended == "not-started":
        raise _not_started()
    if answer.ended != "replied":
        kind = {"time": "Timeout", "too-long": "Flood"}.get(answer.ended, "Silent")
        return Ran({}, Fault(None, kind), answer)
    said = _parsed(answer.reply)
    if said is None:
        return Ran({}, Fault(None, "Silent"), answer)
    return Ran(_outputs(said.get("outputs"), notebook), _fault(said.get("fault"), notebook), answer)


def _parsed(reply: bytes) -> dict[str, Any] | None:
    try:
        text = reply.decode("utf-8")
        if notebooks.too_deep(text, limit=MAX_DEPTH):
            return None
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _fault(said: Any, notebook: Notebook) -> Fault | None:
    """Rebuild where it stopped; its cell is one of ours or none."""
    if said is None:
        return None
    told = said if isinstance(said, dict) else {}
    place = told.get("cell")
    known = isinstance(place, int) and 0 < place <= len(notebook.cells)
    return Fault(
        notebook.cells[place - 1].number if known else None,  # type: ignore[operator]
        outputs.name(told.get("kind")),
        outputs.clean(str(told.get("message", "")), limit=2_000),
    )


def _outputs(said: Any, notebook: Notebook) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """Rebuild the outputs of the cells that we know, until there are enough."""
    told = said if isinstance(said, dict) else {}
    made: dict[str, tuple[Mapping[str, Any], ...]] = {}
    left = MAX_TOTAL
    for cell in notebook.code:
        found = told.get(_id(cell))
        raw = found[:MAX_OUTPUTS_OF_A_CELL] if isinstance(found, list) else []
        kept = tuple(output for one in raw if (output := outputs.rebuilt(one)) is not None)
        size = len(json.dumps(kept))
        if size > left:
            break
        left -= size
        made[_id(cell)] = kept
    return made


def _id(cell: notebooks.Cell) -> str:
    return f"cell-{cell.number}"


# ---- what is said about it ----------------------------------------------------------------------------


def _outcome(
    notebook: Notebook, ran: Ran, verdict: Verdict, cells: Sequence[int | None], text: Text
) -> Outcome:
    """Put our outputs into the rebuilt notebook."""
    executed = notebook.rebuilt()
    for cell in executed["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [dict(one) for one in ran.outputs.get(cell["id"], ())]
    return Outcome(verdict, tuple(one for one in cells if one is not None), text, executed)


def words(fault: Fault) -> Text:
    """Say why a notebook failed, to the person who sent it."""
    place = (
        Text(de=f"In Zelle {fault.cell}: ", en=f"In cell {fault.cell}: ")
        if fault.cell
        else Text(de="", en="")
    )
    known = _WORDS.get(fault.kind)
    if known is not None:
        return Text(de=place.de + known.de, en=place.en + known.en)
    message = fault.message.strip().splitlines()[:1]
    said = f"{fault.kind}: {message[0][:300]}" if message else fault.kind
    return Text(de=f"{place.de}Python meldet {said}", en=f"{place.en}Python reports {said}")


_MISSING = Text(
    de="Ein Paket, das Ihr Notebook importiert, gibt es bei uns nicht; und aus dem Sandkasten heraus lässt sich nichts "
    "nachinstallieren. Kommen Sie ohne dieses Paket aus?",
    en="A package that your notebook imports does not exist here, and nothing can be installed from inside the "
    "sandbox. Can you do without it?",
)
_WORDS = {
    "Timeout": Text(
        de="Die Zeit war um. Rechnen Sie mit weniger Zeilen oder in einfacheren Schritten.",
        en="Time was up. Compute with fewer rows or in simpler steps.",
    ),
    "Flood": Text(
        de="Das Notebook gibt zu viel aus. Zeigen Sie Tabellen gekürzt, mit .head(), und Bilder kleiner.",
        en="The notebook prints too much. Show tables cut with .head(), and smaller pictures.",
    ),
    "Client": Text(
        de="Das Notebook gibt etwas aus, das es in Notebooks nicht gibt. Zeigen Sie Text, Tabellen und Bilder.",
        en="The notebook puts out something that does not exist in notebooks. Show text, tables and pictures.",
    ),
    "DeadKernel": Text(
        de="Der Python-Prozess ist abgebrochen, vermutlich aus Mangel an Speicher.",
        en="The Python process died, probably for lack of memory.",
    ),
    "Silent": Text(
        de="Der Sandkasten endete ohne Antwort, vermutlich aus Mangel an Speicher.",
        en="The sandbox ended without an answer, probably for lack of memory.",
    ),
    "MemoryError": Text(
        de="Der Speicher reichte nicht. Laden Sie weniger Spalten oder fassen Sie früher zusammen.",
        en="There was not enough memory. Load fewer columns, or aggregate earlier.",
    ),
    "AccessDenied": Text(
        de="Das Notebook lädt einen Datensatz, der nicht offen ist oder so nicht im Notebook steht. Der Katalog sagt, "
        'welche offen sind; schreiben Sie den Namen aus: city.load("mobility.bicycle_counts").',
        en="The notebook loads a dataset that is not open, or whose name does not stand in the notebook. The catalogue "
        'says which ones are open; write the name out: city.load("mobility.bicycle_counts").',
    ),
    "ModuleNotFoundError": _MISSING,
    "SystemExit": Text(
        de="Das Notebook hat sich selbst beendet, bevor alle Zellen ausgeführt waren.",
        en="The notebook ended itself before all cells had run.",
    ),
}


def _reproduced() -> Text:
    return Text(
        de="Zweimal gerechnet, zweimal dasselbe Ergebnis.",
        en="Run twice, the same result twice.",
    )


def _differs(cells: Sequence[int]) -> Text:
    named = ", ".join(map(str, cells[:10])) + (" …" if len(cells) > 10 else "")
    return Text(
        de=f"Zwei Läufe gaben Verschiedenes, in Zelle {named}. Setzen Sie den Zufall mit einem festen Startwert "
        "(seed) fest und geben Sie keine Uhrzeit aus.",
        en=f"Two runs gave different results, in cell {named}. Fix randomness with a seed, and print no time of day.",
    )


def _not_inspected(number: str) -> UsageError:
    return UsageError(
        "submission.not-inspected",
        Text(
            de=f"{number} ist noch nicht geprüft.",
            en=f"{number} has not been inspected yet.",
        ),
        remedy=Text(
            de=f"stadtbuch submission inspect {number} sagt, was darin steht.",
            en=f"stadtbuch submission inspect {number} says what is in it.",
        ),
    )


def _not_started() -> Refused:
    return Refused(
        "box.not-started",
        Text(
            de="Der Sandkasten ließ sich nicht öffnen; das Notebook ist nicht gelaufen.",
            en="The sandbox could not be opened; the notebook did not run.",
        ),
        remedy=Text(
            de="stadtbuch doctor sagt, was fehlt.",
            en="stadtbuch doctor says what is missing.",
        ),
    )
