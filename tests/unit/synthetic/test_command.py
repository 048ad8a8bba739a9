"""``stadtbuch synthetic make``."""

import json

from stadtbuch.cli.main import main


def test_the_command_makes_the_city_and_answers_in_json(empty, capsys):
    """One document on stdout, progress on stderr."""
    code = main(["synthetic", "make", "--size", "mini", "--seed", "3", "--city", str(empty.root), "--json"])
    spoken = capsys.readouterr()
    told = json.loads(spoken.out)
    assert code == 0
    assert (told["written"], told["size"], told["seed"]) == (True, "mini", 3)
    assert told["tables"]["geography.areas"] == 170
    assert "population.residents" in spoken.err


def test_the_command_says_when_there_is_nothing_to_do(made, capsys):
    """A second call is recognised."""
    city = made("mini").settings.root
    assert main(["synthetic", "make", "--size", "mini", "--city", str(city)]) == 0
    assert "unverändert" in capsys.readouterr().out


def test_an_unknown_size_is_a_usage_error(empty):
    """Nothing is written."""
    assert main(["synthetic", "make", "--size", "huge", "--city", str(empty.root)]) == 2
    assert not empty.folder("data").exists()
