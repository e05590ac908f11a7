"""The split: by class, by group, near-duplicates together, and the same every time."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewell.errors import ConfigError, DataError
from tunewell.read import Source, load, near_key
from tunewell.read.split import sample, shares, split
from tunewell.values import Example

THREE = shares(with_validation=False, with_test=False)


def targets(examples):
    return Counter(example.target for example in examples)


def test_a_file_is_divided_64_16_20_class_by_class(table, many_rows):
    data = load(Source(str(table(many_rows(500, ["a", "a", "a", "b", "c"])))))
    assert data.sizes == {"train": 320, "validation": 80, "test": 100}
    assert targets(data.train) == {"a": 192, "b": 64, "c": 64}
    assert targets(data.validation) == {"a": 48, "b": 16, "c": 16}
    assert targets(data.test) == {"a": 60, "b": 20, "c": 20}
    everything = [example.row for part in data.parts.values() for example in part]
    assert sorted(everything) == list(range(2, 502))
    for part in data.parts.values():
        assert [e.row for e in part] == sorted(e.row for e in part)


def test_only_the_missing_parts_are_cut_off(table, many_rows):
    train = str(table(many_rows(100)))
    other = str(table([(f"another {text}", label) for text, label in many_rows(30)], name="o.csv"))
    third = str(table([(f"a third {text}", label) for text, label in many_rows(20)], name="p.csv"))
    assert load(Source(train, test=other)).sizes == {"train": 80, "validation": 20, "test": 30}
    assert load(Source(train, validation=other)).sizes == {
        "train": 80,
        "validation": 30,
        "test": 20,
    }
    both = load(Source(train, validation=other, test=third))
    assert both.sizes == {"train": 100, "validation": 30, "test": 20}
    assert not [fault for fault in both.faults if fault.kind == "split"]


LETTERS = st.sampled_from("abc")
ROWS = st.lists(
    st.tuples(
        st.text("abcdefg .!", min_size=2, max_size=4).filter(str.strip),
        LETTERS,
        st.none() | st.integers(0, 300).map(str),
    ),
    min_size=12,
    max_size=80,
)


@settings(deadline=None, max_examples=300)
@given(rows=ROWS, seed=st.integers(0, 5))
def test_groups_and_near_duplicates_never_cross(rows, seed):
    examples = [Example(t, y, "f.csv", n, g) for n, (t, y, g) in enumerate(rows, start=2)]
    try:
        parts = split(examples, THREE, seed)
    except DataError:
        return
    assert sorted(e.row for part in parts.values() for e in part) == [e.row for e in examples]
    side = {}
    for name, part in parts.items():
        assert part
        for example in part:
            assert side.setdefault(("text", near_key(example.input)), name) == name
            if example.group is not None:
                assert side.setdefault(("group", example.group), name) == name


@pytest.mark.parametrize("size", [3, 4, 5, 8, 13])
def test_a_class_of_three_rows_is_in_every_part(size):
    examples = [Example(f"text {label} {n}", label) for label in "abcdefgh" for n in range(size)]
    for seed in range(5):
        for part in split(examples, THREE, seed).values():
            assert set(targets(part)) == set("abcdefgh")


def test_smaller_classes_go_to_train_first():
    examples = [Example(f"{label}{n}", label) for label in "ab" for n in range(10)]
    examples += [Example("c0", "c"), Example("d0", "d"), Example("d1", "d")]
    parts = split(examples, THREE, 0)
    assert {"c", "d"} <= set(targets(parts["train"]))
    assert set(targets(parts["test"])) == {"a", "b", "d"}
    assert set(targets(parts["validation"])) == {"a", "b"}


def test_a_large_group_goes_to_train():
    examples = [
        Example(f"text {n}", "ab"[n % 2], group="big" if n < 100 else str(n // 10))
        for n in range(160)
    ]
    parts = split(examples, THREE, 3)
    assert sum(example.group == "big" for example in parts["train"]) == 100
    assert 20 <= len(parts["test"]) <= 40


def test_of_three_groups_the_largest_is_train():
    sizes = {"large": 60, "middle": 20, "small": 10}
    examples = [
        Example(f"text {group} {n}", "ab"[n % 2], group=group)
        for group, size in sizes.items()
        for n in range(size)
    ]
    for seed in range(5):
        parts = split(examples, THREE, seed)
        assert {example.group for example in parts["train"]} == {"large"}


def test_duplicates_do_not_gather_in_one_part():
    examples = [Example(f"text {n // 2}", "ab"[n // 2 % 2]) for n in range(400)]
    examples += [Example(f"single {n}", "ab"[n % 2]) for n in range(400)]
    for part in split(examples, THREE, 0).values():
        twice = sum(example.input.startswith("text") for example in part)
        assert 0.4 < twice / len(part) < 0.6


def test_too_few_rows_are_refused(table, many_rows):
    with pytest.raises(DataError, match="too few rows to divide") as caught:
        load(Source(str(table(many_rows(5)))))
    assert "3 or more different texts; only 'good' has" in str(caught.value)
    rows = [(f"text {n}", "ab"[n % 2], str(n % 2)) for n in range(50)]
    with pytest.raises(DataError, match="different groups"):
        load(Source(str(table(rows, header=("text", "label", "who"))), group="who"))
    same = [("Same text!", "a"), ("same text", "b")] * 10
    with pytest.raises(DataError, match="too few rows to divide"):
        load(Source(str(table(same))))


SCRIPT = """
import sys
from tunewell.read import Source, load
data = load(Source(sys.argv[1], group="who", rows=50), seed=int(sys.argv[2]))
print(data.fingerprint, *(example.row for part in data.parts.values() for example in part))
"""


def test_the_split_is_the_same_in_every_process_and_depends_on_the_seed(table):
    rows = [(f"text {n % 170}", f"label {n % 7}", str(n % 90)) for n in range(200)]
    rows = [(text, f"label {i % 5}", who) for i, (text, _, who) in enumerate(rows)]
    path = table(rows, header=("text", "label", "who"))

    def run(hash_seed: str, seed: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", SCRIPT, str(path), seed],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert run("1", "0") == run("2", "0")
    assert run("1", "0") != run("1", "1")


def test_rows_cuts_train_only_and_keeps_the_classes(table, many_rows):
    path = str(table(many_rows(2000, ["a"] * 18 + ["b", "c"])))
    whole, few = load(Source(path)), load(Source(path, rows=100, test_rows=50))
    assert few.sizes == {"train": 100, "validation": 200, "test": 50}
    assert targets(few.train) == {"a": 90, "b": 5, "c": 5}
    assert set(targets(few.test)) == {"a", "b", "c"}
    assert set(few.train) < set(whole.train)
    assert set(few.validation) < set(whole.validation)
    assert set(few.test) < set(whole.test)
    assert load(Source(path, rows=1000)).test == whole.test
    assert load(Source(path, rows=1000)).validation != few.validation
    assert load(Source(path, rows=10**6)).train == whole.train
    told = [fault.sentence for fault in few.faults if fault.kind == "sampled"]
    assert len(told) == 3
    assert "100 of 1,280 train rows" in told[0]
    assert any("200 of 320 validation rows" in sentence for sentence in told)


def test_a_small_sample_is_part_of_a_larger_one():
    examples = [Example(f"text {n}", "aab"[n % 3]) for n in range(300)]
    small, large = sample(examples, 30, seed=1), sample(examples, 120, seed=1)
    assert (len(small), len(large)) == (30, 120)
    assert set(small) < set(large)
    assert sample(examples, 30, seed=2) != small


@settings(deadline=None)
@given(labels=st.lists(LETTERS, min_size=1, max_size=60), rows=st.integers(1, 70))
def test_a_sample_has_as_many_rows_as_asked_and_each_class_if_it_can(labels, rows):
    examples = [Example(str(n), label) for n, label in enumerate(labels)]
    drawn = sample(examples, rows, seed=0)
    assert len(drawn) == min(rows, len(examples))
    assert len(set(drawn)) == len(drawn)
    if rows >= len(set(labels)):
        assert set(targets(drawn)) == set(labels)


@pytest.mark.parametrize("options", [{"rows": 1}, {"rows": -5}, {"test_rows": 0}])
def test_nonsense_sizes(table, many_rows, options):
    with pytest.raises(ConfigError):
        load(Source(str(table(many_rows(20))), **options))


def test_fewer_rows_than_classes_leave_the_largest_classes(table, many_rows):
    path = str(table(many_rows(100, list("abcdefghij"))))
    assert len(targets(load(Source(path, rows=4)).train)) == 4


def test_the_fingerprint_is_of_the_contents(table, many_rows):
    rows = many_rows(60)
    first = load(Source(str(table(rows))))
    assert load(Source(str(table(rows, name="sub/other.csv")))).fingerprint == first.fingerprint
    renamed = table(rows, header=("a", "b"), name="renamed.csv")
    assert load(Source(str(renamed))).fingerprint == first.fingerprint
    changed = [("!", "good"), *rows[1:]]
    assert load(Source(str(table(changed)))).fingerprint != first.fingerprint
    tests = [table([("a", label), ("b", "bad")], name=f"{label}.csv") for label in ("good", "bad")]
    train = str(table(rows))
    scored = [load(Source(train, test=str(test))) for test in tests]
    assert scored[0].train == scored[1].train
    assert scored[0].fingerprint != scored[1].fingerprint
    assert load(Source(str(table(rows))), seed=1).fingerprint != first.fingerprint
    assert load(Source(str(table(rows)), rows=20)).fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Don't stop!", "dont  STOP", True),
        ("Straße", "STRASSE", True),
        ("ｆｕｌｌ width", "full width", True),
        ("«Oui»…", "oui", True),
        ("line\nbreak", "linebreak", True),
        ("good 😀", "good 😡", False),
        ("a+b", "ab", False),
        ("5 stars", "4 stars", False),
        ("?", "!!!", False),
        ("!!!", " ! !! ", True),
        ("naïve", "naive", False),
    ],
)
def test_near_key(one, other, same):
    assert (near_key(one) == near_key(other)) is same


@given(st.text())
def test_near_key_drops_punctuation_and_space_alone(text):
    folded = unicodedata.normalize("NFKC", text).casefold()
    spaceless = "".join(folded.split())
    kept = "".join(c for c in spaceless if unicodedata.category(c)[0] not in "PZ")
    assert near_key(text) == (kept or spaceless)
