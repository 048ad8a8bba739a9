"""
How long reports take, from nothing to published pages, and how long it takes to learn that nothing changed.

Run ``python benchmarks/runs.py``; ``--cells 6 --size mini`` is a quick look. One matrix of the report
*Who lives where?* over districts instead of boroughs is made three times on the same machine:

- through ``stadtbuch build --jobs 2``: planned, run behind walls, judged, kept, rendered, published;
- by papermill's command line, two at a time, then ``jupyter nbconvert`` for each notebook;
- by one Python process that calls papermill with cold kernels and keeps nbconvert's exporter.

The other two get the inputs laid out and neither judge nor publish. What the notebooks put out is compared cell by cell
and file by file. Then: what the walls cost, the way to a first result, memory of a live kernel, and an unchanged build
of a hundred reports as a whole process. Nothing fails here: numbers of a machine are no promise.
"""

from __future__ import annotations

import argparse
import atexit
import base64
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import nbformat
import yaml

from stadtbuch.catalog import files
from stadtbuch.runs import engine, kernels, warm, worker

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
REPORT = "who-lives-where"
PARTS = ("catalogs", "roles.yaml", "concentration.toml", "stadtbuch.toml", "synthetic.yaml", "requirements")
FIRST = (
    "import geopandas\n"
    "spot = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy([7.1], [54.3]), crs=4326)\n"
    "round(float(spot.to_crs(25832).geometry.iloc[0].x))"
)
SUBREAPER = (
    36  # PR_SET_CHILD_SUBREAPER: what outlives its parent is ours to wait for, so that its time is counted
)


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of all processors together with everything that was started."""

    wall: float
    cpu: float


class Meter:
    """
    Counts the processor time of this process and of everything that it starts, however that ends.

    A control group counts all of it. Without one, what was killed with its parent is missing: forked runs are.
    """

    def __init__(self) -> None:
        self.group: Path | None = None
        for root, usage in (
            (Path("/sys/fs/cgroup/cpuacct"), "cpuacct.usage"),
            (Path("/sys/fs/cgroup"), "cpu.stat"),
        ):
            group = root / f"stadtbuch-bench-{os.getpid()}"
            try:
                group.mkdir()
                (group / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
                self.root, self.group, self.file = root, group, group / usage
                self.seconds()
            except (OSError, ValueError):
                self.close()
                continue
            return

    def seconds(self) -> float:
        """Give what was used so far."""
        if self.group is None:
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            return used.ru_utime + used.ru_stime
        told = self.file.read_text(encoding="ascii")
        found = re.search(r"usage_usec (\d+)", told)
        return int(found[1]) / 1e6 if found else int(told) / 1e9

    def close(self) -> None:
        """Leave the group and remove it."""
        if self.group is not None:
            (self.root / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
            self.group.rmdir()
        self.group = None


@cache
def meter() -> Meter:
    """Give the one meter of this process."""
    made = Meter()
    atexit.register(made.close)
    return made


def measured(action: Callable[[], Any]) -> tuple[Cost, Any]:
    """Do something in other processes, and say what it cost."""
    before, begun = meter().seconds(), time.perf_counter()
    given = action()
    wall = time.perf_counter() - begun
    return Cost(wall, meter().seconds() - before), given


def called(*command: str, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and give what it said."""
    ended = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise SystemExit(f"{' '.join(command[:3])} ended with {ended.returncode}:\n{ended.stderr[-2000:]}")
    return ended.stdout


def stadtbuch(*arguments: str, city: Path) -> Any:
    """Call the command line in a city and give its JSON."""
    return json.loads(called(str(BIN / "stadtbuch"), *arguments, "--json", cwd=city))


# ---- the city ------------------------------------------------------------------------------------------


def by_district(text: str) -> str:
    """Turn boroughs into districts: the same report, the same code, another column."""
    return text.replace("borough", "district")


def a_city(folder: Path, *, cells: int, size: str) -> Path:
    """Make the data of the synthetic city, the report over its districts, and the approval that it needs."""
    folder.mkdir(parents=True)
    for name in PARTS:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    (folder / "notebooks/analyses").mkdir(parents=True)
    (folder / "reports").mkdir()
    for name in (f"{REPORT}.prepare.ipynb", f"{REPORT}.ipynb"):
        text = (ROOT / "notebooks/analyses" / name).read_text(encoding="utf-8")
        (folder / "notebooks/analyses" / name).write_text(by_district(text), encoding="utf-8")
    stadtbuch("synthetic", "make", "--size", size, city=folder)
    places = json.loads((folder / "data/geography/districts.geojson").read_text(encoding="utf-8"))
    names = sorted(one["properties"]["district_name"] for one in places["features"])
    located, _ = files.read(ROOT / f"reports/{REPORT}.yaml", name=REPORT)
    told = dict(located.data)
    for name in ("also", "dashboard", "related", "schedule"):
        told.pop(name, None)
    told["cells"] = {"district": names[:cells]}
    (folder / f"reports/{REPORT}.yaml").write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
    stadtbuch("report", "approve", REPORT, "--record", "--as", told["roles"]["release"], city=folder)
    shutil.rmtree(folder / "var")  # nothing but the decision is left of that
    return folder


def folders(city: Path, built: Mapping[str, Any]) -> list[Path]:
    """Give the folders of the runs behind the editions, the preparing one first."""
    keys: dict[str, None] = {}
    for one in built["runs"]:
        report, cell, edition = re.fullmatch(r"([^/@]+)/?([^@]*)@(.+)", one["edition"]).groups()  # type: ignore[union-attr]
        told = city / "var/editions" / report / (cell or "_") / edition / "edition.json"
        found = json.loads(told.read_text(encoding="utf-8"))["run_keys"]
        keys |= dict.fromkeys(found[step] for step in ("prepare", "report"))
    return [city / "var/runs" / key for key in keys]


def laid_out(runs: list[Path], target: Path) -> list[Path]:
    """Copy what a run gets, without what it made."""
    made = []
    for run in runs:
        folder = target / run.name
        for name in ("inputs", "modules"):
            shutil.copytree(run / name, folder / name)
        for name in ("home", "outputs/tables", "outputs/figures", "outputs/shown"):
            (folder / name).mkdir(parents=True)
        for name in (worker.SOURCE, worker.INFO):
            shutil.copy(run / name, folder / name)
        made.append(folder)
    return made


# ---- the other two -------------------------------------------------------------------------------------


def surroundings(folder: Path) -> dict[str, str]:
    """Give the variables that a run's kernel has, for a kernel that papermill starts."""
    info = json.loads((folder / worker.INFO).read_text(encoding="utf-8"))
    told = kernels.environment(folder, info)
    return {**told, "PATH": f"{BIN}:{told['PATH']}"}


def by_command_line(runs: list[Path], *, jobs: int) -> None:
    """Run papermill's command and then nbconvert's for each notebook, some at a time."""

    def one(folder: Path) -> None:
        info = json.loads((folder / worker.INFO).read_text(encoding="utf-8"))
        given = base64.b64encode(yaml.safe_dump(info["parameters"]).encode()).decode()
        said = surroundings(folder)
        run = (str(BIN / "papermill"), worker.SOURCE, worker.EXECUTED, "-k", "python3", "-b", given)
        called(*run, "--no-progress-bar", cwd=folder, environment=said)
        called(str(BIN / "jupyter-nbconvert"), "--to", "html", worker.EXECUTED, cwd=folder, environment=said)

    with ThreadPoolExecutor(jobs) as crew:
        list(crew.map(one, runs))


PROCESS = """
import json, os, sys
from pathlib import Path
import nbformat, papermill
from nbconvert import HTMLExporter
exporter = HTMLExporter()
for told in json.loads(sys.argv[1]):
    folder = Path(told["folder"])
    os.environ.update(told["environment"])
    os.chdir(folder)
    given = json.loads((folder / "run.json").read_text(encoding="utf-8"))["parameters"]
    options = {"parameters": given, "kernel_name": "python3", "progress_bar": False}
    papermill.execute_notebook("source.ipynb", "notebook.ipynb", **options)
    page = exporter.from_notebook_node(nbformat.read("notebook.ipynb", as_version=4))[0]
    Path("notebook.html").write_text(page, encoding="utf-8")
"""


def by_one_process(runs: list[Path]) -> None:
    """Let one process call papermill's API for one notebook after the other."""
    told = [{"folder": str(one), "environment": surroundings(one)} for one in runs]
    called(sys.executable, "-c", PROCESS, json.dumps(told), cwd=runs[0])


# ---- comparing -----------------------------------------------------------------------------------------


def shown(notebook: Any) -> list[tuple[str, Any]]:
    """Give each code cell with what it put out; numbers of executions and metadata of machines left out."""
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            outputs = json.loads(json.dumps(cell.outputs))
            for one in outputs:
                one.pop("execution_count", None)
            source = re.sub(r"^# Parameters\n", "", cell.source)
            cells.append((source, outputs))
    return cells


def compared(ours: list[Path], others: list[Path]) -> str:
    """Count the cells and files that are alike."""
    cells = alike = written = same = 0
    for one, other in zip(ours, others, strict=True):
        pairs = [shown(nbformat.read(path / worker.EXECUTED, as_version=4)) for path in (one, other)]
        cells += max(map(len, pairs))
        alike += sum(left == right for left, right in zip(*pairs, strict=False))
        for path in sorted((one / "outputs").rglob("*")):
            if path.is_file():
                written += 1
                twin = other / path.relative_to(one)
                same += twin.is_file() and twin.read_bytes() == path.read_bytes()
    return f"{alike} of {cells} cells alike, {same} of {written} files alike"


# ---- parts ---------------------------------------------------------------------------------------------


def of_walls(run: Path, *, rounds: int) -> str:
    """Run one notebook with and without the run's own wall, in turn."""
    zygote = warm.begin()
    zygote.wait()
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * rounds + 2):
        walled = number % 2 == 0
        spent = _forked(zygote, run, walled=walled)
        if number > 1:  # the first of each warms up
            seconds[walled].append(spent)
    on, off = median(seconds[True]), median(seconds[False])
    return f"{on * 1000:.0f} ms with, {off * 1000:.0f} ms without, {100 * (on - off) / off:+.1f} %"


def _forked(zygote: warm.Warm, run: Path, *, walled: bool) -> float:
    info = json.loads((run / worker.INFO).read_text(encoding="utf-8"))
    with tempfile.TemporaryFile() as log:
        asked = worker._asked(run, info, json.dumps(info).encode(), log)
        asked = asked if walled else replace(asked, layers=frozenset())
        begun = time.perf_counter()
        with closing(zygote.fork(asked)) as forked:
            source = (run / worker.SOURCE).read_text(encoding="utf-8")
            _, fault = engine.run_forked(source, parameters=info["parameters"], run=forked, seconds=600)
            list(forked.files(until=time.monotonic() + 60))
        if fault is not None:
            raise SystemExit(f"the run stopped: {fault.kind}")
        return time.perf_counter() - begun


def first_results(run: Path, *, rounds: int) -> str:
    """Say how long it takes from asking for a kernel to the first result of geopandas."""
    from jupyter_client.manager import start_new_kernel  # noqa: PLC0415 - after the costs of others were measured

    cold, forked = [], []
    for _ in range(rounds):
        begun = time.perf_counter()
        manager, client = start_new_kernel(kernel_name="python3")
        client.execute_interactive(FIRST, output_hook=lambda message: None)
        cold.append(time.perf_counter() - begun)
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    for one in _kernels(run, rounds):
        begun = time.perf_counter()
        with closing(one()) as kernel:
            list(kernel.execute(FIRST, until=time.monotonic() + 60))
            forked.append(time.perf_counter() - begun)
    return f"cold {median(cold):.2f} s, forked {median(forked):.3f} s"


def _kernels(run: Path, number: int) -> Iterator[Callable[[], warm.Run]]:
    """Give what forks a run, some times."""
    zygote = warm.begin()
    zygote.wait()
    info = json.loads((run / worker.INFO).read_text(encoding="utf-8"))
    with tempfile.TemporaryFile() as log:
        for place in range(number):
            asked = worker._asked(run, info, json.dumps(info).encode(), log)
            yield lambda asked=asked, place=place: zygote.fork(replace(asked, name=f"bench-{place}"))


def memory(run: Path, *, number: int) -> str:
    """Say how much memory a live kernel has for itself, after a first result."""
    alive = [one() for one in _kernels(run, number)]
    try:
        own = []
        for kernel in alive:
            list(kernel.execute(FIRST, until=time.monotonic() + 60))
            told = Path(f"/proc/self/fdinfo/{kernel.process}").read_text(encoding="ascii")
            process = int(re.search(r"^Pid:\t(\d+)", told, re.MULTILINE)[1])  # type: ignore[index]
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
            own.append(
                sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+) kB", rollup, re.MULTILINE))
            )
        return f"{median(own) / 1024:.0f} MB"
    finally:
        for kernel in alive:
            kernel.close()


# ---- nothing changed -----------------------------------------------------------------------------------

WORDS = ("main-points", "method", "limits")
TRIVIAL = """
stadtbuch:
  benefit: {de: Zählt., en: Counts.}
  risk: none
  inputs: {geography.boroughs: {}}
"""


def trivial(city: Path, number: int) -> None:
    """Write reports that do next to nothing, each with code of its own."""
    new = nbformat.v4
    for place in range(number):
        headline = f"sb.headline({place}, unit={{'de': 'x', 'en': 'x'}}, at='2025-12-31')"
        code = f"import stadtbuch as sb\ncity = sb.city()\n{headline}"
        cells = [
            new.new_markdown_cell(f"```yaml{TRIVIAL}```", id="manifest"),
            new.new_code_cell(code, id="code"),
        ]
        cells += [
            new.new_markdown_cell("Text.", id=f"{word}-{lang}", metadata={"tags": [lang, word]})
            for word in WORDS
            for lang in ("de", "en")
        ]
        nbformat.write(new.new_notebook(cells=cells), city / f"notebooks/trivial-{place}.ipynb")
        told = {
            "title": {"de": f"Bericht {place}", "en": f"Report {place}"},
            "summary": {"de": "Kurz.", "en": "Short."},
            "report": f"notebooks/trivial-{place}.ipynb",
            "release": "automatic",
            "roles": {"author": "analyst", "release": "head-of-statistics"},
        }
        (city / f"reports/trivial-{place}.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")


def unchanged(city: Path, *, number: int, rounds: int) -> str:
    """Build reports once, and then time whole processes that find nothing to do."""
    for path in (city / "reports").glob("*.yaml"):
        path.unlink()
    trivial(city, number)
    first, built = measured(lambda: stadtbuch("build", "--jobs", "2", city=city))
    costs = []
    executed = 0
    for _ in range(rounds):
        cost, again = measured(lambda: stadtbuch("build", city=city))
        costs.append(cost)
        executed += again["counts"]["executed"]
    per_run = first.cpu / max(built["counts"]["executed"], 1)
    wall, cpu = median(one.wall for one in costs), median(one.cpu for one in costs)
    return (
        f"{wall:.3f} s by the clock, {cpu:.3f} s of processor, {executed} runs "
        f"(first build: {first.wall:.1f} s, {per_run:.2f} s of processor for each of {number})"
    )


# ---- all of it -----------------------------------------------------------------------------------------


def machine() -> str:
    """Name processor, cores and load."""
    told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    name = re.search(r"model name\s*:\s*(.+)", told)
    cores = len(os.sched_getaffinity(0))
    return f"{name[1] if name else 'unknown processor'}, {cores} cores, load {os.getloadavg()[0]:.1f} at the start"


def said(label: str, text: str) -> None:
    """Print one line at once."""
    print(f"{label:<52} {text}", flush=True)


def ratio(label: str, ours: Cost, other: Cost) -> None:
    """Print by how much more the other way costs."""
    said(label, f"{other.wall / ours.wall:.1f} x by the clock, {other.cpu / ours.cpu:.1f} x of processor")


def matrix(work: Path, *, cells: int, size: str) -> Path:
    """Make the matrix in three ways, and give the folder of one run."""
    city = a_city(work / "city", cells=cells, size=size)
    ours, built = measured(lambda: stadtbuch("build", "--jobs", "2", city=city))
    counts, runs = built["counts"], folders(city, built)
    said(
        "stadtbuch build --jobs 2, from nothing to pages", f"{ours.wall:.1f} s, {ours.cpu:.1f} s of processor"
    )
    said("", f"{counts['executed']} runs, {counts['published']} editions published")
    few = a_city(work / "few", cells=1, size=size)
    base, _ = measured(lambda: stadtbuch("build", "--jobs", "2", city=few))
    more = max(counts["executed"] - 2, 1)
    steady = Cost((ours.wall - base.wall) / more, (ours.cpu - base.cpu) / more)
    said("  each further run, with judging and page", f"{steady.wall:.2f} s, {steady.cpu:.2f} s of processor")
    inside = median(one["seconds"] for one in built["runs"])
    said("  of that, a run until its files are there", f"{inside:.1f} s by the clock")
    cold = laid_out(runs, work / "cold")
    theirs, _ = measured(lambda: by_command_line(cold, jobs=2))
    said("papermill two at a time, then nbconvert", f"{theirs.wall:.1f} s, {theirs.cpu:.1f} s of processor")
    single = laid_out(runs, work / "single")
    alone, _ = measured(lambda: by_one_process(single))
    said("one process, cold kernels, one exporter", f"{alone.wall:.1f} s, {alone.cpu:.1f} s of processor")
    ratio("against papermill's command line", ours, theirs)
    ratio("against one process", ours, alone)
    each = Cost(theirs.wall / len(runs), theirs.cpu / len(runs))
    ratio("each further run against papermill's command line", steady, each)
    said("outputs against papermill's command line", compared(runs, cold))
    return runs[-1]


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description="Measure runs.")
    asked.add_argument("--cells", type=int, default=72, help="districts of the matrix, at most 72")
    asked.add_argument("--size", choices=("mini", "small", "full"), default="full", help="size of the city")
    asked.add_argument("--reports", type=int, default=100, help="reports of the unchanged build")
    asked.add_argument("--rounds", type=int, default=5, help="how often short things are measured")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="stadtbuch-bench-") as folder:
        work = Path(folder)
        said("machine", machine())
        if meter().group is None:
            said("processor time", "without a control group: the time of forked runs is missing")
        said("matrix", f"{given.cells} districts, city of size {given.size}")
        run = matrix(work, cells=given.cells, size=given.size)
        said("a run's own wall", of_walls(run, rounds=given.rounds))
        said("kernel to first geopandas result", first_results(run, rounds=given.rounds))
        said("private memory of a live kernel", memory(run, number=4))
        warm.end()
        said(
            f"unchanged build of {given.reports} reports",
            unchanged(work / "few", number=given.reports, rounds=given.rounds),
        )


if __name__ == "__main__":
    main()
