"""Warm kernels: forked from a zygote behind a wall, and their results are those of a plain kernel."""

from __future__ import annotations

import json
import os
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from builders.city import TOML, Made, a_city, a_notebook

from stadtbuch.errors import Refused
from stadtbuch.runs import anybody, cgroups, execute, kernels, manifest, plan, wall, warm

# What notebooks show, and what could differ between a kernel and a shell that was made before the fork.
CELLS = (
    "import stadtbuch as sb\ncity = sb.city()\nboroughs = city.load('geography.boroughs')\nboroughs",
    "print('one')\nimport sys\nprint('two', file=sys.stderr)\nprint('three')\nboroughs.describe()",
    "import random, numpy\n(random.random(), numpy.random.random(), hash('x'), __name__)",
    "import warnings\nwarnings.warn('shown once')\nwarnings.warn('shown once')",
    "from IPython.display import HTML, clear_output, display\nprint('gone')\nclear_output()\n"
    "shown = display(HTML('<b>a</b>'), display_id='x')\ndisplay(HTML('<i>b</i>'), {'text/plain': 'c'}, raw=False)",
    "shown.update(HTML('<b>updated</b>'))\ndisplay(1, 2)\nNone",
    "import altair as alt\nchart = alt.Chart(boroughs).mark_bar().encode(x='borough', y='area')\n"
    "pick = alt.selection_point()\nchart.add_params(pick).to_dict()",
    "import geopandas as gpd\n"
    "gpd.GeoDataFrame({'a': [1]}, geometry=gpd.points_from_xy([8.0], [51.0]), crs=4326).to_crs(25832)",
    "%time 1\n_, __, Out[3], In[1]",
    "!echo from a shell",
    "get_ipython().__class__.__name__, type(sys.stdout).__name__ != '', sys.stdout.encoding, sys.stdout.isatty()",
    "try:\n    input('?')\nexcept Exception as error:\n    print(type(error).__name__, error)",
    "async def later():\n    return 7\nawait later()",
    "from ipywidgets import IntSlider\nlen(IntSlider().keys) > 5",
    "",
    "print('x' * 300_000)",
)


def a_request(made: Made, *code: str, name: str = "example", key: str | None = None) -> plan.Request:
    """Plan a notebook of these cells."""
    path = a_notebook(made.root, *code, name=name)
    request = plan.plan(made.open(), manifest.read(path, root=made.root), {})
    return replace(request, folder=request.folder.with_name(key)) if key else request


def recorded(result: execute.Result) -> dict[str, object]:
    """Read what a run's record says of itself."""
    return json.loads((result.folder / "run.json").read_text(encoding="utf-8"))


def test_results_are_those_of_a_plain_kernel(tmp_path: Path) -> None:
    """The same bytes of the executed notebook, cell by cell, with the wall and without."""
    made = a_city(tmp_path / "city")
    code = [cell for cell in CELLS if "%time" not in cell]

    direct, plain = (
        execute.execute(
            [a_request(made, *code, key=wall_)],
            crew=lambda todo, wall_=wall_, **told: execute.locally(todo, wall=wall_, **told),
        )[0]
        for wall_ in ("required", "none")
    )

    assert (direct.status, plain.status) == ("ran", "ran"), (direct.error, plain.error)
    shown = [
        json.loads((one.folder / "notebook.ipynb").read_text(encoding="utf-8")) for one in (direct, plain)
    ]
    for ours, theirs in zip(shown[0]["cells"], shown[1]["cells"], strict=True):
        assert ours == theirs
    assert (direct.folder / "notebook.ipynb").read_bytes() == (plain.folder / "notebook.ipynb").read_bytes()


def test_reading_a_released_table_and_drawing_prepare_nothing_twice(tmp_path: Path) -> None:
    """A run loads no solver to read a protected table, and Altair knows the digests of its own schemas."""
    made = a_city(tmp_path / "city")
    code = (
        "import sys\nfrom stadtbuch.disclosure import tables\n"
        "from altair.utils import schemapi\nimport altair as alt\n"
        "digest = schemapi._FromDict.hash_schema\n"
        "(sorted(name for name in sys.modules if name.startswith('scipy.optimize')),\n"
        " digest(alt.Chart._schema) == digest.__wrapped__(alt.Chart._schema))"
    )
    (result,) = execute.execute([a_request(made, code)])
    cells = json.loads((result.folder / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    assert cells[-1]["outputs"][0]["data"]["text/plain"] == ["([], True)"]


def test_the_record_says_which_engine_and_which_wall(tmp_path: Path) -> None:
    """``run.json`` names what really ran and what really stood around it."""
    made = a_city(tmp_path / "city")

    (direct,) = execute.execute([a_request(made, "1")])
    (plain,) = execute.execute(
        [a_request(made, "2", name="other")],
        crew=lambda todo, **told: execute.locally(todo, wall="none", **told),
    )

    told = recorded(direct)
    assert told["engine"] == "direct"
    parts = ["bubblewrap", "landlock", "seccomp", "rlimits", *(["cgroup"] if cgroups.find() else [])]
    assert [part.split()[0] for part in told["wall"]] == parts
    assert (recorded(plain)["engine"], recorded(plain)["wall"]) == ("plain", [])


@pytest.mark.parametrize("missing", ["landlock", "bubblewrap"])
def test_without_a_wall_it_runs_plainly_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """Where the machine offers no wall the run says so, unless the city requires one."""
    if missing == "landlock":
        monkeypatch.setattr(wall, "version", lambda: 1)
    else:
        monkeypatch.setattr(warm.box, "PATH", str(tmp_path))
    made = a_city(tmp_path / "city")
    request = a_request(made, "1")

    with pytest.raises(Refused) as refused:
        execute.execute([request], crew=lambda todo, **told: execute.locally(todo, wall="required", **told))
    (result,) = execute.execute([request])

    assert refused.value.exit_code == 3
    assert (result.status, recorded(result)["engine"], recorded(result)["wall"]) == ("ran", "plain", [])


def test_with_an_old_landlock_runs_are_set_apart_by_namespaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes behind the other wall, a limit that has its own error still, and a record that says which wall."""
    if not warm._may_part():
        pytest.skip("a boxed process can make no namespaces of its own here")
    made = a_city(tmp_path / "city", toml=f"{TOML}[runs]\ncpu_seconds = 2\n")
    cells = ("import os, random\nrandom.random(), os.getcwd()", "print('two')")
    requests = [a_request(made, *cells, key="old"), a_request(made, "while True: pass", name="endless")]
    (usual,) = execute.execute([a_request(made, *cells, key="usual")])
    monkeypatch.setattr(wall, "version", lambda: 3)
    monkeypatch.setattr(warm, "_one", None)
    try:
        old, endless = execute.execute(requests, city=made.open())
    finally:
        warm.begin().close()

    told = recorded(old)
    assert told["engine"] == "direct"
    assert [part for part in told["wall"] if part in ("landlock 3", "namespaces")] == [
        "landlock 3",
        "namespaces",
    ]
    assert (old.folder / "notebook.ipynb").read_bytes() == (usual.folder / "notebook.ipynb").read_bytes()
    assert (endless.error or {})["code"] == "run.cpu"


def test_results_come_while_others_still_run(tmp_path: Path) -> None:
    """Whoever judges results need not wait for the slowest."""
    made = a_city(tmp_path / "city")
    requests = [a_request(made, "1", name="first"), a_request(made, "2", name="second")]
    seen: list[tuple[str, bool]] = []

    execute.execute(
        requests,
        on_result=lambda one: seen.append((one.request.name, execute.finished(requests[1]) is not None)),
    )

    assert seen == [("notebooks/first.ipynb", False), ("notebooks/second.ipynb", True)]


def test_results_come_in_order_and_after_their_entry(tmp_path: Path) -> None:
    """What somebody writes into the book for a result stands behind its own entry, whichever run ends first."""
    made = a_city(tmp_path / "city")
    city = made.open()
    slow, quick = "import time\ntime.sleep(1)", "1"
    requests = [a_request(made, slow, name="first"), a_request(made, quick, name="second")]
    began: list[int] = []

    execute.execute(
        requests,
        jobs=2,
        city=city,
        on_result=lambda one: city.book.append(
            "note", subject=one.request.name, actor=city.actor, now=city.now, details={}
        ),
        meanwhile=lambda: began.append(len(list(city.book.entries()))),
    )

    told = [(one.kind, one.subject) for one in city.book.entries()][-4:]
    assert began == [len(list(city.book.entries())) - 4]
    assert told == [
        (kind, f"notebooks/{name}.ipynb") for name in ("first", "second") for kind in ("ran", "note")
    ]


def asked(name: str, log: int) -> warm.Asked:
    """Ask for a run without anything."""
    environment = kernels.environment(Path(warm.RUNS) / name, anybody.NOWHERE)
    return warm.Asked(name=name, environment=environment, bounds=warm.Bounds(60, 1 << 30, 1 << 20), log=log)


def shown(run: warm.Run, code: str) -> str:
    """Run a cell and give what it printed."""
    told = run.execute(code, until=time.monotonic() + 60)
    return "".join(one["content"].get("text", "") for one in told)


def test_a_new_lock_makes_a_new_zygote_and_kills_nobody(tmp_path: Path) -> None:
    """Whoever works in a kernel of before goes on; the next one starts anew."""
    lock = tmp_path / "runtime.lock"
    lock.write_text("a==1", encoding="utf-8")
    before = warm.begin(lock)
    assert warm.begin(lock) is before

    with Path(os.devnull).open("wb") as log, closing(before.fork(asked("old", log.fileno()))) as old:
        lock.write_text("a==2.0", encoding="utf-8")
        after = warm.begin(lock)
        with closing(after.fork(asked("new", log.fileno()))) as new:
            assert after is not before
            assert (shown(old, "print(1)"), shown(new, "print(2)")) == ("1\n", "2\n")

    assert warm.begin(lock) is after
    assert not before.alive


def test_a_filter_that_cannot_be_built_lets_nothing_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """No list of system calls, no run: the zygote does not start without those of its runs."""
    monkeypatch.setattr(warm, "_filters", lambda: [b"", b""])
    found = warm.Warm()
    try:
        with pytest.raises(Refused) as refused:
            found.wait()
    finally:
        found.close()

    assert refused.value.code == "run.wall-impossible"


def test_a_wall_that_cannot_be_built_lets_no_run_start() -> None:
    """A run that cannot shut itself in ends before it acknowledges itself, and says why."""
    with Path(os.devnull).open("wb") as log:
        wrong = replace(asked("wrong", log.fileno()), kernel=Path("/nowhere\0/kernel.json"))
        with pytest.raises(Refused) as refused:
            warm.begin().fork(wrong)

    assert refused.value.code == "run.no-wall"


TOGETHER = {
    warm.MEMORY: (
        "import mmap\nheld = mmap.mmap(-1, 400 << 20)\nfor at in range(0, 400 << 20, 4096): held[at] = 1",
        warm.Bounds(60, 32 << 20, 1 << 20),
    ),
    warm.CPU: (
        "import os, time\nfor _ in range(3):\n    if os.fork() == 0:\n"
        "        while time.process_time() < 0.8: pass\n        os._exit(0)\n"
        "for _ in range(3): os.wait()\ntime.sleep(1.5)",
        warm.Bounds(1, 1 << 30, 1 << 20),
    ),
}
"""What no limit of a single process stops: memory that is shared, and processor time of several."""


@pytest.mark.parametrize("kind", TOGETHER)
def test_what_a_run_uses_is_counted_together(kind: str) -> None:
    """A control group bounds all processes of a run and what they share; the wall without one does not."""
    if cgroups.find() is None:
        pytest.skip("this user can make no control groups here")
    code, bounds = TOGETHER[kind]
    with Path(os.devnull).open("wb") as log:
        one = replace(asked(f"together-{kind}".lower(), log.fileno()), bounds=bounds)
        with closing(warm.begin().fork(one)) as run, pytest.raises(warm.Stopped) as stopped:
            list(run.execute(code, until=time.monotonic() + 60))
        alone = replace(one, layers=one.layers - {"group"})
        with closing(warm.begin().fork(alone)) as run:
            *_, done = run.execute(code, until=time.monotonic() + 60)

    assert stopped.value.kind == kind
    assert done == {"type": "done", "content": {"ok": True}}


def test_a_run_cannot_have_all_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its control group bounds their number, so that another run of the same user still finds some."""
    if cgroups.find() is None:
        pytest.skip("this user can make no control groups here")
    monkeypatch.setattr(warm, "GROUP_PROCESSES", 12)
    code = (
        "import os, time\nmade = 0\ntry:\n    while made < 40:\n        if os.fork() == 0: time.sleep(60)\n"
    )
    code += "        made += 1\nexcept BlockingIOError:\n    pass\nprint(made)"
    with Path(os.devnull).open("wb") as log:
        one = asked("processes", log.fileno())
        with (
            closing(warm.begin().fork(one)) as run,
            closing(warm.begin().fork(replace(one, name="b"))) as other,
        ):
            made = int(shown(run, code))
            assert shown(other, "import os\nif os.fork() == 0: os._exit(0)\nprint(os.wait()[1])") == "0\n"

    assert 0 < made < 12
