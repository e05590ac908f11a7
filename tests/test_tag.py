"""Tags as people write them, scores as seqeval has them, and the dictionary."""

import random

import pytest
from seqeval.metrics import classification_report, f1_score, precision_score, recall_score
from seqeval.scheme import IOB2

import toy_tasks
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import DataError, EmptyCell
from tunewell.read.columns import find
from tunewell.read.examples import read_examples
from tunewell.tasks.tag import Tag
from tunewell.values import Answer, Span

WORDS = ["Rosa", "Díaz", "lives", "in", "Lima"]


def read(given, target):
    return Tag().read({"input": given, "target": target}, "row 2")


@pytest.mark.parametrize(
    "tags",
    [
        *("B-PER I-PER O O B-LOC", "I-PER I-PER O O I-LOC"),
        *("B-PER E-PER O O S-LOC", "B-PER L-PER O O U-LOC"),
    ],
)
def test_every_scheme_of_tags_says_the_same(tags):
    text = "Rosa Díaz lives in Lima"
    spans = (Span(0, 9, "PER", "Rosa Díaz"), Span(19, 23, "LOC", "Lima"))
    assert read(WORDS, tags.split()).target == spans
    assert read(text, tags).target == spans
    assert read(text, '[{"start": 0, "end": 9, "label": "PER"}, [19, 23, "LOC"]]').target == spans
    offsets = [{"start_offset": "0", "end_offset": "9", "type": "PER"}, ["19", "23", "LOC"]]
    assert read(text, offsets).target == spans
    assert all(text[span.start : span.end] == span.text for span in spans)


def test_neighbours_of_one_type_are_told_apart_and_parts_of_speech_are_words():
    two = read(["Rosa", "Lima"], ["B-PER", "B-PER"]).target
    assert [span.text for span in two] == ["Rosa", "Lima"]
    parts = read(["She", "runs"], ["PRP$", "VBZ"]).target
    assert [(span.text, span.label) for span in parts] == [("She", "PRP$"), ("runs", "VBZ")]
    assert read(["She", "runs"], ["O", "O"]).target == () == read("She runs", []).target


@pytest.mark.parametrize(
    ("given", "target"),
    [
        (WORDS, ["O"]),
        ("Rosa", [["0", "9", "PER"]]),
        ("Rosa", [["2", "2", "PER"]]),
        ("Rosa", [["-1", "2", "PER"]]),
        ("Rosa", [["0", "4", ""]]),
        ("Rosa", [["a", "4", "PER"]]),
        ("Rosa", "[[0, 4"),
        ("Rosa", [None]),
        (WORDS, ["3", "4", "0", "0", "5"]),
        (WORDS, {"PER": "Rosa"}),
    ],
)
def test_what_does_not_fit_the_text_is_refused_with_its_place(given, target):
    with pytest.raises(DataError, match="row 2") as caught:
        read(given, target)
    assert caught.value.column == "target" and not isinstance(caught.value, EmptyCell)


def test_scores_are_those_of_seqeval():
    chance = random.Random(3)
    labels = ("LOC", "ORG", "PER")

    def sentence(like=None, length=None):
        tags = []
        for place in range(length or len(like)):
            if like and chance.random() < 0.7:
                tags.append(like[place])
                continue
            tags.append(chance.choice(["O", *(f"{m}-{k}" for k in labels for m in "BI")]))
        before = "O"
        for place, tag in enumerate(tags):  # a strict I- goes on with what was before
            if tag[0] == "I" and before[2:] != tag[2:]:
                tags[place] = "B" + tag[1:]
            before = tags[place]
        return tags

    for _ in range(20):
        true = [sentence(length=chance.randint(1, 12)) for _ in range(12)]
        said = [sentence(like=tags) for tags in true]
        task = Tag(labels)
        targets, values = (
            [read([f"w{n}" for n in range(len(tags))], tags).target for tags in side]
            for side in (true, said)
        )
        scores = task.score(targets, [Answer(value) for value in values])
        strict = {"mode": "strict", "scheme": IOB2, "zero_division": 0}
        assert scores["span_f1"] == pytest.approx(f1_score(true, said, **strict))
        assert scores["precision"] == pytest.approx(precision_score(true, said, **strict))
        assert scores["recall"] == pytest.approx(recall_score(true, said, **strict))
        whole = classification_report(true, said, output_dict=True, **strict)
        assert scores["macro_f1"] == pytest.approx(whole["macro avg"]["f1-score"])


def test_the_dictionary_takes_the_longest_and_leaves_what_is_mostly_no_name(tmp_path):
    rows = [
        read("New York is large", "B-LOC I-LOC O O"),
        read("York is old", "B-LOC O O"),
        read("May lives here", "B-PER O O"),
        read("We may go in May", "O O O O O"),
        read("It rains in May", "O O O O"),
    ]
    task = Tag.from_examples(rows)
    predictor = registry.method("dictionary")().fit(Job(task, tuple(rows), (), None))
    predictor.save(tmp_path / "model")
    again = registry.method("dictionary").load(tmp_path / "model", Job(task, (), (), None).machine)
    for model in (predictor, again):
        one, other = model.predict(["In May we see New  York, and York.", "Nothing."])
        assert one.value == (Span(14, 23, "LOC", "New  York"), Span(29, 33, "LOC", "York"))
        assert one.confidence == 1 and other == Answer(())


def test_no_row_with_a_span_is_nothing_to_learn():
    with pytest.raises(DataError, match="every tag is O"):
        Tag.from_examples([read(["kelo"], ["O"])])


def test_rows_in_which_there_is_nothing_to_find_are_kept(tmp_path):
    path = tmp_path / "rows.jsonl"
    lines = ['{"text": "Rosa is in", "spans": [[0, 4, "PER"]]}', '{"text": "Rain", "spans": []}']
    path.write_text("\n".join(lines), encoding="utf-8")
    columns = find(path, Tag.columns, {})
    examples, faults = read_examples(path, columns, Tag())
    assert [example.target for example in examples] == [(Span(0, 4, "PER", "Rosa"),), ()]
    assert not faults


def test_the_nearest_words_vote(toy_backbone, monkeypatch):
    from tunewell.fit import known_words
    from tunewell.fit.backbones import resolve

    task, rows = toy_tasks.learnt("tag"), toy_tasks.examples("tag", 40)
    job = Job(task, rows[:30], rows[30:], resolve(str(toy_backbone)))
    method = registry.method("nearest_words")
    predictor = method(k=1).fit(job)
    words = [len(example.input["words"]) for example in rows[:30]]
    assert len(predictor.vectors) == len(predictor.tags) == sum(words)
    starts = (predictor.tags % 2 == 1).sum()  # after O, each type has B- and then I-
    assert starts == sum(len(example.target) for example in rows[:30])
    # Of itself each training word is the nearest, so that what was learnt is said.
    answers = predictor.predict([example.input for example in rows[:30]])
    assert [a.value for a in answers] == [example.target for example in rows[:30]]
    monkeypatch.setattr(known_words, "MOST", 60)
    fewer = method().fit(job)
    assert len(fewer.vectors) <= 60
    inside = (predictor.tags != 0).float().mean()
    assert (fewer.tags != 0).float().mean() >= min(0.5, inside) - 0.1
