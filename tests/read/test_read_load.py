"""What `load` leaves out, refuses, names and finds in folders."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tunewell.errors import ConfigError, DataError, UserError
from tunewell.read import Source, load
from tunewell.values import Example


def found(data, kind):
    return [fault for fault in data.faults if fault.kind == kind]


def test_examples_know_their_place_and_group(table, many_rows):
    rows = [(text, label, str(n // 2)) for n, (text, label) in enumerate(many_rows(40))]
    path = table(rows, ("text", "label", "who"))
    data = load(Source(str(path), group="who"))
    assert {example for part in data.parts.values() for example in part} == {
        Example(text, label, str(path), row, group)
        for row, (text, label, group) in enumerate(rows, start=2)
    }


def test_test_rows_of_their_own_belong_to_groups_too_or_it_is_told(table, many_rows):
    rows = [(text, label, str(n // 2)) for n, (text, label) in enumerate(many_rows(40))]
    path = table(rows, ("text", "label", "who"))
    own = [(f"{text} once more", label, who) for text, label, who in rows]
    test = table(own, ("text", "label", "who"), "test.csv")
    data = load(Source(str(path), group="who", test=str(test)))
    assert [example.group for example in data.test] == [group for *_, group in own]
    assert not found(data, "no_groups")
    other = table([row[:2] for row in own], name="other.csv")
    data = load(Source(str(path), group="who", test=str(other)))
    assert {example.group for example in data.test} == {None}
    (told,) = found(data, "no_groups")
    assert "other.csv has no column 'who'" in told.sentence and told.severity == "warning"


def test_a_test_file_may_lack_a_column_that_rows_may_lack_and_it_is_told(table):
    rows = [(f"Say {n}", f"in tone {n}", f"{n}!") for n in range(40)]
    path = table(rows, ("instruction", "input", "output"))
    test = table([(say, out) for say, _, out in rows], ("instruction", "output"), "test.csv")
    data = load(Source(str(path), test=str(test), task="instruct"))
    assert data.train[0].input["input"].startswith("in tone")
    assert data.test[0].input == {"instruction": "Say 0"}
    (told,) = found(data, "no_column")
    assert "test.csv has no column 'input'" in told.sentence and told.severity == "warning"
    twice = table(
        [(*row, "x") for row in rows], ("instruction", "input", "output", "input"), "twice.csv"
    )
    with pytest.raises(ConfigError, match="2 columns that are called 'input'"):
        load(Source(str(path), test=str(twice), task="instruct"))


def test_rows_without_label_or_text_are_left_out_and_told(table, many_rows):
    rows = [("", "good"), ("a text", ""), (" \t", "bad"), ("b", " "), ("", ""), *many_rows(30)]
    rows += [("c", "")] * 30
    path = table(rows)
    data = load(Source(str(path)))
    assert sum(data.sizes.values()) == 30
    (missing,) = found(data, "missing_label")
    (empty,) = found(data, "empty_text")
    assert (empty.rows, empty.count, empty.severity) == ((2, 4), 2, "warning")
    assert missing.rows[:3] == (3, 5, 6)
    assert (missing.count, len(missing.rows)) == (33, 20)
    assert "33 rows have no label (rows 3, 5, 6, 37, 38 and 28 more)" in missing.sentence
    assert "left out" in missing.sentence
    assert missing.source == str(path)
    assert missing.remedy


def test_labels_and_texts_stay_as_they_are(table):
    rows = [(f" NA {n} ", ["007", "7"][n % 2]) for n in range(20)]
    data = load(Source(str(table(rows))))
    assert {example.target for example in data.train} == {"007", "7"}
    assert all(example.input.startswith(" NA ") for example in data.train)


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        ([(f"text {n}", "same") for n in range(5000)], "the same label 'same'"),
        ([(f"text {n}", "") for n in range(5000)], "no row has both"),
        ([("", "a"), ("", "b")] * 2500, "no row has both"),
        ([(f"text {n}", f"id{n}") for n in range(5000)], "5,000 different values in 5,000 rows"),
        ([(f"text {n}", str(n // 4)) for n in range(10_000)], "2,500 different values"),
    ],
)
def test_what_cannot_be_learnt_is_refused_at_once(table, rows, part):
    path = table(rows)
    start = time.perf_counter()
    with pytest.raises(DataError) as caught:
        load(Source(str(path), input="text", target="label"))
    assert time.perf_counter() - start < 2
    assert part in caught.value.found
    assert "--target NAME" in caught.value.remedy
    assert len(str(caught.value).splitlines()) <= 3


def test_a_test_file_without_known_labels_is_refused(table, many_rows):
    path = str(table(many_rows(40)))
    other = str(table([("x", "1"), ("y", "2")], name="test.csv"))
    with pytest.raises(DataError, match=r"test\.csv: no test row has a label that occurs in train"):
        load(Source(path, test=other))
    empty = str(table([("x", ""), ("y", "")], name="empty.csv"))
    with pytest.raises(DataError, match="no row has a label"):
        load(Source(path, validation=empty))


class TestLabelNames:
    def data(self, table, many_rows, names):
        return load(Source(str(table(many_rows(40, ["0", "1"]))), label_names=names))

    def test_as_an_option(self, table, many_rows):
        data = self.data(table, many_rows, "0=very negative, 1 = positive")
        assert data.label_names == {"0": "very negative", "1": "positive"}

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("n.json", '{"0": "no", "1": "yes, really"}'),
            ("n.txt", "0=no\n1=yes, really\n"),
            ("n.names", "0=no\n\n1 = yes, really"),
            ("n.csv", 'label,name\n0,no\n1,"yes, really"\n'),
            ("n.tsv", "label\tname\r\n0\tno\r\n1\tyes, really\r\n"),
            ("n.txt", "no\nyes, really\n"),
            ("n.txt", "0\tno\n1\tyes, really\n"),
            ("n.txt", "0: no\n1: yes, really\n"),
            ("n.json", '["no", "yes, really", "never seen"]'),
            ("n.json", '{"no": 0, "yes, really": 1}'),
        ],
    )
    def test_in_a_file(self, table, many_rows, content, name, text):
        data = self.data(table, many_rows, str(content(text, name)))
        assert data.label_names == {"0": "no", "1": "yes, really"}

    @pytest.mark.parametrize(
        ("names", "part"),
        [
            ("0=no,2=yes", "no row has the label '2'"),
            ("0=no,0=yes", "named twice"),
            ("0=no,yes", "'yes' does not give a label a name"),
            ("0=,1=yes", "does not give a label a name"),
        ],
    )
    def test_mistakes(self, table, many_rows, names, part):
        with pytest.raises(ConfigError) as caught:
            self.data(table, many_rows, names)
        assert part in str(caught.value)
        assert len(str(caught.value).splitlines()) <= 3

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("n.json", "[1]"),
            ("n.json", "{"),
            ("n.txt", "only one\n"),
            ("n.txt", "0=no\nyes\n"),
            ("n.csv", "a,b,c\n1,2,3\n"),
        ],
    )
    def test_files_that_hold_none(self, table, many_rows, content, name, text):
        with pytest.raises(UserError, match=r"n\.(json|txt|csv)"):
            self.data(table, many_rows, str(content(text, name)))

    def test_names_in_order_may_begin_at_1(self, table, many_rows, content):
        rows = many_rows(40, ["1", "2", "3"])
        names = str(content("low\nmiddle\nhigh\n", "n.txt"))
        data = load(Source(str(table(rows)), label_names=names))
        assert data.label_names == {"1": "low", "2": "middle", "3": "high"}
        names = str(content("low\nmiddle\nhigh\nhighest\n", "n.txt"))
        with pytest.raises(ConfigError, match="go from 1 to 3: it is not clear where to begin"):
            load(Source(str(table(rows)), label_names=names))

    def test_names_hold_for_labels_that_a_sample_leaves_out(self, table, many_rows):
        path = str(table(many_rows(100, ["0", "1", "2"])))
        data = load(Source(path, label_names="0=a,1=b,2=c", rows=2, test_rows=2))
        assert data.label_names.keys() == {
            example.target for part in data.parts.values() for example in part
        }

    def test_a_file_beside_is_used_if_it_fits(self, table, many_rows, content):
        path = table(many_rows(40, ["0", "1"]), name="d/train.csv")
        content("no\nyes\n", "d/Labels.txt")
        data = load(Source(str(path.parent)))
        assert data.label_names == {"0": "no", "1": "yes"}
        (told,) = found(data, "label_names")
        assert "Labels.txt" in told.sentence and "0=no, 1=yes" in told.sentence
        assert told.severity == "note"
        given = load(Source(str(path), label_names="0=a,1=b"))
        assert given.label_names == {"0": "a", "1": "b"} and not found(given, "label_names")

    @pytest.mark.parametrize("text", ["no\n", "{", "0=no\n", "\0\1\2" * 99])
    def test_a_file_beside_that_does_not_fit_is_told(self, table, many_rows, content, text):
        path = table(many_rows(40, ["0", "1"]))
        content(text, "classes.txt")
        data = load(Source(str(path)))
        assert data.label_names == {}
        (told,) = found(data, "label_names")
        assert "classes.txt" in told.sentence and told.severity == "warning"

    def test_a_file_beside_is_nothing_to_labels_that_are_words(self, table, many_rows, content):
        path = table(many_rows(40))
        content("no\n", "classes.txt")
        assert not found(load(Source(str(path))), "label_names")

    def test_a_missing_file(self, table, many_rows):
        with pytest.raises(UserError, match=r"no file or folder names\.json"):
            self.data(table, many_rows, "names.json")

    def test_labels_left_without_a_name_are_told(self, table, many_rows):
        data = self.data(table, many_rows, "0=no")
        (fault,) = found(data, "unnamed_labels")
        assert "'1'" in fault.sentence

    def test_from_the_schema_of_a_parquet_file(self, tmp_path):
        import json

        import pyarrow as pa
        import pyarrow.parquet as pq

        features = {"label": {"names": ["neg", "pos", "never seen"], "_type": "ClassLabel"}}
        rows = pa.table({"text": [f"t {n}" for n in range(40)], "label": [0, 1] * 20})
        stored = json.dumps({"info": {"features": features}})
        pq.write_table(
            rows.replace_schema_metadata({"huggingface": stored}), tmp_path / "a.parquet"
        )
        data = load(Source(str(tmp_path / "a.parquet")))
        assert data.label_names == {"0": "neg", "1": "pos"}


class TestFolders:
    def test_three_files_of_any_format(self, table, content, many_rows, tmp_path):
        table(many_rows(40), name="d/train_part1.csv")
        table([("a", "good"), ("b", "bad")], name="d/Dev.csv")
        content('{"text": "c", "label": "good"}\n', "d/test-set.jsonl")
        content("not a table", "d/README.md")
        content("a,b\n", "d/testimonials.csv")
        content("a,b\n", "d/values.csv")
        data = load(Source(str(tmp_path / "d")))
        assert data.sizes == {"train": 40, "validation": 2, "test": 1}

    def test_missing_parts_come_from_train(self, table, many_rows, tmp_path):
        table(many_rows(100), name="d/train.csv")
        table([("a", "good"), ("b", "bad")], name="d/valid.csv")
        data = load(Source(str(tmp_path / "d")))
        assert data.sizes == {"train": 80, "validation": 2, "test": 20}

    def test_an_option_takes_a_file_of_the_folder_for_its_own_part(
        self, table, many_rows, tmp_path
    ):
        table(many_rows(100), name="d/train.csv")
        valid = table([("a", "good"), ("b", "bad")], name="d/valid.csv")
        data = load(Source(str(tmp_path / "d"), test=str(valid)))
        assert data.sizes == {"train": 80, "validation": 20, "test": 2}

    def test_the_only_table_is_train(self, table, many_rows, tmp_path):
        table(many_rows(100), name="d/Tweets.csv")
        assert load(Source(str(tmp_path / "d"))).sizes["train"] == 64

    def test_two_files_for_one_part(self, table, many_rows, tmp_path):
        table(many_rows(9), name="d/train-1.csv")
        table(many_rows(9), name="d/train-2.csv")
        with pytest.raises(DataError, match=r"'train-1.csv', 'train-2.csv' all look like train"):
            load(Source(str(tmp_path / "d")))

    def test_no_train(self, table, many_rows, tmp_path):
        table(many_rows(9), name="d/a.csv")
        table(many_rows(9), name="d/b.csv")
        with pytest.raises(DataError, match="begins with train"):
            load(Source(str(tmp_path / "d")))
        (tmp_path / "empty").mkdir()
        with pytest.raises(DataError, match="is empty"):
            load(Source(str(tmp_path / "empty")))

    def test_one_file_for_two_parts(self, table, many_rows):
        path = table(many_rows(40))
        with pytest.raises(DataError, match="named for train and for test"):
            load(Source(str(path), test=str(path)))
        with pytest.raises(DataError, match="is a folder"):
            load(Source(str(path), test=str(path.parent)))

    def test_a_missing_test_file(self, table, many_rows):
        path = table(many_rows(40))
        with pytest.raises(DataError, match="Did you mean"):
            load(Source(str(path), test=str(path.with_name("reviws.csv"))))


def test_names_with_spaces_and_other_letters(table, many_rows):
    path = table(many_rows(40), name="Отзывы 2026 (új)/レビュー.csv")
    assert load(Source(str(path))).train[0].source == str(path)


def test_reading_needs_no_heavy_package(table, many_rows):
    import subprocess
    import sys

    script = (
        "import sys; from tunewell.read import Source, check, load; "
        "check(load(Source(sys.argv[1]))); "
        "print({'torch', 'numpy', 'pyarrow', 'pandas', 'sklearn'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", script, str(table(many_rows(40)))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_100_000_rows_take_seconds(tmp_path: Path):
    from tunewell.read import check

    words = [f"word{n}" for n in range(997)]
    lines = (
        f"{words[n % 997]} {words[n * 7 % 997]} {words[n * 31 % 991]} {n},{'abcde'[n % 5]}"
        for n in range(100_000)
    )
    path = tmp_path / "many.csv"
    path.write_text("text,label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    start = time.process_time()
    data = load(Source(str(path)))
    check(data)
    assert time.process_time() - start < 10
    assert data.sizes == {"train": 64_000, "validation": 16_000, "test": 20_000}
