"""One model on several sets, beside one on each."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tunewell import registry, run
from tunewell.cli import main
from tunewell.contracts import Job
from tunewell.errors import ConfigError
from tunewell.measure.answers import read_answers
from tunewell.mix.rows import chosen, drawn, placed, write_rows
from tunewell.mix.settings import MixOptions, read_mix
from tunewell.options import Layer, from_keywords
from tunewell.values import Example, Machine, read_json

sys.path.insert(0, str(Path(__file__).parent.parent / "fit"))
import writers

TYPED = Layer("command line", {})


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two sets with a file of options each, and a mix of them by a tiny decoder."""
    folder = tmp_path_factory.mktemp("mix")
    decoder = writers.save("gpt2", folder / "gpt2", "chatml")
    pairs = [f"kelo {n} maru,maru {n},{n // 4}" for n in range(40)]
    (folder / "pairs.csv").write_text("\n".join(["source,target,who", *pairs]))
    notes = [{"document": f"sita {n} lopo lopo", "summary": f"sita {n}"} for n in range(25)]
    (folder / "notes.jsonl").write_text("\n".join(map(json.dumps, notes)))
    (folder / "pairs.yaml").write_text(f"data: {folder}/pairs.csv\ntask: translate\ngroup: who\n")
    (folder / "notes.yaml").write_text(f"data: {folder}/notes.jsonl\ntask: summarise\n")
    (folder / "mix.yaml").write_text(
        f"sets: [{folder}/pairs.yaml, {folder}/notes.yaml]\n"
        f"out: {folder}/out\nbackbone: {decoder}\nmethods: [majority, full]\ntrials: 1\n"
        "dtype: float32\nfull:\n  epochs: 1\n"
    )
    return folder


def test_each_set_gives_its_share_of_the_rows():
    assert drawn([300, 100], None, 1.0) == [300, 100]
    assert drawn([300, 100], None, 2.0) == [254, 146]  # as the roots of 300 and 100
    assert drawn([300, 100], (1, 3), 1.0) == [100, 300]
    rows = [Example(str(n), str(n)) for n in range(4)]
    again = chosen(rows, 10, seed=0)
    assert sorted({row.input: again.count(row) for row in rows}.values()) == [2, 2, 3, 3]
    assert again == chosen(rows, 10, seed=0)
    assert len({row.input for row in chosen(rows, 3, seed=0)}) == 3


def rows_of(name, many):
    return [Example(f"{name} {n}", str(n)) for n in range(many)]


def test_a_set_that_joins_later_is_learnt_from_there_on_and_earlier_ones_go_on():
    sets = [rows_of("old", 6), rows_of("new", 4)]
    found = placed(sets, (0.0, 0.5), None, seed=0)
    assert [(row.input, during) for _, row, during in found] == [
        *((f"old {n}", (0.0, 1.0)) for n in range(6)),
        *((f"new {n}", (0.5, 1.0)) for n in range(4)),
    ]


def test_earlier_sets_are_replayed_in_the_share_asked_for_in_proportion_to_their_rows():
    sets = [rows_of("a", 30), rows_of("b", 10), rows_of("c", 20), rows_of("d", 60)]
    found = placed(sets, (0.0, 0.0, 0.25, 0.75), 0.4, seed=0)
    parts = {during for _, _, during in found}
    assert parts == {(0.0, 0.25), (0.25, 0.75), (0.75, 1.0)}
    counts = {
        part: [sum(n == number and during == part for n, _, during in found) for number in range(4)]
        for part in parts
    }
    assert counts[0.0, 0.25] == [30, 10, 0, 0]
    assert counts[0.25, 0.75] == [10, 3, 20, 0]  # 40 % of 33: 13 rows, as 30 to 10
    assert counts[0.75, 1.0] == [20, 7, 13, 60]  # 40 % of 100: 40 rows, as 30 to 10 to 20
    again = [row for number, row, during in found if number == 1 and during == (0.25, 0.75)]
    assert len({row.input for row in again}) == 3
    assert found == placed(sets, (0.0, 0.0, 0.25, 0.75), 0.4, seed=0)
    forgotten = placed(sets[:2], (0.0, 0.5), 0.0, seed=0)
    assert [during for number, _, during in forgotten if number == 0] == [(0.0, 0.5)] * 30


def test_the_rows_of_a_mix_say_when_they_are_learnt_and_are_read_so(files):
    options = MixOptions(("pairs.yaml", "notes.yaml"), joins=(0, 0.5), replay=0.25)
    sets = {
        name: run.rows_of_texts(from_keywords({"data": files / f"{name}.yaml"}).options)
        for name in ("pairs", "notes")
    }
    folder = files / "rows"
    write_rows(folder, sets, [len(data.train) for data in sets.values()], options, 0)
    lines = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    new = len(sets["notes"].train)
    assert [line["set"] for line in lines if line["during"] == [0.5, 1]].count("notes") == new
    assert {line["set"] for line in lines if line["during"] == [0, 0.5]} == {"pairs"}
    asked = from_keywords({"data": str(folder), "task": "chat"})
    read = run.rows_of_texts(asked.options)
    assert [list(row.during) for row in read.train] == [line["during"] for line in lines]
    assert {row.during for row in read.test} == {(0.0, 1.0)}


def test_replay_keeps_what_was_learnt_first(tmp_path):
    """A tiny decoder learns one answer, then another; with replay the first one is kept."""
    from tunewell.fit.backbones import resolve

    def rows(word, answer):
        asked = [({"role": "user", "content": f"{word} {n}"},) for n in range(24)]
        return [Example(each, answer) for each in asked]

    backbone = resolve(str(writers.save("gpt2", tmp_path / "gpt2", "chatml")))
    sets = [rows("kelo", "maru sivo"), rows("grun", "tolm bark")]
    chat = registry.task("chat")()
    surprise = {}
    for replay in (0.0, 0.4):
        train = [
            replace(row, during=during)
            for _, row, during in placed(sets, (0.0, 0.5), replay, seed=0)
        ]
        method = registry.method("full")(learning_rate=5e-3, epochs=8, batch_size=8)
        job = Job(chat, tuple(train), tuple(sets[1]), backbone, Machine(threads=1))
        fitted = method.fit(job)
        told = fitted.surprise([r.input for r in sets[0]], [r.target for r in sets[0]])
        surprise[replay] = sum(each.nats for each in told)
    assert surprise[0.4] < 0.5 * surprise[0.0]


def test_both_sets_are_fitted_alone_and_together_on_the_same_rows(files, capsys):
    argv = ["mix", str(files / "mix.yaml"), "--temperature", "2", "--json"]
    assert main(argv) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"]["pairs"]["together"] < told["rows"]["pairs"]["alone"]
    assert told["rows"]["notes"]["together"] > told["rows"]["notes"]["alone"]
    found = {(each["set"], each["method"]): each for each in told["effects"]}
    assert set(found) == {("pairs", "full"), ("notes", "full")}
    assert set(told["left_out"]) == {"pairs, majority", "notes, majority"}
    assert "each row has a text of its own" in told["left_out"]["pairs, majority"]
    assert found["pairs", "full"]["metric"] == "chrf"
    assert found["notes", "full"]["metric"] == "rouge_l"

    out = files / "out"
    both = read_json(out / "together" / "comparison.json")
    result = next(r for r in both["results"] if r["method"] == "full")
    targets, answers = read_answers(out / "together" / result["folders"][0])
    first = told["rows"]["pairs"]["test"]
    assert [t.split()[0] for t in targets] == ["maru"] * first + ["sita"] * (len(targets) - first)
    chrf = registry.task("translate")().metrics["chrf"]
    by_hand = float(chrf.value(chrf.statistics(targets[:first], answers[:first]).sum(0)))
    effect = found["pairs", "full"]
    assert effect["together"]["value"] == pytest.approx(by_hand)
    assert effect["difference"]["value"] == pytest.approx(by_hand - effect["alone"]["value"])
    alone = read_json(out / "pairs" / "comparison.json")
    own = next(r for r in alone["results"] if r["method"] == "full")
    assert alone["groups"] < first
    assert effect["alone"] == pytest.approx(own["scores"]["chrf"], abs=1e-6)
    assert np.isfinite([effect["difference"]["low"], effect["difference"]["high"]]).all()

    assert main(argv[:-1]) == 0  # all is there already
    text = capsys.readouterr().out
    assert "pairs, full: chrF" in text and "Of 2 pairs of set and method" in text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sets: [a.yaml]\n", "sets names one set"),
        ("sets: [a.yaml, b/a.yaml]\n", "two files called a"),
        ("sets: [a.yaml, b.yaml]\nweights: [1]\n", "weights is 1"),
        ("sets: [a.yaml, b.yaml]\ntemperature: 0\n", "temperature is 0"),
        ("sets: [a.yaml, b.yaml]\nweights: [1, 2]\ntemperature: 2\n", "nothing beside weights"),
        ("sets: [a.yaml, together.yaml]\n", "a file called together"),
        ("sets: [a.yaml, b.yaml]\njoins: [0.5, 0.7]\n", "joins is 0.5,0.7"),
        ("sets: [a.yaml, b.yaml]\njoins: [0, 1]\n", "joins is 0,1"),
        ("sets: [a.yaml, b.yaml]\njoins: [0]\n", "joins is 0"),
        ("sets: [a.yaml, b.yaml]\nreplay: 0.5\n", "replay does nothing"),
        ("sets: [a.yaml, b.yaml]\njoins: [0, 0.5]\nreplay: 1\n", "replay is 1"),
        ("sets: [a.yaml, b.yaml]\ndata: a.csv\n", "data in .* belongs to one set"),
        ("sets: [a.yaml, b.yaml]\nmethod: lora\n", "no option method"),
    ],
)
def test_what_cannot_be_mixed_is_refused(files, tmp_path, monkeypatch, text, found):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        Path(f"{name}.yaml").write_text("data: a.csv\ntask: translate\n")
    Path("mix.yaml").write_text(text)
    with pytest.raises(ConfigError, match=found):
        read_mix("mix.yaml", TYPED)


def test_labels_cannot_be_mixed_with_texts(files, tmp_path, capsys):
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["text,label", *(f"kelo {n},{n % 2}" for n in range(30))]))
    (tmp_path / "labels.yaml").write_text(f"data: {table}\ntask: classify\n")
    mix = (files / "mix.yaml").read_text().replace(f"{files}/notes.yaml", f"{tmp_path}/labels.yaml")
    (tmp_path / "mix.yaml").write_text(mix)
    assert main(["mix", str(tmp_path / "mix.yaml")]) == 2
    assert "answers of classify are no texts" in capsys.readouterr().err


def test_rows_that_say_when_they_are_learnt_cannot_be_mixed(files, tmp_path, capsys):
    answer = {"role": "assistant", "content": "maru"}
    rows = [
        {"messages": [{"role": "user", "content": f"kelo {n}"}, answer], "during": [0.5, 1]}
        for n in range(30)
    ]
    (tmp_path / "phases.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "phases.yaml").write_text(f"data: {tmp_path}/phases.jsonl\ntask: chat\n")
    mix = (files / "mix.yaml").read_text().replace(f"{files}/notes.yaml", f"{tmp_path}/phases.yaml")
    (tmp_path / "mix.yaml").write_text(mix.replace(f"{files}/out", f"{tmp_path}/out"))
    assert main(["mix", str(tmp_path / "mix.yaml")]) == 2
    assert "phases cannot be mixed: its rows say themselves" in capsys.readouterr().err


def test_texts_without_a_question_cannot_be_mixed(files, tmp_path, capsys):
    table = tmp_path / "texts.csv"
    table.write_text("\n".join(["text", *(f"kelo {n} maru lopo" for n in range(30))]))
    (tmp_path / "texts.yaml").write_text(f"data: {table}\ntask: complete\n")
    mix = (files / "mix.yaml").read_text().replace(f"{files}/notes.yaml", f"{tmp_path}/texts.yaml")
    (tmp_path / "mix.yaml").write_text(mix.replace(f"{files}/out", f"{tmp_path}/out"))
    assert main(["mix", str(tmp_path / "mix.yaml")]) == 2
    assert "texts cannot be mixed" in capsys.readouterr().err
    assert not (tmp_path / "out" / "pairs").exists()
