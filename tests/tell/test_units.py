import doctest
import importlib

import pytest

from tunewell.tell import units


@pytest.mark.parametrize(
    "module", ["units", "text", "axes", "pictures", "mistakes", "rows", "pages", "table"]
)
def test_the_examples_in_the_docstrings_hold(module):
    failed, _ = doctest.testmod(importlib.import_module(f"tunewell.tell.{module}"))
    assert failed == 0


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (0.00001, "0.01 ms"),
        (0.9996, "1.0 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (3599.6, "1 h"),
        (3661, "1 h 1 min"),
        (7199, "2 h"),
    ],
)
def test_durations_round_up_into_the_next_unit(seconds, shown):
    assert units.seconds(seconds) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(9_999, "9,999"), (9_999.6, "10.0 k"), (999_960, "1.0 M"), (999_960_000, "1.0 B")],
)
def test_counts_round_up_into_the_next_unit(number, shown):
    assert units.count(number) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(99_600, "0.1 MB"), (99_400, "99 kB"), (999_600_000, "1.0 GB"), (1_234e9, "1,234 GB")],
)
def test_sizes_round_up_into_the_next_unit(number, shown):
    assert units.megabytes(number) == shown


def test_a_score_near_the_end_is_not_rounded_to_certainty():
    near = {"value": 0.996, "low": 0.991, "high": 0.999}
    assert units.cases(near) == "Right in 996 of 1,000 cases, between 991 and 999."
    all_right = {"value": 1.0, "low": 0.97, "high": 1.0}
    assert units.cases(all_right) == "Right in 100 of 100 cases, between 97 and 100."


@pytest.mark.parametrize("value", [0.1, 1e-12, 1e20, 5e-5, 2.5, 0.0])
def test_an_option_that_is_short_keeps_its_value(value):
    assert float(units.option(value)) == value
