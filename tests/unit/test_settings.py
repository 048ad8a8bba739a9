"""Settings: complete, strict, all mistakes at once, and the only reader of the environment."""

import ast
import tomllib
from pathlib import Path

import pytest

from stadtbuch import settings as module
from stadtbuch.errors import SettingsError
from stadtbuch.settings import environment, find, read

VALID = """
schema_version = 1

[city]
name = "Musterstadt"
key = "990000000000"
timezone = "Europe/Berlin"
language = "de"
publisher = {de = "Amt", en = "Office"}
contact = "amt@musterstadt.example"
claim = {de = "Erklärt", en = "Explained"}

[rules]
version = "2026.1"
reviewed = 2026-01-10
review = 2028-01-10

[thresholds.min_count]
value = 3
reason = {de = "Darum.", en = "Because."}
decided_by = "steering-group"
decided = 2026-01-10

[thresholds.min_count_sensitive]
value = 5
reason = {de = "Darum.", en = "Because."}
decided_by = "steering-group"
decided = 2026-01-10

[thresholds.solver_nodes]
value = 100
reason = {de = "Darum.", en = "Because."}
decided_by = "steering-group"
decided = 2026-01-10

[catalog]
domains = ["mobility"]
"""


def a_city(folder: Path, content: str | bytes = VALID) -> Path:
    """Write settings into a folder."""
    data = content.encode() if isinstance(content, str) else content
    (folder / "stadtbuch.toml").write_bytes(data)
    return folder


def mistakes(folder: Path, content: str | bytes) -> dict[str, str]:
    """Give the mistakes of settings: path to wording."""
    with pytest.raises(SettingsError) as caught:
        read(a_city(folder, content))
    assert caught.value.code == "settings.invalid"
    return {
        problem.path: problem.what.en + (f" ({problem.remedy.en})" if problem.remedy else "")
        for problem in caught.value.problems
    }


def test_settings_give_what_the_city_decided(tmp_path):
    """Numbers come with their reason; folders are below the root."""
    city = read(a_city(tmp_path))
    assert (city.city.name, city.thresholds.min_count.value) == ("Musterstadt", 3)
    assert city.thresholds.min_count.reason.en == "Because."
    assert city.folder("state") == tmp_path / "var"
    assert city.city.zone.key == "Europe/Berlin"


def test_the_settings_of_this_repository_are_valid(root):
    """The synthetic city is held to the same rules."""
    assert read(root).city.synthetic


def test_the_root_is_found_from_any_folder_below(tmp_path):
    """A notebook three folders down belongs to the same city."""
    (tmp_path / "notebooks" / "analyses").mkdir(parents=True)
    assert find(a_city(tmp_path) / "notebooks" / "analyses") == tmp_path
    assert find(tmp_path) == tmp_path


def test_no_city_is_a_sentence(tmp_path):
    """Whoever is in the wrong folder learns what was looked for."""
    with pytest.raises(SettingsError) as caught:
        find(tmp_path)
    assert caught.value.code == "settings.not-found"
    assert "stadtbuch.toml" in caught.value.render("de")


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "empty"), ("# only a comment", "empty"), ("a = ", "not valid TOML"), (b"\xff\xfe", "UTF-8"),
     (VALID.replace("[rules]", "[city]"), "not valid TOML")],
)  # fmt: skip
def test_a_file_that_cannot_be_read_says_why(tmp_path, content, said):
    """Empty, no TOML, a duplicate table, another encoding: each has its sentence."""
    assert said in mistakes(tmp_path, content)[""]


def test_a_missing_file_is_a_sentence(tmp_path):
    """Reading a folder without settings is no traceback."""
    with pytest.raises(SettingsError):
        read(tmp_path)


def test_all_mistakes_are_named_at_once(tmp_path):
    """Nobody has to correct one mistake to see the next."""
    content = VALID.replace('name = "Musterstadt"\n', "").replace("value = 5", "value = -1")
    content = content.replace("[rules]", "[rules]\nvresion = 1")
    found = mistakes(tmp_path, content)
    assert found["city.name"] == "is missing"
    assert found["thresholds.min_count_sensitive.value"].startswith("is not valid")
    assert found["rules.vresion"] == "is unknown (did you mean version?)"


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ('timezone = "Europe/Berlin"', 'timezone = "../passwd"', "city.timezone"),
        ('timezone = "Europe/Berlin"', 'timezone = ""', "city.timezone"),
        ('timezone = "Europe/Berlin"', 'timezone = "Europe/Nowhere"', "city.timezone"),
        ('language = "de"', 'language = "fr"', "city.language"),
        ("schema_version = 1", "schema_version = 2", "schema_version"),
        ('claim = {de = "Erklärt", en = "Explained"}', 'claim = {de = "Erklärt"}', "city.claim.en"),
        ("schema_version = 1", 'schema_version = 1\nroot = "/"', "root"),
        ("[catalog]", "[catalouge]", "catalouge"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(tmp_path, old, new, path):
    """The path is what stands in the file."""
    assert path in mistakes(tmp_path, VALID.replace(old, new))


@pytest.mark.parametrize(
    ("variables", "language"),
    [({}, "de"), ({"LANG": "en_GB.UTF-8"}, "en"), ({"LANG": "en_GB.UTF-8", "LC_ALL": "de_DE.UTF-8"}, "de"),
     ({"LANG": "de_DE.UTF-8", "STADTBUCH_LANGUAGE": "en"}, "en"), ({"LANG": "C.UTF-8"}, "de"),
     ({"LANG": "fr_FR"}, "de")],
)  # fmt: skip
def test_the_language_is_german_unless_english_is_asked_for(monkeypatch, variables, language):
    """STADTBUCH_LANGUAGE before LC_ALL before LANG."""
    for name in ("LANG", "LC_ALL", "STADTBUCH_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert environment().language == language


def test_a_run_is_told_its_folder(monkeypatch):
    """Inside a run the library knows where its inputs are."""
    assert environment().run is None
    monkeypatch.setenv("STADTBUCH_RUN", "/somewhere/run")
    monkeypatch.setenv("JPY_SESSION_NAME", "a.ipynb")
    assert (environment().run, environment().notebook) == (Path("/somewhere/run"), Path("a.ipynb"))


def test_nothing_else_reads_the_environment():
    """One place tells what a process was told from outside (`os.environ` and `os.getenv` nowhere else)."""
    library = Path(module.__file__).parent
    readers = set()
    for path in library.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"):
                readers.add(path.relative_to(library).as_posix())
    # The program of a run's kernel starts before the library can be found; it reads what runs.kernels wrote.
    assert readers - {"runs/inside.py"} == {"outside.py"}


def test_every_key_of_the_example_is_toml():
    """The valid settings of these tests are what tomllib reads."""
    assert set(tomllib.loads(VALID)) == {"schema_version", "city", "rules", "thresholds", "catalog"}
