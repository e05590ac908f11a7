"""Documents for pre-training: read from what people have, and divided so that nothing leaks."""

import gzip
import json
import lzma

import pytest

from tunewell.errors import DataError
from tunewell.read.corpus import passages, survey


def document(number):
    """About 300 bytes that no other document has."""
    return "\n".join(
        f"Line {line} of document {number} says {number * line}." for line in range(10)
    )


DOCUMENTS = [document(number) for number in range(60)]


def write_lines(path, documents, opened=open):
    with opened(path, "wt", encoding="utf-8") as file:
        for text in documents:
            file.write(json.dumps({"title": "t", "text": text}) + "\n")
    return str(path)


@pytest.fixture
def lines(tmp_path):
    return write_lines(tmp_path / "all.jsonl", DOCUMENTS)


def test_every_document_is_read_or_kept_apart_and_none_is_both(lines):
    corpus = survey([lines])
    read = list(corpus.texts())
    assert len(corpus.held_out) == 6  # a tenth, as twenty would be more
    assert set(read) | set(corpus.held_out) == set(DOCUMENTS)
    assert not set(read) & set(corpus.held_out)
    assert corpus.documents == len(read) == 54
    assert corpus.bytes == sum(len(text.encode()) for text in read)


def test_the_seed_decides_what_is_kept_apart_and_the_order_of_files_does_not(lines, tmp_path):
    assert survey([lines]) == survey([lines])
    assert set(survey([lines], seed=1).held_out) != set(survey([lines]).held_out)
    turned = write_lines(tmp_path / "turned.jsonl", DOCUMENTS[::-1])
    assert set(survey([turned]).held_out) == set(survey([lines]).held_out)


def test_a_larger_share_holds_the_smaller(lines):
    corpus = survey([lines])
    small, large = set(corpus.texts(0.3)), set(corpus.texts(0.6))
    assert small < large < set(corpus.texts())
    for share, texts in ((0.3, small), (0.6, large)):
        assert 0 <= sum(len(text.encode()) for text in texts) - share * corpus.bytes < 500


@pytest.mark.parametrize(
    ("name", "opened"),
    [("a.jsonl.gz", gzip.open), ("a.jsonl.xz", lzma.open), ("a.ndjson", open)],
)
def test_packed_files_are_unpacked(tmp_path, lines, name, opened):
    packed = write_lines(tmp_path / name, DOCUMENTS, opened)
    assert survey([packed]).fingerprint == survey([lines]).fingerprint


def test_text_files_are_documents_and_folders_hold_them(tmp_path, lines):
    folder = tmp_path / "texts"
    (folder / "deeper" / ".git").mkdir(parents=True)
    for number, text in enumerate(DOCUMENTS):
        (folder / "deeper" / f"{number:02}.md").write_bytes(text.replace("\n", "\r\n").encode())
    (folder / "deeper" / ".git" / "config.txt").write_text("not this")
    (folder / "empty.txt").touch()
    (folder / "picture.png").write_bytes(b"\x89PNG")
    corpus = survey([str(folder)])
    assert corpus.fingerprint == survey([lines]).fingerprint
    assert corpus.notes == ("1 file of other kinds passed over.",)


def test_a_table_gives_its_column_of_texts(tmp_path, lines):
    table = tmp_path / "a.csv"
    cells = "".join('7,"{}"\n'.format(text.replace('"', '""')) for text in DOCUMENTS)
    table.write_text("id,text\n" + cells)
    assert survey([str(table)]).fingerprint == survey([lines]).fingerprint


def test_a_document_that_stands_twice_is_read_once(tmp_path, lines):
    twice = write_lines(tmp_path / "twice.jsonl", [*DOCUMENTS, *DOCUMENTS, "  \n"])
    assert survey([twice]).fingerprint == survey([lines]).fingerprint


def test_one_long_text_is_cut_into_passages_so_that_some_can_be_kept_apart(tmp_path):
    book = tmp_path / "book.txt"
    book.write_text("\n".join(DOCUMENTS))
    corpus = survey([str(book)])
    assert corpus.passage == 200 and "passages" in corpus.notes[-1]
    read = list(corpus.texts())
    assert len(corpus.held_out) >= 8
    assert sum(map(len, [*read, *corpus.held_out])) == len("\n".join(DOCUMENTS))
    assert all(text.endswith("\n") for text in read[:-1])


def test_passages_join_to_the_text_even_without_lines():
    text = "word " * 500
    parts = list(passages(text, 100))
    assert "".join(parts) == text and max(map(len, parts)) == 400


def test_texts_to_measure_on_can_be_given_and_are_not_read(tmp_path, lines):
    others = [document(number) for number in range(50, 80)]
    apart = write_lines(tmp_path / "valid.jsonl", others)
    corpus = survey([lines], validation=[apart])
    assert set(corpus.held_out) == set(others)
    assert set(corpus.texts()) == set(DOCUMENTS[:50])
    assert "10 documents" in corpus.notes[-1]
    assert corpus.fingerprint != survey([lines]).fingerprint


def test_damaged_bytes_are_replaced(tmp_path, lines):
    folder = tmp_path / "texts"
    folder.mkdir()
    for number, text in enumerate(DOCUMENTS):
        (folder / f"{number:02}.txt").write_text(text)
    (folder / "00.txt").write_bytes("Zoë é è ".encode() * 40 + b"\xff" + DOCUMENTS[0].encode())
    corpus = survey([str(folder)])
    found = [*corpus.texts(), *corpus.held_out]
    assert sum("\ufffd" in text for text in found) == 1


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.txt", None, "no file or folder"),
        ("a.exe", "text", "no file of texts"),
        ("a.jsonl", '{"a": "x", "b": "y"}\n', "no column 'text'"),
        ("a.txt", "A few words.", "too few"),
        ("a.jsonl", "{", "not valid JSON"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, name, content, says):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=says):
        survey([str(tmp_path / name)])


def test_a_folder_without_texts_is_refused(tmp_path):
    with pytest.raises(DataError, match="no file of texts in it"):
        survey([str(tmp_path)])
