"""``stadtbuch init``: a new city's folders, and nothing of anybody else's is ever touched."""

import errno
import json
import os
from datetime import date
from pathlib import Path

import nbformat
import pytest

from stadtbuch import atomic, founding, settings
from stadtbuch.catalog import index, intake_file
from stadtbuch.cli import main
from stadtbuch.errors import Failed, UsageError
from stadtbuch.founding import Wishes
from stadtbuch.reports import definitions
from stadtbuch.runs import manifest

NOW = ("--now", "2026-01-15T08:00")
WISHES = Wishes(login="m.muster", today=date(2026, 1, 15))


def init(capsys, *arguments: str) -> tuple[int, dict]:
    """Call ``stadtbuch init`` and give exit code and document."""
    code = main.main(["init", *arguments, *NOW, "--json"])
    said = capsys.readouterr()
    assert said.err == ""
    return code, json.loads(said.out)


def contents(folder: Path) -> dict[str, bytes]:
    """Give every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_new_city_has_everything_that_a_build_needs(capsys, tmp_path):
    """Settings, roles, a dataset with its file, a report with its notebook, the three texts: all of them valid."""
    code, document = init(capsys, str(tmp_path / "city"))
    city = settings.read(tmp_path / "city")
    assert code == 0
    assert set(document["files"]) == set(contents(city.root))
    assert document["next"][1:] == ["stadtbuch build", "stadtbuch doctor"]
    assert list(index.load(city).datasets) == ["environment.trees_planted"]
    assert intake_file.is_current(index.load(city), city)
    (report,) = definitions.load(city).values()
    analysis = manifest.read(city.root / report.report, root=city.root)
    assert analysis.stored_outputs == ()
    assert set(analysis.manifest.inputs) == {"environment.trees_planted"}
    for name in ("imprint", "privacy", "accessibility"):
        for language in ("de", "en"):
            assert founding.TODO in (city.root / "site" / f"{name}.{language}.md").read_text(encoding="utf-8")


def test_the_example_is_called_one(tmp_path):
    """Every page says that the data are made up, until the city decides otherwise."""
    founding.lay(tmp_path, founding.files(WISHES))
    city = settings.read(tmp_path)
    dataset = index.load(city).datasets["environment.trees_planted"]
    assert city.city.synthetic is True
    assert dataset.source.url.startswith(founding.EXAMPLE)
    assert "erfunden" in dataset.description.de
    assert "made up" in dataset.description.en


def test_what_is_told_is_written_and_what_is_not_is_marked(tmp_path):
    """A name and a mailbox leave no placeholder behind; without them each is marked."""
    told = Wishes(
        login="m.muster",
        today=date(2026, 1, 15),
        name='Groß "Ä" Stadt',
        contact="a@b.internal",
        language="en",
    )
    marked, plain = (founding.files(one)["stadtbuch.toml"].decode() for one in (WISHES, told))
    lines = {line.partition(" =")[0]: line for line in plain.splitlines()}
    assert "TODO" in next(line for line in marked.splitlines() if line.startswith("name"))
    assert "TODO" in next(line for line in marked.splitlines() if line.startswith("contact"))
    assert lines["name"] == r'name = "Groß \"Ä\" Stadt"'
    assert lines["contact"] == 'contact = "a@b.internal"'
    founding.lay(tmp_path, founding.files(told))
    city = settings.read(tmp_path).city
    assert (city.name, city.contact, city.language) == ('Groß "Ä" Stadt', "a@b.internal", "en")
    assert (
        index.load(settings.read(tmp_path)).datasets["environment.trees_planted"].contact_point
        == "a@b.internal"
    )


def test_only_who_founded_it_may_work_in_it_and_nobody_else_reads_who_that_is(tmp_path):
    """The first analyst is one login, not everybody; the file is private and out of git."""
    founding.lay(tmp_path, founding.files(WISHES))
    lines = (tmp_path / "roles.yaml").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == ['"m.muster": [analyst]']
    assert (tmp_path / "roles.yaml").stat().st_mode & 0o777 == 0o600
    ignored = (tmp_path / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/var/", "/public/", "/data/*", "!/data/example/", "/roles.yaml"} <= set(ignored)


def test_nothing_is_overwritten_and_everything_in_the_way_is_named(capsys, tmp_path):
    """One file in the way stops all; it is named, and the folder stays as it was."""
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")
    (tmp_path / "reports").write_text("a file where a folder belongs", encoding="utf-8")
    before = contents(tmp_path)
    code, document = init(capsys, str(tmp_path))
    assert (code, document["error"]["code"]) == (2, "init.exists")
    assert [one["file"] for one in document["error"]["problems"]] == ["README.md", "reports"]
    assert contents(tmp_path) == before


def test_a_link_to_nowhere_is_in_the_way(tmp_path):
    """Writing through a link would write somewhere else."""
    (tmp_path / "roles.yaml").symlink_to(tmp_path.parent / "elsewhere.yaml")
    with pytest.raises(UsageError) as refused:
        founding.lay(tmp_path, founding.files(WISHES))
    assert refused.value.code == "init.exists"
    assert not (tmp_path.parent / "elsewhere.yaml").exists()


def test_a_repository_without_files_is_an_empty_folder(capsys, tmp_path):
    """Whoever ran git init first may go on; other people's files are left alone."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    code, document = init(capsys, str(tmp_path))
    assert code == 0
    assert "stadtbuch.toml" in document["files"]
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_founding_that_was_cut_short_is_finished_by_the_next(tmp_path):
    """Half of the files and a temporary one are there; afterwards all are, and the temporary one is gone."""
    made = founding.files(WISHES)
    half = dict(list(made.items())[: len(made) // 2])
    founding.lay(tmp_path, half)
    (tmp_path / ".stadtbuch.toml.a1b2c3d4").write_text("[ci", encoding="utf-8")
    written = founding.lay(tmp_path, made)
    assert set(written) == set(made) - set(half)
    assert contents(tmp_path) == made


def test_a_folder_without_settings_is_no_city(tmp_path):
    """The settings come last, so whatever was cut short is not taken for a city."""
    assert list(founding.files(WISHES))[-1] == settings.FILE


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "voll"),
        (errno.EACCES, "nicht schreiben"),
        (errno.EROFS, "nicht schreiben"),
        (errno.EIO, "EIO"),
    ],
)
def test_after_a_failure_nothing_is_left_behind(tmp_path, monkeypatch, number, reason):
    """The disk fills up at the sixth file: a sentence with the reason, and not even a folder stays."""
    real, calls = atomic.write, []

    def write(path: Path, data: bytes, *, mode: int = 0o644) -> None:
        calls.append(path)
        if len(calls) == 6:
            raise OSError(number, os.strerror(number))
        real(path, data, mode=mode)

    made = founding.files(WISHES)
    monkeypatch.setattr(atomic, "write", write)
    with pytest.raises(Failed) as failed:
        founding.lay(tmp_path / "new" / "city", made)
    assert failed.value.code == "init.cannot-write"
    assert reason in failed.value.why.de
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder(capsys, tmp_path):
    """A name that is taken by a file is told, and the file stays."""
    (tmp_path / "city").write_text("mine", encoding="utf-8")
    code, document = init(capsys, str(tmp_path / "city"))
    assert (code, document["error"]["code"]) == (2, "init.not-a-folder")
    code, document = init(capsys, str(tmp_path / "city" / "below"))
    assert (code, document["error"]["code"]) == (1, "init.cannot-write")
    assert (tmp_path / "city").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("option", "value", "wrong"),
    [
        ("--name", "  ", "init.name"),
        ("--name", "A" * 101, "init.name"),
        ("--name", "zwei\nZeilen", "init.name"),
        ("--name", "<script>", "init.name"),
        ("--contact", "niemand", "init.contact"),
        ("--contact", "a@b", "init.contact"),
        ("--zone", "Europe/Nirgendwo", "init.zone"),
        ("--zone", "../etc/passwd", "init.zone"),
    ],
)
def test_a_mistyped_option_is_told_and_nothing_is_written(capsys, tmp_path, option, value, wrong):
    """Exit code 2, the option, what to write instead."""
    code, document = init(capsys, str(tmp_path / "city"), option, value)
    assert (code, document["error"]["code"]) == (2, wrong)
    assert document["error"]["remedy"]
    assert not (tmp_path / "city").exists()


def test_the_folder_may_have_any_name(capsys, tmp_path, monkeypatch):
    """Spaces and umlauts are fine, and the next step can be copied into a shell."""
    monkeypatch.chdir(tmp_path)
    code, document = init(capsys, "Meine Straße")
    assert (code, document["next"][0]) == (0, "cd 'Meine Straße'")
    assert main.main(["init", "Zweite"]) == 0
    assert "stadtbuch build" in capsys.readouterr().out


def test_the_same_wishes_give_the_same_city():
    """Nothing in it depends on chance or on the clock."""
    assert founding.files(WISHES) == founding.files(WISHES)


def test_the_notebook_is_one(tmp_path):
    """It opens in JupyterLab, and its cells in both languages come in pairs."""
    notebook = nbformat.reads(
        founding.files(WISHES)["notebooks/analyses/first-report.ipynb"].decode(), as_version=4
    )
    nbformat.validate(notebook)
    tags = [tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])]
    assert tags.count("de") == tags.count("en") > 0
