"""The pattern of the made-up city, ``synthetic.yaml``."""

from datetime import date

import pytest

from stadtbuch.errors import SettingsError
from stadtbuch.synthetic import config


def test_the_pattern_of_the_city_is_valid(pattern):
    """Ten boroughs, 72 districts, 170 quarters; shares of people add up to a hundred."""
    assert len(pattern.boroughs) == 10
    assert len(pattern.districts) == len(set(pattern.districts)) == 72
    assert sum(sum(one.districts.values()) for one in pattern.boroughs) == 170
    assert sum(one.people for one in pattern.boroughs) == 100


def test_dates_and_ages_arrive_with_their_types(pattern):
    """YAML keys are text; ages are numbers all the same."""
    assert pattern.register_.reference_dates == (date(2024, 12, 31), date(2025, 12, 31))
    assert all(isinstance(age, int) for age in pattern.ages.base)


def test_a_missing_pattern_is_an_error_with_a_remedy(tmp_path):
    """The file is named."""
    with pytest.raises(SettingsError) as error:
        config.read(tmp_path)
    assert error.value.code == "synthetic.invalid"
    assert error.value.problems[0].file == "synthetic.yaml"


def test_mistakes_are_named_with_their_line(root, tmp_path):
    """All of them at once."""
    good = (root / "synthetic.yaml").read_text(encoding="utf-8")
    bad = good.replace("radius_km: 5.2", "radius_km: -1").replace("  male: {", "  mele: {")
    (tmp_path / "synthetic.yaml").write_text(bad, encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        config.read(tmp_path)
    places = {(problem.path, problem.line) for problem in error.value.problems}
    lines = bad.splitlines()
    expected = next(n for n, line in enumerate(lines, 1) if "radius_km: -1" in line)
    assert ("map.radius_km", expected) in places
    assert {"ages.mele", "ages.male"} <= {path for path, _ in places}
