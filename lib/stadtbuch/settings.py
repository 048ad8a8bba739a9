"""
``stadtbuch.toml``: what a city decides, each threshold with its reason and who decided it.

What a process is told from outside, by environment variables, stands in `stadtbuch.outside`.
"""

from __future__ import annotations

import re
import tomllib
from calendar import monthrange
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from stadtbuch.errors import Problem, SettingsError
from stadtbuch.outside import Environment, environment, handed_on
from stadtbuch.texts import Language, Text, same

FILE = "stadtbuch.toml"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_MAILBOX = r"^[^\s@<>,;]+@[^\s@<>,;]+$"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class City(_Frozen):
    """Name, official key, time zone and languages of the city."""

    name: str
    key: str
    timezone: str
    language: Language
    publisher: Text
    contact: str
    synthetic: bool = False
    claim: Text

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("unknown time zone") from None
        return value

    @property
    def zone(self) -> ZoneInfo:
        """Give the time zone in which dates are shown."""
        return ZoneInfo(self.timezone)


class Paths(_Frozen):
    """Folders, relative to the city's root."""

    data: str = "data"
    catalogs: str = "catalogs"
    notebooks: str = "notebooks"
    reports: str = "reports"
    state: str = "var"
    public: str = "public"


class Rules(_Frozen):
    """The version of the rule set, and when it is looked at again."""

    version: str
    reviewed: date
    review: date


class Threshold(_Frozen):
    """A number with its reason and the body that decided it."""

    value: int = Field(ge=0)
    reason: Text
    decided_by: str
    decided: date


class Thresholds(_Frozen):
    """
    The city's numbers for disclosure control.

    `min_count`: counts from 1 to one below it are not published. `min_count_sensitive`: the same for sensitive
    groups. `solver_nodes`: how many nodes the exact search may open; a count, not a time, so that the same
    table gives the same pattern on every machine. `rate_numerator`, `rate_denominator`: a rate needs so many cases with
    the feature and without it, among so many; 3 and 100 unless a city is stricter.
    """

    min_count: Threshold
    min_count_sensitive: Threshold
    solver_nodes: Threshold
    rate_numerator: Threshold | None = None
    rate_denominator: Threshold | None = None

    @property
    def values(self) -> dict[str, int]:
        """Give the numbers that the city decided, by name."""
        stated = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: one.value for name, one in stated.items() if one is not None}

    @model_validator(mode="after")
    def _never_looser(self) -> Thresholds:
        for one, least in ((self.rate_numerator, 3), (self.rate_denominator, 100)):
            if one is not None and one.value < least:
                raise ValueError(f"a threshold of rates is below {least}")
        return self


class Tables(_Frozen):
    """
    How tables are protected, beyond thresholds.

    `cost`: what a withheld cell costs, by its ``value``, its ``size`` (number of digits) or the same for every
    ``cell``. `concentration`: the file with the rules for sums, relative to the city's root; it is never public, and
    without it no sums are published.
    """

    cost: Literal["value", "size", "cell"] = "value"
    concentration: str = ""


class Dominance(_Frozen):
    """The `n` largest contributions may not be more than `k` per cent of a sum."""

    n: int = Field(ge=1, le=9)
    k: int = Field(ge=1, le=99)


class PPercent(_Frozen):
    """Nobody may estimate a contribution to within `p` per cent."""

    p: int = Field(ge=1, le=99)


class PQ(_Frozen):
    """Nobody who knows contributions to within `q` per cent may estimate one to within `p` per cent."""

    p: int = Field(ge=1, le=99)
    q: int = Field(ge=1, le=100)

    @model_validator(mode="after")
    def _narrower(self) -> PQ:
        if self.p >= self.q:
            raise ValueError("p is below q")
        return self


class Concentration(_Frozen):
    """The rules for sums, with their reason and the body that decided them. Who knows them can compute more."""

    reason: Text
    decided_by: str
    decided: date
    dominance: Dominance | None = None
    p_percent: PPercent | None = None
    pq: PQ | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Concentration:
        if not self.rules:
            raise ValueError("at least one rule")
        return self

    @property
    def rules(self) -> dict[str, dict[str, int]]:
        """Give the parameters of each rule that holds."""
        stated = {"dominance": self.dominance, "p_percent": self.p_percent, "pq": self.pq}
        return {name: one.model_dump() for name, one in stated.items() if one is not None}


class Allowed(_Frozen):
    """
    What catalogue entries may use beyond the built-in list.

    `purposes` gives the purposes that entries name their titles; one without a title is shown as its code.
    """

    hosts: tuple[str, ...] = ()
    domains: tuple[str, ...]
    purposes: dict[str, Text] = Field(default_factory=dict)

    def purpose(self, code: str) -> Text:
        """Give a purpose in words."""
        return self.purposes.get(code) or same(code.replace("-", " "))


class PublicSite(_Frozen):
    """
    Where readers find the public pages.

    `address`: the site's public address with its path, such as ``https://zahlen.example.org/stadtbuch/``. Pages link
    relatively and work without it; only the feed's links and the pages for errors need it.
    """

    address: str = Field(default="", pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$")

    @property
    def path(self) -> str:
        """
        Give the path below which the site lies on its server; always with a slash at both ends.

        Examples
        --------
        >>> PublicSite().path, PublicSite(address="https://example.org/zahlen").path
        ('/', '/zahlen/')
        """
        below = self.address.partition("://")[2].partition("/")[2].strip("/")
        return f"/{below}/" if below else "/"


class Submissions(_Frozen):
    """
    How the city deals with what citizens send in.

    `mailbox`: where to send it; without it the contact of the city. `decide`: the roles that accept, reject and
    withdraw. `keep_days`: how long after the decision the sender's address is kept.
    """

    mailbox: str = ""
    decide: tuple[str, ...] = ("editor", "head-of-statistics")
    keep_days: int = Field(default=90, ge=0, le=3650)


class LiveDashboards(_Frozen):
    """
    The live dashboards of ``stadtbuch serve``.

    `address`: where readers find them, on an origin of their own; empty means that the site's own server leads on
    to them. `seats`: how many visitors at once, each with a Python process; `idle_minutes`: after how long without
    any traffic such a process ends; `memory_mb`: how much memory one may use.
    """

    address: str = Field(default="", pattern=r"^(https?://[^\s/?#]+(/[^\s?#]*)?)?$")
    seats: int = Field(default=4, ge=1, le=200)
    idle_minutes: int = Field(default=10, ge=1, le=240)
    memory_mb: int = Field(default=1024, ge=256)


class Runs(_Frozen):
    """
    What one run of a notebook may use, and whether it needs a wall around it.

    `seconds`: by the clock on the wall, for all cells together; `cpu_seconds`: processor time; `memory_mb`: what it may
    hold beyond the libraries, both of all its processes where a control group counts them, else of each; `output_mb`:
    what it shows and its files together.
    `wall`: ``where-possible`` runs without a wall where the machine offers none, and says so in ``run.json``;
    ``required`` refuses there; ``none`` takes plain kernels everywhere.
    """

    seconds: float = Field(default=600.0, gt=0, le=86_400)
    cpu_seconds: int = Field(default=600, ge=1, le=86_400)
    memory_mb: int = Field(default=4096, ge=128)
    output_mb: int = Field(default=256, ge=1, le=65_536)
    wall: Literal["where-possible", "required", "none"] = "where-possible"


class Secret(_Frozen):
    """
    Where a password or an address that opens something stands: in a file, or in a variable of the environment.

    It never stands in ``stadtbuch.toml`` itself, which is in git.
    """

    file: str = ""
    environment: str = Field(default="", pattern=r"^([A-Z][A-Z0-9_]*)?$")

    @model_validator(mode="after")
    def _one_place(self) -> Secret:
        if bool(self.file) == bool(self.environment):
            raise ValueError("either file or environment")
        return self


class Mail(_Frozen):
    """
    Notification by mail.

    `security`: ``tls`` from the start, ``starttls``, or ``none`` on this machine only.
    """

    server: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "starttls"
    sender: str = Field(pattern=_MAILBOX)
    recipients: tuple[Annotated[str, Field(pattern=_MAILBOX)], ...] = Field(min_length=1)
    user: str = ""
    password: Secret | None = None

    @model_validator(mode="after")
    def _safe(self) -> Mail:
        if self.security == "none" and self.server not in LOOPBACK:
            raise ValueError("without encryption only a server on this machine")
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password belong together")
        return self


class Webhook(_Frozen):
    """
    Notification as JSON to an address: stated as such, or kept secret like a password.

    `token` is sent as ``Authorization: Bearer``.
    """

    address: str = ""
    secret_address: Secret | None = None
    token: Secret | None = None

    @model_validator(mode="after")
    def _one_address(self) -> Webhook:
        if bool(self.address) == (self.secret_address is not None):
            raise ValueError("either address or secret_address")
        if self.address and not is_safe_address(self.address):
            raise ValueError("https, or http on this machine")
        return self


class Notify(_Frozen):
    """
    Who is told what a tick met: in a file, by mail, or by a webhook; nobody if none of them is named.

    `events` says about what. `file` is relative to the city's root.
    """

    events: tuple[Literal["failed", "refused", "late", "awaiting-approval"], ...] = (
        "failed",
        "refused",
        "late",
        "awaiting-approval",
    )
    file: str = ""
    mail: Mail | None = None
    webhook: Webhook | None = None


class Network(_Frozen):
    """
    How the city's network is left: a proxy, and an authority of its own for certificates.

    `proxy`: ``http://host:port``, for webhooks. `ca_file`: certificates in PEM, relative to the city's root.
    `retries`: how often a source that is away for a moment is read again; `retry_seconds`: the first wait, each further
    one is twice as long.
    """

    proxy: str = Field(default="", pattern=r"^(https?://[^\s/@]+)?$")
    ca_file: str = ""
    retries: int = Field(default=2, ge=0, le=10)
    retry_seconds: float = Field(default=1.0, ge=0, le=600)


def is_safe_address(address: str) -> bool:
    """
    Tell whether something may be sent to an address: encrypted, or to this machine.

    Examples
    --------
    >>> [is_safe_address(one) for one in ("https://example.org/x", "http://localhost:8000/", "http://example.org/")]
    [True, True, False]
    """
    parts = urlsplit(address)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    )


Duration = Annotated[
    str, Field(pattern=r"^P(\d{1,3}Y(\d{1,3}M)?(\d{1,5}D)?|\d{1,3}M(\d{1,5}D)?|\d{1,4}W|\d{1,5}D)$")
]
"""A time as ISO 8601 writes it: P2Y, P90D, P1Y6M."""


class Retention(_Frozen):
    """
    How long the state keeps what nothing needs any more; `stadtbuch tidy` removes it then.

    `runs`: runs that no public or waiting edition and no dashboard was made from. `failed_runs`: runs that failed;
    their folders may hold an error's full text. `store`: snapshots and artefacts that nothing refers to. `logs`: lines
    of the log. `waiting`: editions that nobody approved. `actor_keys`: after the end of a year, its key that leads
    from entries of the book to people.
    """

    runs: Duration = "P90D"
    failed_runs: Duration = "P14D"
    store: Duration = "P30D"
    logs: Duration = "P180D"
    waiting: Duration = "P1Y"
    actor_keys: Duration = "P1Y"


def before(today: date, duration: str) -> date:
    """
    Give the day that lies a duration before another one; a day that a month lacks becomes its last one.

    Examples
    --------
    >>> march = date(2026, 3, 31)
    >>> before(march, "P1Y1M2D"), before(march, "P1M"), before(march, "P2W")
    (datetime.date(2025, 2, 26), datetime.date(2026, 2, 28), datetime.date(2026, 3, 17))
    """
    parts = {unit: int(number) for number, unit in re.findall(r"(\d+)([YMWD])", duration)}
    months = today.year * 12 + today.month - 1 - parts.get("Y", 0) * 12 - parts.get("M", 0)
    year, month = divmod(months, 12)
    if year < 1:
        return date.min
    day = min(today.day, monthrange(year, month + 1)[1])
    return date(year, month + 1, day) - timedelta(weeks=parts.get("W", 0), days=parts.get("D", 0))


class Cluster(_Frozen):
    """
    How runs get to other machines.

    `artefacts`: a folder that all of them reach, as fsspec writes it (``file:///mnt/stadtbuch``, ``s3://...``);
    `ca`, `certificate` and `key`: files for TLS, relative to the city's root; `closed`: whether runs that read data
    which are not open may be sent to them.
    """

    artefacts: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    closed: bool = False

    @property
    def files(self) -> dict[str, str]:
        """Give the three files for TLS."""
        return {"ca": self.ca, "certificate": self.certificate, "key": self.key}


class Energy(_Frozen):
    """
    Factors with which energy is estimated from processor time.

    `watts_per_core`: of a server that works, per core; `overhead`: what the building adds (power usage effectiveness);
    `source`: where the factors come from. The defaults are round assumptions of this project, not a measurement.
    """

    watts_per_core: float = Field(default=12.0, gt=0, le=500)
    overhead: float = Field(default=1.5, ge=1, le=5)
    source: Text = Text(
        de="Annahme: 12 Watt je Kern eines Servers unter Last, 1,5-fach für Kühlung und Verluste; nicht gemessen.",
        en="Assumption: 12 watts per core of a busy server, times 1.5 for cooling and losses; not measured.",
    )


class Settings(_Frozen):
    """All settings of one city; `root` is the folder that holds ``stadtbuch.toml``."""

    schema_version: Literal[1]
    root: Path = Field(exclude=True)
    city: City
    paths: Paths = Paths()
    rules: Rules
    thresholds: Thresholds
    tables: Tables = Tables()
    catalog: Allowed
    site: PublicSite = PublicSite()
    dashboards: LiveDashboards = LiveDashboards()
    submissions: Submissions = Submissions()
    runs: Runs = Runs()
    notify: Notify = Notify()
    network: Network = Network()
    retention: Retention = Retention()
    cluster: Cluster = Cluster()
    energy: Energy = Energy()

    def folder(self, name: Literal["data", "catalogs", "notebooks", "reports", "state", "public"]) -> Path:
        """Give the absolute path of one of the city's folders."""
        return self.root / getattr(self.paths, name)


def concentration(settings: Settings) -> Concentration | None:
    """
    Give the city's rules for sums, which stand in a file of their own; None if it has decided none.

    Raises
    ------
    SettingsError
        ``settings.concentration`` if the file cannot be read or holds mistakes: it names them, and no parameter.
    """
    if not settings.tables.concentration:
        return None
    try:
        path = settings.root / settings.tables.concentration
        return Concentration(**tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, one["loc"])) or "[dominance]" for one in error.errors())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError) as error:
        wrong = type(error).__name__
    raise SettingsError(
        "settings.concentration",
        Text(
            de=f"Die Datei mit den Konzentrationsregeln ist nicht gültig ({wrong}).",
            en=f"The file with the concentration rules is not valid ({wrong}).",
        ),
        remedy=Text(
            de="Berichtigen Sie die Datei, die tables.concentration in stadtbuch.toml nennt: Grund, Gremium, Datum und "
            "mindestens eine Regel (docs/anleitungen/protect.md).",
            en="Correct the file that tables.concentration in stadtbuch.toml names: reason, body, date and at least "
            "one rule (docs/how-to/protect.md).",
        ),
    )


def revealed(secret: Secret, *, root: Path) -> str:
    """
    Give what a secret says.

    Raises
    ------
    SettingsError
        ``settings.secret`` if the file cannot be read, others may read it, or the variable is not set.
    """
    try:
        found = (
            _from_file(root / secret.file)
            if secret.file
            else handed_on([secret.environment]).get(secret.environment, "")
        )
    except (OSError, UnicodeDecodeError):
        found = ""
    if not found:
        raise _no_secret(secret)
    return found


def _from_file(path: Path) -> str:
    """Read a file that is nobody else's business."""
    if path.stat().st_mode & 0o007:
        return ""
    return path.read_text(encoding="utf-8").strip()


def _no_secret(secret: Secret) -> SettingsError:
    place = secret.file or secret.environment
    return SettingsError(
        "settings.secret",
        Text(de=f"{place} gibt kein Geheimnis her.", en=f"{place} yields no secret."),
        why=Text(
            de="Die Datei fehlt, ist leer oder für alle lesbar, oder die Variable ist nicht gesetzt.",
            en="The file is missing, empty or readable by everybody, or the variable is not set.",
        ),
        remedy=Text(
            de="Legen Sie die Datei mit chmod 600 an oder setzen Sie die Variable im Dienst.",
            en="Make the file with chmod 600, or set the variable in the service.",
        ),
    )


def find(start: Path) -> Path:
    """
    Find the city's root: the nearest folder upwards that holds ``stadtbuch.toml``.

    Raises
    ------
    SettingsError
        If there is none.
    """
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise SettingsError(
        "settings.not-found",
        Text(de=f"Hier ist keine Stadt: {FILE} fehlt.", en=f"There is no city here: {FILE} is missing."),
        why=Text(
            de="Gesucht wurde im aktuellen Ordner und in allen darüber.",
            en="The current folder and all folders above it were searched.",
        ),
        remedy=Text(
            de="Wechseln Sie in den Ordner der Stadt oder geben Sie ihn mit --city an.",
            en="Change to the city's folder or name it with --city.",
        ),
    )


def read(root: Path) -> Settings:
    """
    Read and check the settings of a city.

    Raises
    ------
    SettingsError
        If the file is no TOML, is empty, or holds mistakes; all of them are named at once.
    """
    path = root / FILE
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong([Problem(FILE, None, "", _unreadable(error))]) from None
    if not content:
        empty = Text(de="Die Datei ist leer.", en="The file is empty.")
        raise _wrong([Problem(FILE, None, "", empty)])
    try:
        return Settings(root=root.resolve(), **content)
    except ValidationError as error:
        raise _wrong([_problem(one) for one in error.errors()]) from None
    except TypeError:
        twice = Text(de="Unerlaubter Schlüssel auf oberster Ebene.", en="A key at top level is not allowed.")
        raise _wrong([Problem(FILE, None, "root", twice)]) from None


def _unreadable(error: Exception) -> Text:
    """Tell why the file cannot be read as TOML."""
    if isinstance(error, tomllib.TOMLDecodeError):
        return Text(de=f"Das ist kein gültiges TOML: {error}", en=f"This is not valid TOML: {error}")
    return Text(
        de=f"Die Datei lässt sich nicht als UTF-8 lesen ({type(error).__name__}).",
        en=f"The file cannot be read as UTF-8 ({type(error).__name__}).",
    )


def _wrong(problems: list[Problem]) -> SettingsError:
    return SettingsError(
        "settings.invalid",
        Text(de="Die Einstellungen der Stadt sind nicht gültig.", en="The city's settings are not valid."),
        problems=problems,
        remedy=Text(
            de=f"Berichtigen Sie {FILE}; docs/reference/settings.md erklärt jeden Schlüssel.",
            en=f"Correct {FILE}; docs/reference/settings.md explains every key.",
        ),
    )


def _problem(error: Any) -> Problem:
    """Say one mistake that pydantic found in the words of people who write TOML."""
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        what = Text(de="fehlt", en="is missing")
    elif error["type"] == "extra_forbidden":
        what = Text(de="ist unbekannt", en="is unknown")
    else:
        what = Text(de=f"ist nicht gültig: {error['msg']}", en=f"is not valid: {error['msg']}")
    return Problem(
        FILE, None, place, what, _did_you_mean(error) if error["type"] == "extra_forbidden" else None
    )


def _did_you_mean(error: Any) -> Text | None:
    """Suggest the nearest known key."""
    models: dict[str, type[BaseModel]] = {
        "": Settings, "city": City, "paths": Paths, "rules": Rules, "thresholds": Thresholds, "catalog": Allowed,
        "tables": Tables,
        "site": PublicSite, "dashboards": LiveDashboards, "submissions": Submissions,
        "runs": Runs, "notify": Notify,
        "network": Network,
        "retention": Retention,
        "cluster": Cluster,
        "energy": Energy,
    }  # fmt: skip
    parent = models.get(str(error["loc"][0]) if len(error["loc"]) > 1 else "", Threshold)
    near = get_close_matches(str(error["loc"][-1]), list(parent.model_fields), n=1)
    return Text(de=f"meinten Sie {near[0]}?", en=f"did you mean {near[0]}?") if near else None


__all__ = ["Environment", "Settings", "environment", "find", "handed_on", "read", "same"]
