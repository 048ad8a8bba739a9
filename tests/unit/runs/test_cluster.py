"""The cluster: the same editions as on one machine, whoever dies in the middle, and nothing taken on trust."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import tomllib
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import serving
from builders.city import NOW, TOML, a_city
from builders.reports import ROLES, write_open_report

import stadtbuch
from stadtbuch import settings
from stadtbuch.cli import main
from stadtbuch.errors import Failed, Refused, StadtbuchError, UsageError
from stadtbuch.reports import build
from stadtbuch.runs import cluster, execute, unit
from stadtbuch.runs.artefacts import Artefacts
from stadtbuch.runs.cluster import Cluster
from stadtbuch.runs.execute import Result
from stadtbuch.runs.plan import Request
from stadtbuch.scratch import UNIT, sweep
from stadtbuch.session import City

pytestmark = pytest.mark.slow
KEY = bytes(range(64))
NOTEBOOK = b'{"cells": []}'


def trivial(order: str) -> str:
    """Do what every unit does around its run, and no run; a request that is called deadly ends its worker."""
    asked = json.loads(order)
    shelf = Artefacts(asked["artefacts"], b64decode(asked["key"]))
    told = json.loads(shelf.get(asked["request"], limit=unit.INPUT))
    if told["info"]["notebook"] == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    return json.dumps({"status": "ran", "files": {"notebook.ipynb": [shelf.put(NOTEBOOK), len(NOTEBOOK)]}})


def asleep(order: str) -> str:
    """Take longer than any test."""
    threading.Event().wait(600)
    return "{}"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of everything that workers leave behind while they work."""
    return tmp_path_factory.mktemp("workers") / "cluster"


@pytest.fixture(scope="module")
def workers(root: Path, scratch: Path) -> Iterator[Cluster]:
    """Start two workers, as ``--cluster local`` does; they find the functions of this file and of benchmarks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root)
        with cluster.connected(cluster.way_within(scratch, jobs=2, key=KEY), settings.read(root)) as found:
            yield found


def a_request(folder: Path, name: str = "a", *, restricted: bool = False) -> Request:
    """Give a request, and lay its folder out."""
    info = {
        "key": name,
        "key_parts": {},
        "notebook": name,
        "now": NOW.isoformat(),
        "inputs": {},
        "parameters": {},
    }
    request = Request(
        key=name, key_parts={}, folder=folder / name, info=info, restricted=restricted,
        notebook="{}", inputs={}, modules={},
    )  # fmt: skip
    (request.folder / "outputs" / "tables").mkdir(parents=True)
    return request


def run(crew: execute.Crew, requests: list[Request]) -> dict[str, Result]:
    """Let a crew run requests, and give the results by name."""
    results = crew(requests, jobs=2, seconds=60, started=lambda request: None)
    return {result.request.name: result for result in results}


# The same editions


def _editions(root: Path) -> dict[str, bytes]:
    """Read the whole archive of a city."""
    archive = root / "var" / "editions"
    return {
        path.relative_to(archive).as_posix(): path.read_bytes()
        for path in archive.rglob("*")
        if path.is_file()
    }


def _kill_one(scratch: Path, killed: list[int], orphans: list[int]) -> None:
    """
    Wait until a worker has begun a run, and kill it: its name stands in the name of the run's folder.

    `orphans` gets what the worker had started: walls, zygote, chart servers, runs.
    """
    for _ in range(3000):
        for folder in scratch.glob(f"stadtbuch-{UNIT}-*/run/run.json"):
            killed.append(int(folder.parts[-3].rpartition("-")[0].rpartition("-")[2]))
            orphans += serving.below(killed[0])
            os.kill(killed[0], signal.SIGKILL)
            return
        threading.Event().wait(0.02)


def _walls(root: Path) -> list[tuple[str, list[str]]]:
    """Read what a city's runs say of their engine and their wall."""
    told = [
        json.loads(path.read_text(encoding="utf-8")) for path in (root / "var" / "runs").rglob("run.json")
    ]
    return [(one["engine"], one["wall"]) for one in told]


def test_a_worker_that_dies_changes_no_byte(tmp_path: Path, workers: Cluster, scratch: Path) -> None:
    """A worker is killed in the middle of a run: the archive, with the book's head in it, is that of one machine; runs
    stood behind the same wall there, and what the worker had started is gone with it.
    """
    made = a_city(tmp_path / "here", roles=ROLES)
    write_open_report(made.root)
    made.open().seal.sign(actor=made.open().actor, now=NOW)  # both have the same keys
    shutil.copytree(made.root, tmp_path / "there")
    there = City.open(settings.read(tmp_path / "there"), now=NOW, login="tester")
    killed: list[int] = []
    orphans: list[int] = []
    killer = threading.Thread(target=_kill_one, args=(scratch, killed, orphans))

    here = build.build(made.open())
    killer.start()
    away = build.build(there, crew=workers)
    killer.join()

    assert len(killed) == 1
    _wait(lambda: not any(map(serving.alive, orphans)))
    assert _walls(made.root) == _walls(tmp_path / "there")
    assert here["counts"] == away["counts"]
    assert here["counts"]["published"] == 1
    assert len(_editions(made.root)) > 5
    assert _editions(made.root) == _editions(tmp_path / "there")


def test_a_dead_worker_leaves_nothing(workers: Cluster, scratch: Path) -> None:
    """Its processes end with it, and the next unit removes its folder."""
    sweep(scratch)

    assert list(scratch.glob(f"stadtbuch-{UNIT}-*")) == []
    _wait(lambda: not _speaking_of(f"{scratch}/stadtbuch-{UNIT}-"))


def _speaking_of(word: str) -> list[int]:
    """Give the processes whose command line or environment holds a word."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if word.encode() in told:
            found.append(int(process.name))
    return found


def test_a_unit_that_kills_workers_fails_alone(tmp_path: Path, workers: Cluster) -> None:
    """It is tried a few times, the last of them alone; those who waited beside it get through."""
    requests = [a_request(tmp_path, name) for name in ("a", "deadly", "b", "c", "d")]

    results = run(replace(workers, perform=trivial), requests)

    assert {name: one.status for name, one in results.items()} == {
        "a": "ran", "deadly": "failed", "b": "ran", "c": "ran", "d": "ran",
    }  # fmt: skip
    failure = results["deadly"].failure()
    assert (failure.code, failure.exit_code) == ("cluster.lost", 1)
    assert (tmp_path / "a" / "notebook.ipynb").read_bytes() == NOTEBOOK


def test_the_cost_of_a_run_is_measured(root: Path, workers: Cluster, capsys: Any) -> None:
    """The measurement runs; what it prints for 5,000 runs is no promise of a test."""
    from benchmarks import cluster as measured

    rows = measured.report(replace(workers, perform=measured.trivial), [4, 8])

    assert [one["runs"] for one in rows] == [4, 8]
    assert "8 against 4 runs" in capsys.readouterr().out


# Who may work


def test_a_worker_with_other_packages_is_refused(tmp_path: Path, workers: Cluster) -> None:
    """Python, library or one package: before anything is sent, and again in each unit, by name and version."""
    told = json.loads(workers.terms)
    changes = {
        "pandas": {"packages": {**told["packages"], "pandas": "0.25.3"}},
        "stadtbuch": {"library": "f" * 64},
        "Python": {"python": "3.9.1"},
    }
    for name, change in changes.items():
        other = replace(workers, terms=json.dumps({**told, **change}))
        with pytest.raises(Refused) as refused:
            other.require_fit()
        assert (refused.value.code, refused.value.exit_code) == ("cluster.unfit", 3)
        assert f": {name} " in refused.value.what.en

    (result,) = run(other, [a_request(tmp_path)]).values()
    assert (result.status, result.failure().exit_code) == ("failed", 3)
    assert "Python" in result.failure().render("de")


def test_terms_name_what_the_lock_names(root: Path) -> None:
    """The packages of the lock file count, in the versions that are installed here."""
    packages = unit.terms(root)["packages"]

    assert {"pandas", "geopandas", "papermill"} <= packages.keys()
    assert "pytest" not in packages
    assert unit.unfit(json.dumps(unit.terms(root))) == ()


def test_closed_data_stay_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose inputs are not open is not sent; it runs on this machine."""
    asked: list[str] = []

    def locally(requests: list[Request], **more: Any) -> Iterator[Result]:
        asked.extend(one.name for one in requests)
        yield from (Result(one, "ran", 1.0) for one in requests)

    monkeypatch.setattr(execute, "locally", locally)
    crew = Cluster(None, Artefacts("memory://closed", KEY), "{}", takes_closed=False)

    results = run(crew, [a_request(tmp_path, restricted=True)])

    assert asked == ["a"]
    assert results["a"].ok


# What a worker sends back


def brought(tmp_path: Path, answer: Any, *, restricted: bool = False) -> Result:
    """Let the coordinator take an answer."""
    crew = Cluster(None, Artefacts((tmp_path / "shelf").as_uri(), KEY), "{}", takes_closed=False)
    request = a_request(tmp_path / "runs", restricted=restricted)
    return crew._result(request, answer(crew.shelf) if callable(answer) else answer)


def files(**changed: Any) -> Any:
    """Give an answer with one file."""

    def told(shelf: Artefacts) -> str:
        name = shelf.put(NOTEBOOK)
        record = [changed.get("piece", name), changed.get("size", len(NOTEBOOK))]
        return json.dumps({"status": "ran", "files": {changed.get("path", "notebook.ipynb"): record}})

    return told


def test_what_a_run_hands_out_is_taken(tmp_path: Path) -> None:
    """The counterpart of all refusals below."""
    for path in ("notebook.ipynb", "kernel.log", "outputs/figures/ages.de.svg", "outputs/results.json"):
        result = brought(tmp_path / path.replace("/", "-"), files(path=path))
        assert result.status == "ran"
        assert (result.folder / path).read_bytes() == NOTEBOOK
        assert (result.folder / path).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "answer",
    [
        *[
            files(path=path)
            for path in (
                "../x", "../../book.sqlite", "/tmp/x", "outputs/../../x", "outputs/..", "outputs/./x",
                "outputs//x", "outputs/.hidden", "run.json", "result.json", "inputs/a.parquet", "modules/a.py",
                "outputs/a\\b", "outputs/a\nb", "outputs/a\0b", "outputs/ä", "outputs", "", "outputs/" + "a" * 300,
                "outputs/a/b/c/d/e/f", "notebook.ipynb/x", "source.ipynb",
            )
        ],
        files(size=unit.PIECE + 1),
        files(size=3),
        files(size=-1),
        files(piece="0" * 64),
        files(piece="../../../etc/passwd"),
        files(piece=7),
        json.dumps({"status": "ran", "files": {f"outputs/{n}": ["0" * 64, 1] for n in range(unit.FILES + 1)}}),
        json.dumps({"status": "ran", "files": {f"outputs/{n}": ["0" * 64, unit.PIECE] for n in range(5)}}),
        json.dumps({"status": "ran", "files": {"outputs/x": {"link": "/etc/passwd"}}}),
        json.dumps({"status": "ran", "files": {}, "links": {"outputs/x": "/etc/passwd"}}),
        json.dumps({"status": "published"}),
        json.dumps({"status": "ran", "seconds": float("inf")}),
        json.dumps({"status": "failed", "error": {"type": "x y", "code": "a.b", "exit_code": 1}}),
        "not JSON",
        "[]",
        None,
    ],
)  # fmt: skip
def test_a_strange_answer_is_a_failed_run(tmp_path: Path, answer: Any) -> None:
    """Names that lead elsewhere, links, sizes that are too large or not true, other forms: nothing is written."""
    result = brought(tmp_path, answer)

    assert result.status == "failed"
    assert isinstance(result.failure(), StadtbuchError)
    assert [path for path in (tmp_path / "runs").rglob("*") if path.is_file()] == []
    assert not list(tmp_path.parent.glob("x"))


def test_a_worker_sends_no_links(tmp_path: Path) -> None:
    """A notebook that leaves a link, a pipe or a strange name in its outputs is refused where it ran."""
    makers = {
        "link": lambda at: (at / "x").symlink_to("/etc/passwd"),
        "folder": lambda at: (at / "x").symlink_to("/etc"),
        "pipe": lambda at: os.mkfifo(at / "x"),
        "name": lambda at: (at / "x y").write_text("x"),
    }
    for name, make in makers.items():
        (tmp_path / name / "outputs").mkdir(parents=True)
        make(tmp_path / name / "outputs")
        with pytest.raises(Refused) as refused:
            list(unit.handed_out(tmp_path / name))
        assert refused.value.code == "cluster.output"


# The way there


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("tcp://10.0.0.1:8786", "cluster.encryption"),
        ("tcp://cluster.example:8786", "cluster.encryption"),
        ("tcp://127.0.0.1.example:8786", "cluster.encryption"),
        ("cluster.example:8786", "cluster.address"),
        ("ws://127.0.0.1:8786", "cluster.address"),
        ("inproc://127.0.0.1/1/1", "cluster.address"),
        ("tls://cluster.example", "cluster.address"),
        ("tls://:8786", "cluster.address"),
        ("tls://cluster.example:99999", "cluster.address"),
        ("tls://user:secret@cluster.example:8786", "cluster.address"),
        ("remote", "cluster.address"),
        ("", "cluster.address"),
    ],
)
def test_only_this_machine_is_spoken_to_without_tls(tmp_path: Path, address: str, code: str) -> None:
    """A wrong address and an open line are refused before anything is sent."""
    made = a_city(tmp_path)
    with (
        pytest.raises(UsageError) as refused,
        cluster.opened(made.settings, made.open().state, address, jobs=1),
    ):
        pass
    assert refused.value.code == code
    assert "secret" not in refused.value.render("de")


class Authority:
    """A certificate authority that signs one certificate, written as files."""

    def __init__(self, folder: Path) -> None:
        """Make both."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        folder.mkdir()
        self.folder = folder
        names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, one)]) for one in ("ca", "node")]
        keys = [ec.generate_private_key(ec.SECP256R1()) for _ in names]
        now = datetime.now(UTC)
        for name, key in zip(names, keys, strict=True):
            certificate = (
                x509.CertificateBuilder().subject_name(name).issuer_name(names[0]).public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
                .add_extension(x509.BasicConstraints(ca=name is names[0], path_length=None), critical=True)
                .sign(keys[0], hashes.SHA256())
            )  # fmt: skip
            file = "ca.pem" if name is names[0] else "node.pem"
            (folder / file).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        written = keys[1].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / "node.key").write_bytes(written)
        (folder / "node.key").chmod(0o600)

    def toml(self, artefacts: Path) -> str:
        """Write the settings of a city that uses it."""
        files = {"ca": "ca.pem", "certificate": "node.pem", "key": "node.key"}
        lines = [f'{name} = "{self.folder / file}"' for name, file in files.items()]
        return "\n".join([TOML, "[cluster]", f'artefacts = "{artefacts.as_uri()}"', *lines])


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> list[Authority]:
    """Give two authorities that do not know each other."""
    folder = tmp_path_factory.mktemp("authorities")
    return [Authority(folder / name) for name in ("ours", "theirs")]


@pytest.fixture(scope="module")
def secured(authorities: list[Authority], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a scheduler that speaks TLS only, with one worker."""
    from distributed import LocalCluster

    made = a_city(
        tmp_path_factory.mktemp("secured") / "city", toml=authorities[0].toml(authorities[0].folder)
    )
    with (
        cluster._quiet(),
        LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            protocol="tls://",
            host="127.0.0.1",
            security=_for_all(cluster.certificates(made.settings)),
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
        ) as found,
    ):
        yield found.scheduler_address


def _for_all(client: Any) -> Any:
    """Give scheduler and workers the certificate of the client."""
    for role in ("scheduler", "worker"):
        setattr(client, f"tls_{role}_cert", client.tls_client_cert)
        setattr(client, f"tls_{role}_key", client.tls_client_key)
    return client


def test_with_certificates_of_one_authority_work_is_done(
    tmp_path: Path, authorities: list[Authority], secured: str
) -> None:
    """From the settings to the files of a run, over TLS."""
    made = a_city(tmp_path / "city", toml=authorities[0].toml(tmp_path))
    assert secured.startswith("tls://127.0.0.1:")
    with cluster.opened(made.settings, made.open().state, secured, jobs=1, perform=trivial) as crew:
        results = run(crew, [a_request(tmp_path)])

    assert results["a"].ok
    assert (tmp_path / "a" / "notebook.ipynb").read_bytes() == NOTEBOOK
    assert not list(tmp_path.rglob("stadtbuch-artefacts/*"))


def test_a_certificate_of_another_authority_is_refused(
    tmp_path: Path, authorities: list[Authority], secured: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build ends with a sentence; nothing was sent."""
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 2)
    made = a_city(tmp_path / "city", toml=authorities[1].toml(tmp_path))
    with (
        cluster.opened(made.settings, made.open().state, secured, jobs=1, perform=trivial) as crew,
        pytest.raises(Failed) as refused,
    ):
        run(crew, [a_request(tmp_path)])
    assert refused.value.code == "cluster.unreachable"


def test_a_scheduler_speaks_with_nobody_who_has_no_certificate(
    authorities: list[Authority], secured: str
) -> None:
    """Knowing the authority is not enough: both sides show a certificate."""
    host, _, port = secured.removeprefix("tls://").partition(":")
    context = ssl.create_default_context(cafile=str(authorities[0].folder / "ca.pem"))
    context.check_hostname = False

    def heard(context: ssl.SSLContext) -> bytes:
        with (
            socket.create_connection((host, int(port)), 10) as plain,
            context.wrap_socket(plain) as spoken,
        ):
            return spoken.recv(1)

    with pytest.raises((ssl.SSLError, ConnectionError)):
        heard(context)
    context.load_cert_chain(authorities[0].folder / "node.pem", authorities[0].folder / "node.key")
    assert heard(context)


def test_certificates_must_be_there_and_private(tmp_path: Path, authorities: list[Authority]) -> None:
    """A file that is missing, or a key that others can read, is told before anything is sent."""
    told = authorities[0].toml(tmp_path)
    key = tmp_path / "open.key"
    shutil.copy(authorities[0].folder / "node.key", key)
    key.chmod(0o644)
    for number, toml in enumerate(
        (
            told.replace("node.key", "none.key"),
            told.replace(str(authorities[0].folder / "node.key"), str(key)),
        )
    ):
        made = a_city(tmp_path / str(number), toml=toml)
        with (
            pytest.raises(UsageError) as refused,
            cluster.opened(made.settings, made.open().state, "tls://127.0.0.1:9", jobs=1),
        ):
            pass
        assert refused.value.code == "cluster.certificates"


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--cluster`` without Dask is a sentence, and nothing else needs it."""
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    made = a_city(tmp_path)
    with (
        pytest.raises(UsageError) as refused,
        cluster.opened(made.settings, made.open().state, "local", jobs=1),
    ):
        pass
    assert refused.value.code == "cluster.missing"
    assert "stadtbuch[cluster]" in refused.value.render("en")


# The page

SHELL = re.compile(r"^```(sh|toml|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_page_do_what_it_says(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commands that run on one machine are run; the settings that it shows are settings."""
    page = (root / "docs" / "how-to" / "cluster.md").read_text(encoding="utf-8").partition("## Recipes")[0]
    made = a_city(tmp_path)
    write_open_report(made.root)
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("STADTBUCH_LANGUAGE", "en")
    said: list[str] = []
    for kind, content in SHELL.findall(page):
        if kind == "text":
            assert content.strip() in said[-1]
        elif kind == "toml":
            settings.Cluster.model_validate(tomllib.loads(content)["cluster"])
        for line in content.splitlines() if kind == "sh" else []:
            code = main.main([*shlex.split(line, comments=True)[1:], "--now", "2026-01-15T09:00"])
            answer = capsys.readouterr()
            said.append(answer.out)
            assert code == (2 if "# code 2" in line else 0), f"{line}\n{answer.out}{answer.err}"
    assert len(said) == 4


# The end

PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
if __name__ == "__main__":
    from stadtbuch import settings
    from stadtbuch.runs import cluster
    from stadtbuch.state import State
    from unit.runs import test_cluster as tests
    folder = Path({folder!r})
    with cluster.opened(settings.read(Path({root!r})), State.open(folder / "var"), "local", jobs=1,
                        perform=tests.asleep) as crew:
        def started(request):
            (folder / "begun").touch()
        list(crew([tests.a_request(folder)], jobs=1, seconds=60, started=started))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.long  # what local commands leave is tried always
def test_no_worker_outlives_the_coordinator(root: Path, tmp_path: Path, how: signal.Signals) -> None:
    """Ctrl-C and ``kill -9`` of a build end the workers of a local cluster."""
    program = tmp_path / "program.py"
    program.write_text(
        PROGRAM.format(tests=str(root / "tests"), folder=str(tmp_path), root=str(root)), encoding="utf-8"
    )
    command = subprocess.Popen(
        [sys.executable, str(program)],
        env={
            "PYTHONPATH": str(Path(stadtbuch.__file__).parents[1]),
            "PATH": os.environ["PATH"],
            "TMPDIR": str(tmp_path),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(lambda: (tmp_path / "begun").exists() or command.poll() is not None)
        assert len(_speaking_of(str(tmp_path))) >= 2

        os.killpg(command.pid, how) if how is signal.SIGINT else command.kill()
        command.wait(60)

        _wait(lambda: not _speaking_of(str(tmp_path)))
    finally:
        command.kill()
        command.wait()


def _wait(ready: Any) -> None:
    """Wait for something that another process does."""
    for _ in range(600):
        if ready():
            return
        time.sleep(0.1)
    raise AssertionError("did not happen within a minute")
