"""
The same plan on a cluster: Dask distributed carries orders and answers, everything else travels as sealed artefacts.

The coordinator is the only one that writes into the book, the archive and the runs' folders. What a worker sends back
is untrusted: names and sizes are checked, and files are written here, never unpacked. Whoever is a member of a cluster
can make the others do something (Dask's messages are Python objects): a certificate of the cluster's own authority is
the key to it, and no connection leaves this machine without TLS.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import queue
import re
import shutil
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stadtbuch import atomic
from stadtbuch.errors import Failed, Refused, StadtbuchError, UsageError
from stadtbuch.runs import execute, preload, unit, worker
from stadtbuch.runs.artefacts import Artefacts, new_key
from stadtbuch.runs.execute import Result
from stadtbuch.runs.plan import Request
from stadtbuch.settings import Runs, Settings
from stadtbuch.state import State
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from distributed import Client, Future

LOCAL = "local"
DEATHS = 0
"""How many deaths of workers a unit survives in a local cluster before it is tried once more, alone."""
PATIENCE = 600.0
"""Seconds without any worker after which a build gives up."""
ANSWER_SECONDS = 30
"""How long a scheduler may take to answer the first call."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Said(_Strict):
    text: str = Field(max_length=1000)
    why: str = Field(max_length=1000)
    remedy: str = Field(max_length=1000)


class _Error(_Strict):
    type: str = Field(pattern=r"^\w{1,80}$")
    cell: int | None = Field(default=None, ge=1, le=100_000)
    code: str = Field(pattern=r"^[a-z]{1,30}(\.[a-z-]{1,60})+$")
    exit_code: int = Field(ge=1, le=4)
    message: str | None = Field(default=None, max_length=300)
    de: _Said
    en: _Said


class _Answer(_Strict):
    """What a worker says of a unit, before a word of it is believed."""

    status: Literal["ran", "failed", "unfit"]
    seconds: float = Field(default=0.0, ge=0, le=1e7, allow_inf_nan=False)
    cpu_seconds: float | None = Field(default=None, ge=0, le=1e7, allow_inf_nan=False)
    engine: Literal["plain", "direct"] = "plain"
    wall: list[Annotated[str, Field(pattern=r"^[\w .:-]{1,60}$")]] = Field(
        default_factory=list, max_length=20
    )
    error: _Error | None = None
    files: dict[str, tuple[str, int]] = Field(default_factory=dict, max_length=unit.FILES)
    problems: list[str] = Field(default_factory=list, max_length=2000)


@dataclass(frozen=True)
class Cluster:
    """
    A crew (`execute.Crew`) on a cluster.

    Attributes
    ----------
    client
        Connected to the scheduler.
    shelf
        Where the pieces of this build are.
    terms
        What a worker must have, `unit.terms` as JSON.
    takes_closed
        Whether runs with inputs that are not open may be sent; else they run on this machine.
    perform
        What a worker does with an order.
    folder
        Where the units work, if all workers are on this machine; else each machine's folder for temporary files.
    limits
        What a run may use, and whether it needs a wall.
    """

    client: Client
    shelf: Artefacts
    terms: str = field(repr=False)
    takes_closed: bool
    perform: Callable[[str], str] = unit.perform
    folder: Path | None = None
    limits: Runs = field(default_factory=Runs)

    def __call__(
        self, requests: Sequence[Request], *, jobs: int, seconds: float, started: Callable[[Request], None]
    ) -> Iterator[Result]:
        """Run what is laid out: what may leave this machine on the cluster, the rest here."""
        here = [one for one in requests if one.restricted and not self.takes_closed]
        away = [one for one in requests if not one.restricted or self.takes_closed]
        with self._sent(away, seconds) as waiting:
            for request in away:
                started(request)
            # Meanwhile the cluster works.
            yield from execute.locally(
                here, jobs=jobs, seconds=seconds, started=started, wall=self.limits.wall
            )
            suspects = []
            for request, future in self._ended(waiting):
                answer = self._heard(future)
                if answer is None:
                    suspects.append(request)
                else:
                    yield self._result(request, answer)
        # Whoever was on a worker that died is under suspicion; alone, each shows what it is.
        for request in suspects:
            with self._sent([request], seconds) as waiting:
                yield from (self._result(one, self._heard(future)) for one, future in self._ended(waiting))

    def require_fit(self) -> None:
        """
        Ask the workers that are there whether they have what the coordinator has.

        Raises
        ------
        Refused
            ``cluster.unfit``, before anything was started.
        """
        found: Mapping[str, Any] = self.client.run(unit.unfit, self.terms, on_error="return")
        for answer in found.values():
            if isinstance(answer, BaseException):
                raise _unfit((f"stadtbuch – ({type(answer).__name__})",))
            if answer:
                raise _unfit(answer)

    @contextmanager
    def _sent(
        self, requests: Sequence[Request], seconds: float
    ) -> Iterator[dict[str, tuple[Request, Future]]]:
        """Send orders; whatever is not done when the caller leaves is called off."""
        terms = self.shelf.put(self.terms.encode())
        sent = {}
        try:
            for request in requests:
                order = self._order(request, terms=terms, seconds=seconds)
                future = self.client.submit(self.perform, order, pure=False)
                sent[str(future.key)] = (request, future)
            yield sent
        finally:
            with suppress(Exception):  # the connection may be gone, and with it what there was to call off
                self.client.cancel([future for _, future in sent.values() if not future.done()])

    def _order(self, request: Request, *, terms: str, seconds: float) -> str:
        """Write the order for one run: plain text, and small; its pieces are on the shelf."""
        told = {
            "info": dict(request.info),
            "restricted": request.restricted,
            "notebook": request.notebook,
            "inputs": {path: self.shelf.put(data) for path, data in request.inputs.items()},
            "modules": {path: self.shelf.put(data) for path, data in request.modules.items()},
        }
        return json.dumps(
            {
                "artefacts": self.shelf.address,
                "key": b64encode(self.shelf.key).decode(),
                "terms": terms,
                "request": self.shelf.put(json.dumps(told, ensure_ascii=False).encode()),
                "seconds": seconds,
                "limits": self.limits.model_dump(),
                "folder": str(self.folder) if self.folder else None,
            }
        )

    def _ended(self, sent: Mapping[str, tuple[Request, Future]]) -> Iterator[tuple[Request, Future]]:
        """Give the units as they end."""
        ended: queue.Queue[Future] = queue.Queue()
        for _, future in sent.values():
            future.add_done_callback(ended.put)
        for _ in range(len(sent)):
            yield sent[str(self._next(ended).key)]

    def _next(self, ended: queue.Queue[Future]) -> Future:
        """Wait for a unit to end, as long as there is somebody who works."""
        while True:
            with suppress(queue.Empty):
                return ended.get(timeout=PATIENCE)
            self._require_workers()

    def _heard(self, future: Future) -> str | None:
        """
        Give the answer of a unit; nothing if it was lost with its worker.

        An answer whose worker died after the unit had ended is made again by Dask, so this can take a while.
        """
        while future.status in ("finished", "pending"):
            try:
                return str(future.result(timeout=PATIENCE))
            except TimeoutError:
                self._require_workers()
            except Exception:  # noqa: BLE001 - whatever was raised on the way, there is no answer
                return None
        return None

    def _require_workers(self) -> None:
        if not self.client.scheduler_info().get("workers"):
            raise _no_workers()

    def _result(self, request: Request, told: str | None) -> Result:
        """Turn what was heard of a unit into the result of its run; what has another form is not believed."""
        try:
            if told is None:
                raise _lost()
            answer = _understood(told)
            if answer.status == "unfit":
                raise _unfit(answer.problems)
            self._bring_home(answer, request.folder)
        except StadtbuchError as problem:
            return Result(request, "failed", 0.0, unit.told(problem))
        used = answer.cpu_seconds
        if answer.status == "ran":
            return Result(request, "ran", answer.seconds, cpu_seconds=used)
        error = answer.error.model_dump(exclude_none=True) if answer.error else unit.told(_lost())
        return Result(request, "failed", answer.seconds, {"cell": None, **error}, cpu_seconds=used)

    def _bring_home(self, answer: _Answer, folder: Path) -> None:
        """
        Write the files of a run into its folder, which was laid out here.

        Raises
        ------
        Refused
            ``cluster.output`` if a name or a size is not what a run hands out.
        """
        if unit.is_too_much([size for _, size in answer.files.values()]):
            raise unit.strange_output()
        if not all(map(unit.is_harmless, answer.files)):
            raise unit.strange_output()
        with atomic.telling("runs"):
            for path, (name, size) in answer.files.items():
                target = folder / path
                if not target.parent.resolve().is_relative_to(folder.resolve()) or target.is_symlink():
                    raise unit.strange_output()
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                atomic.write(target, self.shelf.get(name, limit=size), mode=0o600)
            _note(folder / worker.INFO, engine=answer.engine, wall=answer.wall)


@contextmanager
def opened(
    settings: Settings,
    state: State,
    address: str,
    *,
    jobs: int,
    key: bytes | None = None,
    perform: Callable[[str], str] = unit.perform,
) -> Iterator[execute.Crew]:
    """
    Give the crew of a cluster for the time of a build; it connects, or starts, when there is something to run.

    Parameters
    ----------
    settings
        ``[cluster]``: certificates, the artefacts' address, whether closed data may be sent.
    state
        Where a local cluster has its artefacts; private, like all of it.
    address
        ``local``, or that of a Dask scheduler: ``tls://host:port``; ``tcp://`` on this machine only.
    jobs
        How many workers a local cluster has.
    key
        What seals the artefacts; drawn if left out.
    perform
        What a worker does with an order.

    Raises
    ------
    UsageError
        ``cluster.missing`` without the extra, ``cluster.address``, ``cluster.encryption``, ``cluster.certificates``,
        ``cluster.artefacts-address``.
    Busy
        If another command of this city uses a cluster.
    """
    _require_installed()
    way = _way(settings, state, address, jobs=jobs, key=key or new_key())
    there: list[Cluster] = []
    with state.lock("cluster", command="stadtbuch build --cluster"), ExitStack() as stack:

        def crew(
            requests: Sequence[Request], *, jobs: int, seconds: float, started: Callable[[Request], None]
        ) -> Iterator[Result]:
            if requests and not there:
                cluster = stack.enter_context(connected(way, settings))
                there.append(replace(cluster, perform=perform))
            return there[0](requests, jobs=jobs, seconds=seconds, started=started) if requests else iter(())

        yield crew


@dataclass(frozen=True)
class Way:
    """How to reach a cluster: the connection, where the pieces lie, and the folder if it is this machine."""

    connection: AbstractContextManager[Client]
    shelf: Artefacts
    takes_closed: bool
    folder: Path | None = None


def _way(settings: Settings, state: State, address: str, *, jobs: int, key: bytes) -> Way:
    """Check an address and what the settings say about the way to it."""
    if address == LOCAL:
        return way_within(state.folder("spool") / "cluster", jobs=jobs, key=key)
    require_address(address)
    told = settings.cluster
    if not told.artefacts:
        raise _no_artefacts()
    security = certificates(settings) if address.startswith("tls://") else None
    shelf = Artefacts(f"{told.artefacts.rstrip('/')}/{settings.city.key}", key)
    return Way(_client(address, security), shelf, takes_closed=told.closed and security is not None)


def way_within(folder: Path, *, jobs: int, key: bytes) -> Way:
    """Give the way to workers on this machine, which leave nothing outside of a private folder."""
    return Way(_started(jobs, folder), Artefacts(folder.as_uri(), key), takes_closed=True, folder=folder)


@contextmanager
def connected(way: Way, settings: Settings) -> Iterator[Cluster]:
    """
    Keep a cluster for the time of a build; the shelf is empty before and after.

    Raises
    ------
    Failed
        ``cluster.unreachable``.
    Refused
        ``cluster.unfit``.
    """
    terms = json.dumps(unit.terms(settings.root))
    with _quiet(), ExitStack() as stack:
        way.shelf.clear()
        stack.callback(way.shelf.clear)
        client = stack.enter_context(way.connection)
        cluster = Cluster(client, way.shelf, terms, way.takes_closed, folder=way.folder, limits=settings.runs)
        cluster.require_fit()
        yield cluster


@contextmanager
def _started(jobs: int, folder: Path) -> Iterator[Client]:
    """
    Start workers on this machine; they end with us, however we end.

    The connections are encrypted here as well: another user of this machine could otherwise give our workers orders.
    """
    import dask  # noqa: PLC0415 - an extra
    from distributed import Client, LocalCluster  # noqa: PLC0415 - an extra

    shutil.rmtree(folder, ignore_errors=True)  # of a build that was killed
    folder.mkdir(mode=0o700)
    wishes = {
        "temporary-directory": str(folder),
        "distributed.deploy.lost-worker-timeout": f"{PATIENCE:.0f}s",  # on a busy machine a new one takes its time
        "distributed.scheduler.allowed-failures": DEATHS,
        "distributed.scheduler.worker-saturation": 1.0,  # nobody waits at a worker that may die
        "distributed.scheduler.http.routes": [],  # no pages about what runs here
        "distributed.worker.http.routes": [],
        "distributed.worker.daemon": False,
        "distributed.worker.preload": [preload.__name__],
        "distributed.diagnostics.computations.max-history": 0,
    }
    try:
        with (
            dask.config.set(wishes),
            LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                security=True,
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
                memory_limit=0,
                local_directory=str(folder),
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            yield client
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _client(address: str, security: Any) -> Iterator[Client]:
    """Connect to a scheduler that runs somewhere."""
    from distributed import Client  # noqa: PLC0415 - an extra

    try:
        client = Client(address, security=security, timeout=ANSWER_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError):
        raise _unreachable(address) from None
    with client:
        yield client


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what Dask says about workers that come and go away from people: every run's end is told."""
    loud = [logging.getLogger(name) for name in ("distributed", "asyncio", "tornado")]
    before = [one.level for one in loud]
    for one in loud:
        one.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for one, level in zip(loud, before, strict=True):
            one.setLevel(level)


def require_address(address: str) -> None:
    """
    Refuse an address that is none, and one that leaves this machine without TLS.

    Raises
    ------
    UsageError
        ``cluster.address``, ``cluster.encryption``.

    Examples
    --------
    >>> require_address("tls://cluster.example:8786"), require_address("tcp://127.0.0.1:8786")
    (None, None)
    >>> require_address("tcp://cluster.example:8786")  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    UsageError: ...
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _no_address(address) from None
    plain = not (parts.path or parts.query or parts.fragment or parts.username)
    if parts.scheme not in ("tcp", "tls") or not host or port is None or not plain:
        raise _no_address(address)
    if parts.scheme == "tcp" and not _is_this_machine(host):
        raise _unencrypted()


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def certificates(settings: Settings) -> Any:
    """
    Give Dask the certificates of the settings.

    Raises
    ------
    UsageError
        ``cluster.certificates`` if one is missing, or others can read the key.
    """
    from distributed.security import Security  # noqa: PLC0415 - an extra

    told = settings.cluster
    paths = {name: settings.root / value for name, value in told.files.items() if value}
    if len(paths) < 3 or not all(path.is_file() for path in paths.values()):
        raise _no_certificates()
    if paths["key"].stat().st_mode & 0o077:
        raise _open_key()
    return Security(
        require_encryption=True,
        tls_ca_file=str(paths["ca"]),
        tls_client_cert=str(paths["certificate"]),
        tls_client_key=str(paths["key"]),
    )


def _understood(told: str) -> _Answer:
    try:
        return _Answer.model_validate_json(told)
    except ValidationError:
        raise unit.strange_output() from None


def _note(path: Path, **told: Any) -> None:
    """Note in ``run.json`` how a run was executed where that was."""
    if path.exists():
        info = json.loads(path.read_text(encoding="utf-8")) | told
        atomic.write(path, (json.dumps(info, ensure_ascii=False, indent=1) + "\n").encode(), mode=0o600)


def _require_installed() -> None:
    if find_spec("distributed") is None:
        raise UsageError(
            "cluster.missing",
            Text(
                de="Für ein Cluster fehlt Dask distributed.", en="Dask distributed is missing for a cluster."
            ),
            remedy=Text(
                de="Installieren Sie den Zusatz: pip install 'stadtbuch[cluster]', auf jedem Rechner des Clusters.",
                en="Install the extra: pip install 'stadtbuch[cluster]', on each machine of the cluster.",
            ),
        )


def _no_address(address: str) -> UsageError:
    shown = re.sub(r"//[^@/]*@", "//", address)[:80]
    return UsageError(
        "cluster.address",
        Text(de=f"{shown} ist keine Adresse eines Clusters.", en=f"{shown} is no address of a cluster."),
        remedy=Text(
            de="Schreiben Sie local, oder tls://rechner:port des Dask-Schedulers.",
            en="Write local, or tls://host:port of the Dask scheduler.",
        ),
    )


def _unencrypted() -> UsageError:
    return UsageError(
        "cluster.encryption",
        Text(
            de="tcp:// ist unverschlüsselt und nur auf diesem Rechner erlaubt.",
            en="tcp:// is not encrypted and allowed on this machine only.",
        ),
        why=Text(
            de="Wer mithört, könnte den Rechnern Aufträge geben und Ergebnisse fälschen.",
            en="Whoever listens could give the machines orders and forge results.",
        ),
        remedy=Text(
            de="Starten Sie Scheduler und Worker mit Zertifikaten und schreiben Sie tls:// (docs: how-to/cluster).",
            en="Start scheduler and workers with certificates and write tls:// (docs: how-to/cluster).",
        ),
    )


def _no_certificates() -> UsageError:
    return UsageError(
        "cluster.certificates",
        Text(
            de="Für tls:// fehlen Zertifikate: cluster.ca, cluster.certificate und cluster.key.",
            en="Certificates for tls:// are missing: cluster.ca, cluster.certificate and cluster.key.",
        ),
        remedy=Text(
            de="Nennen Sie alle drei Dateien in stadtbuch.toml (docs: how-to/cluster).",
            en="Name all three files in stadtbuch.toml (docs: how-to/cluster).",
        ),
    )


def _open_key() -> UsageError:
    return UsageError(
        "cluster.certificates",
        Text(
            de="Den Schlüssel cluster.key können auch andere lesen.",
            en="Others can read the key cluster.key as well.",
        ),
        why=Text(
            de="Wer ihn hat, kann allen Rechnern des Clusters Aufträge geben.",
            en="Whoever has it can give orders to all machines of the cluster.",
        ),
        remedy=Text(de="chmod 600 für diese Datei.", en="chmod 600 for this file."),
    )


def _no_artefacts() -> UsageError:
    return UsageError(
        "cluster.artefacts-address",
        Text(
            de="Es ist nicht gesagt, worüber die Rechner des Clusters Dateien austauschen.",
            en="It is not said by which way the machines of the cluster exchange files.",
        ),
        remedy=Text(
            de="Setzen Sie cluster.artefacts auf einen Ordner, den alle erreichen: file:///mnt/..., s3://...",
            en="Set cluster.artefacts to a folder that all of them reach: file:///mnt/..., s3://...",
        ),
    )


def _unreachable(address: str) -> Failed:
    return Failed(
        "cluster.unreachable",
        Text(de=f"Von {address} kommt keine Antwort.", en=f"There is no answer from {address}."),
        why=Text(
            de="Dort läuft kein Scheduler, oder er und dieser Rechner nehmen ihre Zertifikate nicht an.",
            en="No scheduler runs there, or it and this machine do not accept each other's certificates.",
        ),
        remedy=Text(
            de="Prüfen Sie Adresse und Zertifikate; ohne --cluster baut dieser Rechner allein.",
            en="Check the address and the certificates; without --cluster this machine builds alone.",
        ),
    )


def _unfit(problems: Sequence[str]) -> Refused:
    named = unit.spoken([one[:120] for one in problems])
    return Refused(
        "cluster.unfit",
        Text(
            de=f"Ein Rechner des Clusters ist anders ausgestattet als dieser: {named}.",
            en=f"A machine of the cluster is equipped differently from this one: {named}.",
        ),
        why=Text(
            de="Seine Ergebnisse wären andere, als der Laufschlüssel verspricht.",
            en="Its results would be other than the run key promises.",
        ),
        remedy=Text(
            de="Installieren Sie dort dieselbe Fassung aus requirements/runtime.lock und cluster.lock.",
            en="Install the same version there, from requirements/runtime.lock and cluster.lock.",
        ),
    )


def _lost() -> Failed:
    return Failed(
        "cluster.lost",
        Text(
            de="Der Lauf ging auf dem Cluster mehrmals verloren.",
            en="The run was lost on the cluster several times.",
        ),
        why=Text(
            de="Die Rechner, die ihn ausführten, sind ausgefallen oder gaben keine brauchbare Antwort.",
            en="The machines that executed it failed, or gave no usable answer.",
        ),
        remedy=Text(
            de="Bauen Sie diesen Bericht ohne --cluster; scheitert er auch dann, liegt es am Notebook.",
            en="Build this report without --cluster; if it fails then too, it is the notebook.",
        ),
    )


def _no_workers() -> Failed:
    return Failed(
        "cluster.no-workers",
        Text(de="Am Cluster ist kein Rechner mehr.", en="There is no machine left in the cluster."),
        remedy=Text(
            de="Starten Sie Worker und wiederholen Sie den Befehl; was fertig war, bleibt.",
            en="Start workers and repeat the command; what was finished stays.",
        ),
    )
