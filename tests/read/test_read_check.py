"""`check` says what is wrong with the rows, in sentences, with row numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tunewell import registry
from tunewell.read import Source, check, load, separable_points, unequal


class Windowed(registry.task("classify")):
    windows = True


def checked(table, rows, **options):
    return check(load(Source(str(table(rows)))), **options)


def only(faults, kind):
    (fault,) = [fault for fault in faults if fault.kind == kind]
    return fault


def kinds(faults, *severities):
    return {fault.kind for fault in faults if fault.severity in severities}


def test_sound_rows_give_notes_alone(table, many_rows):
    faults = checked(table, many_rows(600))
    assert kinds(faults, "error", "warning") == set()
    assert kinds(faults, "note") == {"columns", "split", "length", "resolution"}


def test_what_loading_left_out_is_repeated(table, many_rows):
    fault = only(checked(table, [("a", ""), *many_rows(600)]), "missing_label")
    assert fault.rows == (2,)
    assert "1 row has no label (row 2). It is left out." in fault.sentence


def test_duplicates_near_duplicates_and_contradictions(table, many_rows):
    extra = [
        ("this is text number 0", "good"),  # row 602, as row 2
        ("This is: text number 1", "bad"),  # row 603, nearly as row 3
        ("this is text number 2", "bad"),  # row 604, as row 4 with another label
        ("This is: text number 1", "bad"),  # row 605, as row 603
    ]
    faults = checked(table, [*many_rows(600), *extra])
    exact, near = only(faults, "duplicates"), only(faults, "near_duplicates")
    two = only(faults, "two_labels")
    assert (exact.rows, exact.count) == ((602, 604, 605), 3)
    assert (near.rows, near.count) == ((603,), 1)
    assert (two.rows, two.severity) == ((4, 604), "warning")
    assert "1 text has different labels in different rows (rows 4, 604)" in two.sentence
    assert two.remedy


def test_small_and_unequal_classes(table, many_rows):
    rows = [*many_rows(400), *((f"rare {n}", "rare") for n in range(5))]
    faults = checked(table, rows)
    small = only(faults, "small_class")
    assert "1 class has fewer than 10 training rows: 'rare'" in small.sentence
    assert small.count == 3
    assert set(small.rows) <= set(range(402, 407))
    assert not kinds(faults, "warning") & {"unequal_classes"}
    rows = [*many_rows(400, ["good"]), *((f"other {n}", "bad") for n in range(50))]
    fault = only(checked(table, rows), "unequal_classes")
    assert "Macro F1" in fault.sentence and "'good' has 256" in fault.sentence


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([50, 50], False),
        ([75, 25], False),
        ([76, 25], True),
        ([400, 400, 5], False),
        ([60, 20, 20], False),
        ([63, 21, 16], True),
        ([100] * 9 + [3], False),
        ([100] * 5 + [10] * 6, True),
        ([100], False),
    ],
)
def test_unequal(sizes, expected):
    targets = [str(label) for label, size in enumerate(sizes) for _ in range(size)]
    assert unequal(targets) is expected


def test_labels_that_differ_by_case_and_space(table, many_rows):
    rows = [*many_rows(400), *((f"more {n}", "Good ") for n in range(100))]
    fault = only(checked(table, rows), "label_variants")
    assert "'good' and 'Good '" in fault.sentence
    assert (fault.rows[0], fault.count) == (402, 100)


def test_length_in_words_and_in_tokens(table, many_rows):
    rows = [*many_rows(599), ("long " * 100, "good")]
    assert "at most 5 words, the longest has 100" in only(checked(table, rows), "length").sentence

    def count_tokens(texts):
        return [2 * len(text.split()) for text in texts]

    faults = checked(table, rows, count_tokens=count_tokens, max_length=50)
    assert "at most 10 tokens, the longest has 200" in only(faults, "length").sentence
    cut = only(faults, "cut_off")
    assert (cut.rows, cut.count, cut.severity) == ((601,), 1, "warning")
    assert "1 row (0.17 %) is longer than 50 tokens" in cut.sentence
    assert "2.4 % of all tokens are lost" in cut.sentence
    assert "--classify.long_texts windows" in cut.remedy and "--max-length" in cut.remedy
    data = load(Source(str(table(rows))))
    data = replace(data, task=Windowed(data.task.labels))
    read = only(check(data, count_tokens=count_tokens, max_length=50), "windows")
    assert "1 row (0.17 %) is longer than 50 tokens and read in overlapping" in read.sentence
    roomy = checked(table, rows, count_tokens=count_tokens, max_length=200)
    assert "cut_off" not in {fault.kind for fault in roomy}


def test_rows_shared_by_train_and_test(table, many_rows):
    train = table(many_rows(400))
    other = [
        ("this is text number 7", "bad"),
        ("new", "good"),
        ("THIS is text, number 8!", "good"),
        ("this is text number 9", "bad"),
        ("this is text number 9", "bad"),
    ]
    test = table(other, name="test.csv")
    data = load(Source(str(train), test=str(test), validation=str(table(other[:2], name="v.csv"))))
    shared = [fault for fault in check(data) if fault.kind == "shared_rows"]
    assert [fault.source for fault in shared] == [str(test), str(test.with_name("v.csv"))]
    assert (shared[0].rows, shared[0].count) == ((2, 3, 4, 5, 6), 5)
    assert shared[0].sentence.startswith(
        "3 texts and 1 text (but for case, punctuation or space) stand both in test and in train"
    )
    assert shared[1].sentence.startswith("1 text stands both in validation and in train")


def test_a_split_of_ours_shares_nothing(table, many_rows):
    rows = [
        (text.upper() if n % 3 else text, label)
        for n, (text, label) in enumerate(many_rows(200) * 3)
    ]
    assert "shared_rows" not in {fault.kind for fault in checked(table, rows)}


def test_classes_that_train_does_not_have(table, many_rows):
    other = table([("a", "good"), ("b", "odd"), ("c", "strange")], name="test.csv")
    data = load(Source(str(table(many_rows(400))), test=str(other)))
    fault = only(check(data), "unseen_class")
    assert (fault.rows, fault.source) == ((3, 4), str(other))
    assert "2 test rows (rows 3, 4) have labels that train does not have" in fault.sentence


def test_what_the_test_set_can_tell_apart(table, many_rows):
    fault = only(checked(table, many_rows(1000)), "resolution")
    assert fault.sentence == ("With 200 test rows, differences under 6.2 points cannot be seen.")
    assert fault.severity == "note"
    small = only(checked(table, many_rows(100)), "resolution")
    assert small.severity == "warning" and small.remedy


def test_separable_points_against_a_simulation():
    import numpy as np

    generator = np.random.default_rng(0)
    rows, disagreement = 400, 0.2
    draws = generator.multinomial(
        rows, [disagreement / 2, disagreement / 2, 1 - disagreement], 20_000
    )
    differences = 100 * np.abs(draws[:, 0] - draws[:, 1]) / rows
    limit = separable_points(rows, disagreement)
    assert 0.94 < np.mean(differences < limit) < 0.96
    assert round(separable_points(200)) == 6
    assert separable_points(1) <= 100


def test_every_sentence_is_one_line_that_ends_with_a_stop(table):
    rows = [(f"line\none {n}", f"a\nlabel {n % 3}") for n in range(300)]
    rows += [("line\none 1", "A\nlabel 1"), ("x", ""), ("", "y")]
    for fault in checked(table, rows):
        assert "\n" not in fault.sentence + fault.remedy
        assert fault.sentence.endswith(".")
