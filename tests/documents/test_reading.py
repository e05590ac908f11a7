"""What each format says, and why a file cannot be read."""

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents import makers
from tunewell.documents.cut import cut
from tunewell.documents.document import Document, Unreadable, under_headings
from tunewell.documents.files import documents_in, fingerprint, read


def words(texts):
    """A tokenizer's count, one token a word."""
    return [len(text.split()) for text in texts]


def passages(document: Document, tokens: int = 12, name: str = "the file.txt"):
    return [(document.text[p.start : p.end], p.context) for p in cut(document, name, tokens, words)]


def test_markdown_is_cut_at_its_headings(tmp_path):
    path = tmp_path / "a.md"
    path.write_bytes(
        b"---\r\ntitle: x\r\n---\r\nBefore.\r\n\r\n# Leave\r\n\r\nNotice\r\n------\r\n"
        b"Four *weeks*.\r\n\r\n```\r\n# no heading\r\n```\r\n\r\n## Old `ways`\n### Older\nGone.\n"
    )
    document = read(path)
    cuts = list(cut(document, "a.md", 50, words))
    assert [p.headings for p in cuts] == [
        (),
        ("Leave", "Notice"),
        ("Leave", "Old ways", "Older"),
    ]
    assert [document.line(p.start) for p in cuts] == [1, 8, 17]
    assert [p.context for p in cuts] == ["", "Leave", "Leave > Old ways"]
    assert document.text[cuts[1].start : cuts[1].end].endswith("# no heading\n```")


def test_html_says_what_a_browser_shows(tmp_path):
    path = tmp_path / "a.html"
    path.write_text(
        "<head><title>no</title><style>p{}</style></head><h1>The <b>work</b>shop</h1>"
        "<div><p>Open&nbsp;<i>late</i>.</p>tail<br>more<ul><li>one<li>two</ul></div>"
        "<script>bad()</script><h2>Tools</h2><table><tr><td>saw<td>drawer 3</table>"
    )
    document = read(path)
    assert document.text == (
        "The workshop\n\nOpen late.\n\ntail\nmore\n\none\ntwo\n\nTools\n\nsaw | drawer 3"
    )
    assert [s.headings for s in document.sections] == [
        ("The workshop",),
        ("The workshop", "Tools"),
    ]


def test_a_page_is_read_in_the_encoding_that_it_names(tmp_path):
    path = tmp_path / "a.htm"
    path.write_bytes("<meta charset='shift_jis'><p>株式会社".encode("shift_jis"))
    assert read(path).text == "株式会社"


def test_word_files_keep_order_headings_and_tables(tmp_path):
    document = read(makers.docx(tmp_path / "a.docx"))
    assert passages(document) == [
        ("Travel\n\nGo by train.", ""),
        ("Hotels\n\ncity | most\nelsewhere 110\n\nBreakfast is part of it.", "Travel"),
    ]


def test_pdfs_keep_their_pages(tmp_path):
    document = read(makers.pdf(tmp_path / "a.pdf", ["The war-\nranty", "ends in May"]))
    assert "warranty" in document.text
    assert document.page(document.text.index("May")) == 2
    assert document.page(0) == 1
    assert document.line(0) is None


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("locked.pdf", lambda p: makers.pdf(p, ["a"], "secret"), "password"),
        ("scan.pdf", lambda p: makers.pdf(p, [""]), "only pictures"),
        ("cut.pdf", lambda p: p.write_bytes(b"%PDF-1.4\n1 0 obj"), "damaged, or no PDF"),
        ("no.docx", lambda p: p.write_text("hello"), "damaged, or no DOCX"),
        ("bomb.docx", makers.bomb, "1024 MB"),
        ("deep.html", lambda p: p.write_text("<div>" * 100_000 + "x"), "within each other"),
        ("binary.txt", lambda p: p.write_bytes(bytes(range(256)) * 20), "a binary file"),
        ("empty.md", lambda p: p.write_text(" \n"), "empty"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, name, make, reason):
    make(tmp_path / name)
    with pytest.raises(Unreadable, match=reason):
        read(tmp_path / name)


def test_a_folder_with_odd_things_in_it(tmp_path):
    (tmp_path / "in side").mkdir()
    (tmp_path / "in side" / "ünï 'x'.TXT").write_text("a")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / ".hidden.txt").write_text("a")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "own.txt").write_text("a")
    os.mkfifo(tmp_path / "pipe.txt")
    files, left = documents_in(tmp_path, tmp_path / "runs")
    assert [file.name for file in files] == ["gone.txt", "pipe.txt", "in side/ünï 'x'.TXT"]
    assert {one.file: one.other_kind for one in left} == {"loop": False, "picture.png": True}
    for file, reason in zip(files[:2], ("a link to nothing", "a pipe"), strict=True):
        with pytest.raises(Unreadable, match=reason):
            fingerprint(file.path)


# --- cutting


def plain(text: str) -> Document:
    return Document(text, under_headings(text, []))


def test_paragraphs_go_together_while_they_fit():
    assert passages(plain("a b c\n\nd e f\n\ng h\n"), 6) == [
        ("a b c\n\nd e f", "the file"),
        ("g h", "the file"),
    ]


def test_a_long_paragraph_is_cut_after_sentences():
    found = passages(plain("One two three. Four e.g. five six! Seven (eight). Nine."), 4)
    assert [text for text, _ in found] == [
        "One two three.",
        "Four e.g. five six!",
        "Seven (eight). Nine.",
    ]


@pytest.mark.parametrize("text", ["." * 10**5, ". " * 10**4, "\n" * 10**5 + "x", "a.\n" * 10**4])
def test_what_repeats_itself_is_cut_in_no_time(text):
    begun = time.process_time()
    passages(plain(text), 5)
    assert time.process_time() - begun < 2


def test_a_word_without_end_is_cut_too():
    found = passages(plain("x" * 1000), 5)
    assert "".join(text for text, _ in found) == "x" * 1000
    assert max(len(text) for text, _ in found) <= 25


@given(st.text("ab .!\n#", max_size=400), st.integers(1, 30))
def test_nothing_but_space_is_lost_and_nothing_is_too_long(text, tokens):
    cuts = list(cut(plain(text), "x", tokens, words))
    at = 0
    for passage in cuts:
        assert text[at : passage.start].strip() == ""
        piece = text[passage.start : passage.end]
        assert piece == piece.strip() and len(piece.split()) <= tokens
        at = passage.end
    assert text[at:].strip() == ""
