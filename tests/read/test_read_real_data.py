"""Reading on public data sets; skipped where TUNEWELL_DATA does not name their folder."""

from __future__ import annotations

import csv
import gzip

import pytest

import tunewell
from tunewell.errors import DataError
from tunewell.read import Source, check, load, read_rows, unequal


def test_finance_topics(real):
    folder = real / "twitter_financial_news_topic"
    train, valid = folder / "train.csv", folder / "valid.csv"
    assert sum(1 for _ in read_rows(train)) == 16_990
    assert sum(1 for _ in read_rows(valid)) == 4_117
    data = load(Source(str(train), test=str(valid), rows=2000))
    assert data.sizes == {"train": 2000, "validation": 500, "test": 4117}
    assert (data.columns.input, data.columns.target) == ("text", "label")
    assert {e.target for e in data.train} == {str(n) for n in range(20)}
    assert unequal(example.target for example in data.train)
    assert load(Source(str(folder))).sizes["validation"] == 4_117


def test_imdb_shares_123_texts(real):
    data = load(Source(str(real / "imdb")))
    assert data.sizes["train"] + data.sizes["validation"] == 24_999
    assert data.sizes["test"] == 25_000
    assert not unequal(example.target for example in data.train)
    shared = [fault for fault in check(data) if fault.kind == "shared_rows"]
    assert "123 texts stand both in test and in train" in shared[0].sentence


def test_airline_tweets(real):
    path = real / "airline_tweets_noisy" / "Tweets.csv.gz"
    data = load(Source(str(path)))
    assert (data.columns.input, data.columns.target) == ("text", "airline_sentiment")
    assert sum(data.sizes.values()) == 14_640
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        records = list(csv.reader(file))
    several_lines = [row for row, cells in enumerate(records, start=1) if "\n" in cells[10]]
    assert len(several_lines) > 50
    by_row = {example.row: example.input for part in data.parts.values() for example in part}
    assert all(by_row[row] == records[row - 1][10] for row in several_lines)
    assert {example.place.rpartition(" ")[2] for example in data.train} <= set(map(str, by_row))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("go_emotions/train.tsv", "looks like data, not like column names"),
        ("glue_mrpc_stsb/MRPC/train.tsv", "'1' is a number"),
        ("samsum_messy/samsum-test.csv", "row 2"),
        ("formats_demo/wiki_demo.txt", "looks like data"),
    ],
)
def test_what_needs_mending_is_refused_with_its_place(real, name, part):
    with pytest.raises(DataError) as caught:
        load(Source(str(real / name)))
    assert part in str(caught.value)


def test_sms_spam_in_windows_1252_with_columns_without_names(real):
    path = real / "sms_spam" / "spam.csv"
    data = load(Source(str(path)))
    assert (data.columns.input, data.columns.target) == ("v2", "v1")
    with path.open(encoding="cp1252", newline="") as file:
        records = list(csv.reader(file))
    used = [
        (example.row, example.input, example.target) for p in data.parts.values() for example in p
    ]
    assert sorted(used) == [(row, r[1], r[0]) for row, r in enumerate(records[1:], start=2)]
    assert len(used) == 5572
    told = {fault.kind: fault for fault in data.faults}
    assert "Windows-1252" in told["encoding"].sentence
    assert told["encoding"].rows == (7,) and "'å£1.50'" in told["encoding"].sentence
    cut = [row for row, cells in enumerate(records[1:], start=2) if "".join(cells[2:]).strip()]
    assert told["unnamed_columns"].count == len(cut) == 50
    assert told["unnamed_columns"].rows == tuple(cut[:20])


def test_go_emotions_has_its_names_beside(real, tmp_path):
    folder = real / "go_emotions"
    with (folder / "dev.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    single = [cells for cells in rows if "," not in cells[1]]
    with (tmp_path / "dev.tsv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t").writerows([("text", "label", "id"), *single])
    (tmp_path / "labels.txt").write_bytes((folder / "labels.txt").read_bytes())
    data = load(Source(str(tmp_path / "dev.tsv")))
    names = (folder / "labels.txt").read_text().split()
    assert data.label_names == {
        label: names[int(label)] for label in {cells[1] for cells in single}
    }
    assert data.label_names["27"] == "neutral"


def test_lists_of_sentences_are_no_labels(real):
    with pytest.raises(DataError, match="stand in one row only"):
        tunewell.check(str(real / "scitldr"))
