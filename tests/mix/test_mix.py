"""One model on several sets, beside one on each."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tunewell import registry
from tunewell.cli import main
from tunewell.errors import ConfigError
from tunewell.measure.answers import read_answers
from tunewell.mix.rows import chosen, drawn
from tunewell.mix.settings import read_mix
from tunewell.options import Layer
from tunewell.values import Example, read_json

sys.path.insert(0, str(Path(__file__).parent.parent / "fit"))
import writers

TYPED = Layer("command line", {})


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two sets with a file of options each, and a mix of them by a tiny decoder."""
    folder = tmp_path_factory.mktemp("mix")
    decoder = writers.save("gpt2", folder / "gpt2", "chatml")
    pairs = [f"kelo {n} maru,maru {n}" for n in range(40)]
    (folder / "pairs.csv").write_text("\n".join(["source,target", *pairs]))
    notes = [{"document": f"sita {n} lopo lopo", "summary": f"sita {n}"} for n in range(25)]
    (folder / "notes.jsonl").write_text("\n".join(map(json.dumps, notes)))
    (folder / "pairs.yaml").write_text(f"data: {folder}/pairs.csv\ntask: translate\n")
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
    assert effect["alone"]["value"] == pytest.approx(own["scores"]["chrf"]["value"])
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


def test_texts_without_a_question_cannot_be_mixed(files, tmp_path, capsys):
    table = tmp_path / "texts.csv"
    table.write_text("\n".join(["text", *(f"kelo {n} maru lopo" for n in range(30))]))
    (tmp_path / "texts.yaml").write_text(f"data: {table}\ntask: complete\n")
    mix = (files / "mix.yaml").read_text().replace(f"{files}/notes.yaml", f"{tmp_path}/texts.yaml")
    (tmp_path / "mix.yaml").write_text(mix.replace(f"{files}/out", f"{tmp_path}/out"))
    assert main(["mix", str(tmp_path / "mix.yaml")]) == 2
    assert "texts cannot be mixed" in capsys.readouterr().err
    assert not (tmp_path / "out" / "pairs").exists()
