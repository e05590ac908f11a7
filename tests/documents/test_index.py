"""An index of documents: made, brought up to date, asked, interrupted."""

import json
import random
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import tunewell
from documents import makers
from fit import tiny
from tunewell.cli import main
from tunewell.documents import store

HANDBOOK = Path(__file__).parents[2] / "examples" / "handbook"


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """A small random encoder, in which texts with the same tokens are near each other."""
    return str(tiny.save(tmp_path_factory.mktemp("backbone")))


@pytest.fixture
def folder(tmp_path):
    """Four documents of four formats."""
    made = tmp_path / "my documents"
    made.mkdir()
    (made / "leave.md").write_text("# Leave\n\n## Notice\n\nfour weeks to the end of a month\n")
    (made / "it's ü.txt").write_text("bring the lamp back on monday")
    makers.pdf(made / "a.pdf", ["wages are paid on friday", "the zebra crossing is closed"])
    makers.docx(made / "b.docx")
    return made


@pytest.fixture
def index(folder, backbone, tmp_path):
    """An index of them."""
    tunewell.index(folder, out=str(tmp_path / "index"), backbone=backbone, device="cpu")
    return tmp_path / "index"


def files(found):
    return [hit.file for hit in found.passages]


def test_passages_are_found_with_file_and_place(index, folder):
    for question, place, text in [
        ("notice of weeks", "leave.md, line 3, Notice", "## Notice\n\nfour weeks"),
        ("ZEBRAS", "a.pdf, page 2", "zebra crossing"),
        ("lamp", "it's ü.txt, line 1", "bring the lamp"),
        ("breakfast", "b.docx, Hotels", "Breakfast is part of it."),
    ]:
        for by in ("both", "words"):
            hit = tunewell.ask(index, question, by=by).passages[0]
            assert hit.place == place
            assert text in hit.text
            assert hit.words_rank == 1
    hit = tunewell.ask(index, "notice weeks", by="words").passages[0]
    assert (folder / hit.file).read_text()[hit.start : hit.end] == hit.text


def test_by_vectors_a_passage_finds_itself(index):
    text = "bring the lamp back on monday"
    found = tunewell.ask(index, f"it s ü\n{text}", by="vectors")
    assert found.passages[0].text == text
    assert found.passages[0].cosine == pytest.approx(1, abs=1e-3)
    assert [hit.vectors_rank for hit in found.passages] == [1, 2, 3, 4, 5]


def test_ranks_are_fused(index):
    for hit in tunewell.ask(index, "wages of the notice", passages=20).passages:
        ranks = [rank for rank in (hit.vectors_rank, hit.words_rank) if rank]
        assert hit.score == pytest.approx(sum(1 / (60 + rank) for rank in ranks))


def test_files_narrow_the_search(index):
    assert set(files(tunewell.ask(index, "the", files="*.pdf"))) == {"a.pdf"}
    assert set(files(tunewell.ask(index, "the", files="it's*"))) == {"it's ü.txt"}
    with pytest.raises(tunewell.ConfigError, match="No file in"):
        tunewell.ask(index, "the", files="*.png")


def test_only_what_changed_is_read_again(index, folder, backbone):
    out = {"out": str(index), "device": "cpu"}
    again = tunewell.index(folder, **out)
    assert (again.files, again.added, again.changed, again.removed) == (4, (), (), ())
    before = (index / "index.json").read_bytes()
    (folder / "leave.md").write_text("# Leave\n\nsix years of silence\n")
    (folder / "a.pdf").unlink()
    (folder / "new.md").write_text("# Fresh\n\nonions and figs\n")
    done = tunewell.index(folder, **out)
    assert (done.added, done.changed, done.removed) == (("new.md",), ("leave.md",), ("a.pdf",))
    assert (index / "index.json").read_bytes() != before
    assert files(tunewell.ask(index, "onions", by="words")) == ["new.md"]
    assert files(tunewell.ask(index, "zebra month", by="words")) == []
    assert files(tunewell.ask(index, "silence", by="words")) == ["leave.md"]
    found = tunewell.ask(index, "anything", by="vectors", passages=50)
    assert len(found.passages) == done.passages


def test_the_same_words_in_two_files_are_one_passage(index, folder):
    (folder / "leave copy.md").write_text((folder / "leave.md").read_text())
    tunewell.index(folder, out=str(index))
    hit, *others = tunewell.ask(index, "notice weeks", by="words").passages
    places = {hit.place, *hit.also}
    assert places == {"leave.md, line 3, Notice", "leave copy.md, line 3, Notice"}
    assert all("Notice" not in other.text for other in others)


def test_what_cannot_be_read_is_named_and_the_rest_indexed(folder, backbone, tmp_path):
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (folder / "old.txt").write_bytes("Grüße aus Köln, liebe Kollegen\n".encode("cp1252") * 5)
    (folder / "picture.png").write_bytes(b"\x89PNG")
    done = tunewell.index(folder, out=str(tmp_path / "i"), backbone=backbone)
    assert done.files == 5
    assert [one.file for one in done.left_out] == ["broken.pdf", "picture.png"]
    assert "guess" in done.notes["old.txt"]
    assert set(files(tunewell.ask(tmp_path / "i", "Köln", by="words"))) == {"old.txt"}


def test_an_index_keeps_to_its_backbone_and_its_folder(index, folder, tmp_path):
    other = tiny.save(tmp_path / "other", intermediate_size=64)
    with pytest.raises(tunewell.ConfigError, match="was made with") as refused:
        tunewell.index(folder, out=str(index), backbone=str(other))
    assert "--out" in refused.value.remedy
    with pytest.raises(tunewell.ConfigError, match="tokens"):
        tunewell.index(folder, out=str(index), passage_tokens=7)
    with pytest.raises(tunewell.ConfigError, match="is an index of"):
        tunewell.index(HANDBOOK, out=str(index))
    with pytest.raises(tunewell.ConfigError, match="something else"):
        tunewell.index(HANDBOOK, out=str(folder))
    folder.rename(tmp_path / "moved")
    assert tunewell.index(tmp_path / "moved", out=str(index)).changed == ()


def test_a_changed_backbone_is_told(folder, tmp_path):
    own = tiny.save(tmp_path / "own")
    tunewell.index(folder, out=str(tmp_path / "i"), backbone=str(own))
    tiny.save(own, intermediate_size=64)
    with pytest.raises(tunewell.ConfigError, match="has changed since"):
        tunewell.ask(tmp_path / "i", "lamp")
    assert files(tunewell.ask(tmp_path / "i", "lamp", by="words")) == ["it's ü.txt"]


def test_a_folder_without_documents_changes_nothing(index, folder, tmp_path, capsys):
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(tunewell.DataError, match="holds no document"):
        tunewell.index(folder, out=str(index))
    assert files(tunewell.ask(index, "lamp", by="words")) == ["it's ü.txt"]
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(tunewell.DataError, match="it is no text"):
        tunewell.index(tmp_path / "a.png")
    with pytest.raises(tunewell.DataError, match="There is no folder"):
        tunewell.index(tmp_path / "nowhere")
    with pytest.raises(tunewell.ConfigError, match="There is no index"):
        tunewell.ask(tmp_path / "nowhere", "lamp")


@pytest.mark.parametrize("question", ["", " \n", "?" * 20_001])
def test_what_is_no_question_is_refused(index, question):
    with pytest.raises(tunewell.ConfigError, match="The question"):
        tunewell.ask(index, question)


def test_odd_questions_are_answered(index):
    long = tunewell.ask(index, "where is the lamp now " * 450)
    assert "it's ü.txt" in files(long)
    assert any("first 64 tokens" in note for note in long.notes)
    for question in ("xyzzy", "\ud83d", "'; DROP TABLE --", '"((AND', "日本"):
        found = tunewell.ask(index, question)
        assert found.passages
        assert "No passage has a word of the question." in found.notes
    assert tunewell.ask(index, "xyzzy", by="words").passages == ()


KILLED = """
import os, signal, sys, tunewell
from tunewell.documents import indexing, store
indexing.AT_ONCE = 150
keep, calls = store.add, []
def add(*given):
    keep(*given)
    calls.append(1)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
store.add = add
tunewell.index(sys.argv[1], out=sys.argv[2], device="cpu")
"""


def test_an_interrupted_change_leaves_the_index_whole(index, folder):
    chance = random.Random(0)
    for number in range(6):
        lines = [f"page {number} says {chance.random()}" for _ in range(200)]
        (folder / f"more {number}.txt").write_text("\n\n".join(lines))
    (folder / "leave.md").unlink()
    before = tunewell.ask(index, "notice month", passages=20)
    done = subprocess.run([sys.executable, "-c", KILLED, folder, index], check=False)
    assert done.returncode < 0
    assert tunewell.ask(index, "notice month", passages=20) == before
    told = []
    after = tunewell.index(folder, out=str(index), watch=lambda event: told.append(event.message))
    assert after.files == 9 and len(after.added) == 6 and after.removed == ("leave.md",)
    assert any("documents, " in message and "6 of them" not in message for message in told)
    found = tunewell.ask(index, "page says", by="vectors", passages=100)
    assert len({(hit.file, hit.start) for hit in found.passages}) == len(found.passages)
    assert files(tunewell.ask(index, "notice month weeks", by="words")) == []
    table = tunewell.index(folder, out=str(index))
    assert table.passages == after.passages and table.changed == ()


def test_a_full_disk_is_told_and_the_index_stays(index, folder, monkeypatch):
    before = tunewell.ask(index, "lamp", by="words")
    (folder / "new.txt").write_text("\n\n".join(f"{n} {random.random()}" for n in range(500)))
    add, most = store.add, resource.getrlimit(resource.RLIMIT_FSIZE)

    def onto_a_full_disk(*given):
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, most[1]))
        try:
            add(*given)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, most)

    monkeypatch.setattr(store, "add", onto_a_full_disk)
    with pytest.raises(tunewell.ResourceError, match="no room"):
        tunewell.index(folder, out=str(index))
    assert tunewell.ask(index, "lamp", by="words") == before
    monkeypatch.undo()
    assert tunewell.index(folder, out=str(index)).added == ("new.txt",)


def test_the_commands(folder, backbone, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (folder / "x.png").write_bytes(b"")
    (folder / "y.pdf").write_bytes(b"%PDF")
    assert main(["index", str(folder), "--out", "i", "--backbone", backbone]) == 0
    out = capsys.readouterr().out
    assert "y.pdf was left out: it is damaged" in out
    assert "1 file is no document (.png)" in out
    assert "4 documents in 7 passages (4 added)" in out
    assert main(["ask", "i", "when does the lamp come back?", "--by", "words"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("1. it's ü.txt, line 1\n   bring the lamp back on monday\n")
    assert main(["ask", "i", "lamp", "--json", "--by", "words"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["passages"][0]["file"] == "it's ü.txt"
    assert main(["index", str(folder), "--out", "i", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == 4
    for argv in (["ask", "i"], ["ask", "i", ""], ["ask", "i", "x", "--by", "luck"], ["index"]):
        assert main(argv) == 2
        assert len(capsys.readouterr().err.splitlines()) <= 3
