"""
What the code of a notebook says about itself, read from the syntax tree without running any of it (pure).

Found are facts by cell: datasets asked for, imports, calls that leave the notebook, lines for the shell. Names and
texts are followed as far as they are constant (`folder`): ``"mobility." + NAME``, f-strings, ``.format``, ``.join``.
What cannot be followed is said to be unknown, never guessed: the sandbox, not this reading, keeps harm away.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from stadtbuch.submissions.notebooks import Cell

MAX_SOURCE = 200_000
MAX_NESTING = 100
MAX_FOLDING = 30
MAX_TEXT = 2_000

DATASET = re.compile(r"[a-z][a-z0-9-]{0,60}\.[a-z][a-z0-9_-]{0,60}")
_DOWNLOAD = re.compile(r"/datasets/([a-z][a-z0-9-]{0,60}\.[a-z][a-z0-9_-]{0,60})/")
_ADDRESS = re.compile(r"^\s*(?:https?|ftps?|s3|gs|ssh|wss?)://", re.IGNORECASE)
_SHELL = re.compile(r"^(\s*)(?:[A-Za-z_][\w., ]{0,100}=\s*)?(%{1,2}|!{1,2}|\?{1,2})\s{0,5}(\w{0,40})")
_HELP = re.compile(r"^(\s*)[\w.]{1,100}\?{1,2}\s*$")
_BRACKET = re.compile(r"[\[({]|[\])}]")
_UNARY = re.compile(r"(?:[-+~]\s{0,3}){200}|(?:\bnot\s{1,3}){200}|(?:\blambda\b[^:\n]{0,5}:\s{0,3}){90}")


def named(words: str) -> frozenset[str]:
    """Read a set of names from one line."""
    return frozenset(words.split())


NETWORK = named(
    """socket ssl requests httpx aiohttp urllib3 ftplib smtplib imaplib poplib telnetlib websockets websocket
    paramiko xmlrpc socketserver selenium playwright boto3 pycurl"""
)
PROCESSES = named("subprocess pty multiprocessing signal ctypes cffi resource pexpect sh psutil")
FILES = named("shutil glob tempfile fileinput mmap zipfile tarfile sqlite3")
PACKED = named("pickle marshal dill cloudpickle shelve joblib")
DYNAMIC = named("eval exec compile __import__ globals locals vars")
HIDDEN = named(
    "__builtins__ __globals__ __subclasses__ __bases__ __mro__ __code__ __loader__ __getattribute__"
)
SHELL_CALLS = named(
    "system popen fork forkpty execv execve execl execlp execvp spawnl spawnv spawnlp posix_spawn kill"
)
MAGIC_CALLS = named("get_ipython run_line_magic run_cell_magic getoutput")
READERS = named(
    """open read_csv read_excel read_json read_parquet read_table read_html read_xml read_pickle read_feather
    read_fwf read_hdf read_sql read_file read_text read_bytes loadtxt genfromtxt fromfile imread
    open_catalog open_csv"""
)
WRITERS = named(
    "to_csv to_excel to_json to_parquet to_pickle to_file savefig write_text write_bytes tofile save savetxt"
)
OTHER_LOADERS = named("np numpy json yaml toml tomllib pickle marshal joblib torch")
HARMLESS_MAGICS = named("matplotlib time timeit precision config load_ext pylab")


@dataclass(frozen=True, slots=True)
class Asked:
    """A dataset that a cell asks for: by its id, or by something that only a run would tell (None)."""

    cell: int
    dataset: str | None
    how: str


@dataclass(slots=True)
class Facts:
    """What was found, kind by kind: the numbers of the cells it stands in, or names with their cells."""

    asked: list[Asked] = field(default_factory=list)
    imports: dict[str, set[int]] = field(default_factory=dict)
    seen: dict[str, set[int]] = field(default_factory=dict)
    unreadable: set[int] = field(default_factory=set)

    def note(self, kind: str, cell: int) -> None:
        """Remember that something of a kind stands in a cell."""
        self.seen.setdefault(kind, set()).add(cell)


def read(cells: Iterable[Cell]) -> Facts:
    """
    Read all code cells in their order; a name bound in one cell to a constant is known in the later ones.

    Examples
    --------
    >>> found = read([Cell(1, "code", 'NAME = "counters"'), Cell(2, "code", 'city.load(f"mobility.{NAME}")')])
    >>> [(one.dataset, one.cell) for one in found.asked]
    [('mobility.counters', 2)]
    >>> sorted(read([Cell(1, "code", "!ls /")]).seen)
    ['shell']
    """
    facts, folder, catalogs = Facts(), Folder(), set[str]()
    trees = [(cell.number, tree) for cell in cells if (tree := _tree(cell, facts))]
    bound = _bound(tree for _, tree in trees)
    for number, tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                _learn(node, folder, catalogs, bound)
            for kind in _kinds(node, folder):
                facts.note(kind, number)
            for name in _imported(node):
                facts.imports.setdefault(name, set()).add(number)
            facts.asked += (Asked(number, dataset, how) for dataset, how in _datasets(node, folder, catalogs))
    return facts


# ---- from text to tree --------------------------------------------------------------------------------


def _tree(cell: Cell, facts: Facts) -> ast.Module | None:
    """Parse a cell; lines for the shell and magics are noted and taken out first, if it needs that."""
    source = cell.source
    if len(source) > MAX_SOURCE or _nested(source) or _UNARY.search(source):
        facts.unreadable.add(cell.number)
        return None
    if source.lstrip().startswith("%%"):
        return _cell_magic(source, cell.number, facts)
    tree = _parsed(source)
    if tree is None:
        tree = _parsed("\n".join(_without_magic(line, cell.number, facts) for line in source.split("\n")))
    if tree is None:
        facts.unreadable.add(cell.number)
    return tree


def _nested(source: str) -> bool:
    """Tell whether brackets go deeper than any parser should be asked to follow; strings count, too."""
    depth = deepest = 0
    for sign in _BRACKET.finditer(source):
        depth += 1 if sign[0] in "[({" else -1
        deepest = max(deepest, depth)
    return deepest > MAX_NESTING


def _parsed(source: str) -> ast.Module | None:
    """Parse Python; nothing where it is none, or where the parser gives up."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a doubtful escape in a text of the sender is not our warning
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _cell_magic(source: str, number: int, facts: Facts) -> ast.Module | None:
    """Note a magic over a whole cell; the rest is Python only after a few of them."""
    first, _, rest = source.lstrip().partition("\n")
    name = (re.match(r"%%\s{0,3}(\w{0,40})", first) or ["", ""])[1]
    facts.note("harmless-magic" if name in HARMLESS_MAGICS else "magic", number)
    return _parsed(rest) if name in HARMLESS_MAGICS | {"capture"} else None


def _without_magic(line: str, number: int, facts: Facts) -> str:
    match = _SHELL.match(line[:300])
    if match:
        sign, name = match[2], match[3]
        kind = (
            "shell"
            if "!" in sign
            else "harmless-magic"
            if name in HARMLESS_MAGICS or "?" in sign
            else "magic"
        )
        facts.note(kind, number)
        return f"{match[1]}pass"
    help_asked = _HELP.match(line[:300])
    return f"{help_asked[1]}pass" if help_asked else line


# ---- constants ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Folder:
    """Folds expressions that are constant texts; names are known if they are bound once, to a constant."""

    names: dict[str, str] = field(default_factory=dict)

    def text(self, node: ast.expr | None, depth: int = 0) -> str | None:
        """
        Give the text that an expression always has; None where only a run would tell.

        Examples
        --------
        >>> Folder({"X": "b"}).text(ast.parse('"a." + X + "{}".format("c")', mode="eval").body)
        'a.bc'
        """
        if node is None or depth > MAX_FOLDING:
            return None
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) and len(node.value) <= MAX_TEXT else None
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.JoinedStr):
            return self._joined([self._piece(one, depth) for one in node.values])
        if isinstance(node, ast.BinOp):
            return self._binary(node, depth)
        return self._call(node, depth) if isinstance(node, ast.Call) else None

    def _piece(self, node: ast.expr, depth: int) -> str | None:
        if isinstance(node, ast.FormattedValue):
            return (
                None
                if node.format_spec or node.conversion not in (-1, 115)
                else self.text(node.value, depth + 1)
            )
        return self.text(node, depth + 1)

    def _binary(self, node: ast.BinOp, depth: int) -> str | None:
        left = self.text(node.left, depth + 1)
        if isinstance(node.op, ast.Add):
            return self._joined([left, self.text(node.right, depth + 1)])
        if isinstance(node.op, ast.Mod) and left is not None:
            values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
            return self._filled(left.split("%s"), [self.text(one, depth + 1) for one in values])
        return None

    def _call(self, node: ast.Call, depth: int) -> str | None:
        """Fold ``"".join([...])``, ``"{}".format(...)``, ``.lower()``, ``.strip()``."""
        if not isinstance(node.func, ast.Attribute) or node.keywords:
            return None
        text = self.text(node.func.value, depth + 1)
        if text is None:
            return None
        given = (
            node.args[0].elts if node.args and isinstance(node.args[0], ast.List | ast.Tuple) else node.args
        )
        values = [self.text(one, depth + 1) for one in given]
        if node.func.attr == "join" and values:
            return self._filled(["", *[text] * (len(values) - 1), ""], values)
        if node.func.attr == "format":
            return self._filled(text.split("{}"), values)
        if node.func.attr in ("lower", "strip") and not values:
            return text.lower() if node.func.attr == "lower" else text.strip()
        return None

    def _filled(self, between: list[str], values: list[str | None]) -> str | None:
        if len(between) != len(values) + 1:
            return None
        pieces: list[str | None] = [between[0]]
        for value, after in zip(values, between[1:], strict=True):
            pieces += [value, after]
        return self._joined(pieces)

    def _joined(self, pieces: list[str | None]) -> str | None:
        if any(one is None for one in pieces):
            return None
        made = "".join(one for one in pieces if one is not None)
        return made if len(made) <= MAX_TEXT else None


def _bound(trees: Iterable[ast.Module]) -> Mapping[str, int]:
    """Count how often each name is bound anywhere: only what is bound once is followed."""
    counted: dict[str, int] = {}
    for tree in trees:
        for node in ast.walk(tree):
            name = node.id if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) else None
            name = node.arg if isinstance(node, ast.arg) else name
            if name:
                counted[name] = counted.get(name, 0) + 1
    return counted


def _learn(node: ast.Assign, folder: Folder, catalogs: set[str], bound: Mapping[str, int]) -> None:
    """Remember a name that is always the same text, or an opened Intake catalogue."""
    for target in node.targets:
        if not isinstance(target, ast.Name) or bound.get(target.id) != 1:
            continue
        text = folder.text(node.value)
        if text is not None:
            folder.names[target.id] = text
        if isinstance(node.value, ast.Call) and _last(node.value.func).startswith("open_"):
            catalogs.add(target.id)


# ---- what a node says ---------------------------------------------------------------------------------


def _last(node: ast.expr) -> str:
    """Give the last name of ``a.b.c`` or ``c``."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _imported(node: ast.AST) -> Iterator[str]:
    """Give the packages that a node imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module.partition(".")[0]


def _datasets(node: ast.AST, folder: Folder, catalogs: set[str]) -> Iterator[tuple[str | None, str]]:
    """Give the datasets that a node asks for: ``.load("a.b")``, ``catalog["a.b"]``, addresses of downloads."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "load":
        yield from _loaded(node, folder)
    elif isinstance(node, ast.Subscript) and _last(node.value) in catalogs:
        yield folder.text(node.slice), "catalog"
    elif (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and _last(node.value.value) in catalogs
    ):
        yield f"{node.value.attr}.{node.attr}", "catalog"
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        found = _DOWNLOAD.search(node.value[:MAX_TEXT])
        if found:
            yield found[1], "download"


def _loaded(node: ast.Call, folder: Folder) -> Iterator[tuple[str | None, str]]:
    """Read ``city.load(...)``; ``numpy.load`` and ``json.load`` ask for no dataset."""
    receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
    named = [word.value for word in node.keywords if word.arg == "dataset"]
    text = folder.text(next(iter([*node.args, *named]), None))
    if receiver is not None and _last(receiver) in OTHER_LOADERS:
        return
    if text is not None and DATASET.fullmatch(text):
        yield text, "load"
    elif receiver is not None and _is_city(receiver):
        yield None, "load"


def _is_city(node: ast.expr) -> bool:
    """Tell whether something is called like a city: ``city``, ``sb.city()``, ``stadt``."""
    name = _last(node.func) if isinstance(node, ast.Call) else _last(node)
    return name.lower() in ("city", "stadt", "c")


def _kinds(node: ast.AST, folder: Folder) -> Iterator[str]:
    """Say which doors out of the notebook a node uses."""
    if isinstance(node, ast.Call):
        yield from _call_kinds(node, folder)
    for name in _imported(node):
        yield from (kind for kind, names in _BY_IMPORT if name in names)
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from _import_kinds(node)
    if isinstance(node, ast.Attribute | ast.Name) and _last(node) in HIDDEN:
        yield "dynamic"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _ADDRESS.match(node.value[:100]):
        yield "address"


_BY_IMPORT = (
    ("network", NETWORK),
    ("processes", PROCESSES),
    ("packed", PACKED),
    ("files", FILES),
    ("dynamic", {"importlib"}),
)


def _import_kinds(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Tell apart what one package holds: ``urllib.parse`` is harmless, ``urllib.request`` is not."""
    modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
    names = {one.name for one in node.names} if isinstance(node, ast.ImportFrom) else set()
    for module in modules:
        if module in ("urllib.request", "http.client", "http.server") or (
            module in ("urllib", "http") and names & {"request", "client", "server"}
        ):
            yield "network"
        if module == "os" and names & SHELL_CALLS:
            yield "processes"


def _call_kinds(node: ast.Call, folder: Folder) -> Iterator[str]:
    name, first = _last(node.func), next(iter(node.args), None)
    if isinstance(node.func, ast.Name) and name in DYNAMIC:
        yield "dynamic"
    if name == "getattr" and len(node.args) > 1 and folder.text(node.args[1]) is None:
        yield "dynamic"
    if (
        name in SHELL_CALLS
        and isinstance(node.func, ast.Attribute)
        and _last(node.func.value) in ("os", "posix")
    ):
        yield "processes"
    if name in MAGIC_CALLS:
        yield "magic"
    if name in READERS or (
        name == "load" and isinstance(node.func, ast.Attribute) and _last(node.func.value) in ("np", "numpy")
    ):
        yield from _reads(node, folder, first)
    if name in WRITERS and first is not None:
        yield "writes"


def _reads(node: ast.Call, folder: Folder, first: ast.expr | None) -> Iterator[str]:
    """Say where a reader reads from: the network, a file, or something that only a run would tell."""
    text = folder.text(first)
    if _last(node.func) == "open_catalog":
        return
    if text is not None and _ADDRESS.match(text):
        yield "network"
    elif text is not None:
        writes = any(isinstance(one, ast.Constant) and str(one.value)[:1] in "wax" for one in node.args[1:2])
        yield "writes" if writes else "files"
    elif not isinstance(first, ast.Call) or _last(first.func) not in ("StringIO", "BytesIO"):
        yield "maybe-files"
