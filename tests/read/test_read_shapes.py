"""CoNLL columns, SQuAD's JSON, pairs of texts and columns by name."""

import json

import pytest

from tunewell.cli import main
from tunewell.contracts import Job
from tunewell.errors import ConfigError, DataError
from tunewell.read import Source, check, find, load, read_rows
from tunewell.read.asked import any_input, input_of, input_typed
from tunewell.read.named import columns_said
from tunewell.registry import method, task, tasks
from tunewell.values import Column, Example, write_json

CONLL = """-DOCSTART- -X- O

Rosa NNP B-PER
lives VBZ O
in IN O
Turku NNP B-LOC

Yes UH O

-DOCSTART- -X- O

Bye UH O
"""
SQUAD = {
    "version": "v2.0",
    "data": [
        {
            "title": "Herons",
            "paragraphs": [
                {
                    "context": "Herons eat fish.",
                    "qas": [
                        {
                            "id": "a",
                            "question": "What do herons eat?",
                            "answers": [{"text": "fish", "answer_start": 11}],
                            "is_impossible": False,
                        },
                        {"id": "b", "question": "When?", "answers": [], "is_impossible": True},
                    ],
                }
            ],
        }
    ],
}


def test_conll_sentences(content):
    rows = list(read_rows(content(CONLL, "a.conll")))
    assert [row for row, _ in rows] == [3, 8, 12]
    first = rows[0][1]
    assert first["tokens"].value == ["Rosa", "lives", "in", "Turku"]
    assert first["column_2"].value == ["NNP", "VBZ", "IN", "NNP"]
    assert first["tags"].value == ["B-PER", "O", "O", "B-LOC"]
    assert [cells["document"] for _, cells in rows] == ["document 1", "document 1", "document 2"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("Rosa B-PER\nlives\n", "line 2: 1 column where others have 2"), ("Rosa\n", "without a tag")],
)
def test_conll_lines_that_do_not_fit(content, text, words):
    with pytest.raises(DataError, match=words):
        list(read_rows(content(text, "a.conll")))


def test_real_conll(real):
    rows = [cells for _, cells in read_rows(real / "conll2003" / "eng.testa")]
    assert len(rows) == 3250
    assert sum(len(cells["tokens"].value) for cells in rows) == 51362
    assert len({cells["document"] for cells in rows}) == 216


def test_squad_questions(content):
    rows = list(read_rows(content(json.dumps(SQUAD), "a.json")))
    assert [row for row, _ in rows] == [1, 2]
    assert rows[0][1]["question"] == "What do herons eat?"
    assert rows[0][1]["answers"].value == {"text": ["fish"], "answer_start": ["11"]}
    assert [cells["is_impossible"] for _, cells in rows] == ["false", "true"]
    assert rows[1][1]["answers"].value == {"text": [], "answer_start": []}


def test_real_squad(real):
    rows = [cells for _, cells in read_rows(real / "squad_dev" / "dev-v2.0.rebuilt.json")]
    assert len(rows) == 11873
    answered = [cells["answers"].value for cells in rows if cells["answers"].value["text"]]
    assert len(answered) == 5928
    assert all(len(each["text"]) == len(each["answer_start"]) for each in answered)


def pairs(count):
    return [
        (f"A heron {n} stands.", f"Number {n} is a bird.", "yes" if n % 2 else "no")
        for n in range(count)
    ]


def test_two_texts_are_one_input(table):
    path = table([*pairs(60), ("Only one.", "", "no")], header=("s1", "s2", "label"))
    data = load(Source(str(path), input="s1,s2"))
    assert data.columns.named == {"input": ("s1", "s2"), "target": ("label",)}
    assert "The texts are in columns 's1' and 's2' (as you said)" in data.columns.why
    example = data.train[0]
    assert isinstance(example.input, tuple) and data.task.texts(example.input) == example.input
    (fault,) = [fault for fault in data.faults if fault.kind == "empty_text"]
    assert fault.rows == (62,)
    assert sum(data.sizes.values()) == 60
    same = load(Source(str(path), columns="input=s1,s2,target=label"))
    assert same.fingerprint == data.fingerprint
    lengths = next(fault for fault in check(data) if fault.kind == "length")
    assert "9 words" in lengths.sentence


def test_pairs_that_differ_in_one_text_are_no_duplicates(table):
    rows = [("the same question", f"answer {n}", str(n % 2)) for n in range(40)]
    data = load(Source(str(table(rows, header=("a", "b", "label"))), input="a,b"))
    assert not [f for f in check(data) if f.kind in ("duplicates", "near_duplicates")]


QUESTION = Column("question", "The question.", "questions", headers=("question", "frage"))
CONTEXT = Column("context", "The passage.", "passages", headers=("context", "passage"))
CHOICES = Column(
    "choices",
    "What to choose from.",
    "choices",
    headers=("choices", ("a", "b", "c")),
    several=True,
    nested=True,
)


def test_columns_by_their_usual_names(table):
    path = table([("Wer?", "Ein Text.", "x")], header=("Frage", "Passage", "z"))
    found = find(path, [QUESTION, CONTEXT], {})
    assert found.named == {"question": ("Frage",), "context": ("Passage",)}
    assert found.why == (
        "The questions are in column 'Frage' (by name), the passages in column 'Passage' (by name)."
    )
    path = table([("Wer?", "x", "y", "z")], header=("Frage", "A", "B", "C"))
    assert find(path, [QUESTION, CHOICES], {}).named["choices"] == ("A", "B", "C")


def test_a_column_that_is_not_found_says_what_to_type(table):
    path = table([("Wer?", "Ein Text.")], header=("Frage", "q"))
    with pytest.raises(DataError, match="--columns question=NAME,context=NAME"):
        find(path, [QUESTION, CONTEXT], {})
    assert find(path, [QUESTION, CONTEXT], {"context": "q"}).named["context"] == ("q",)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("tezt=a", "no column called 'tezt'"),
        ("a,b", "no name before"),
        ("input=a,input=b", "twice"),
    ],
)
def test_columns_that_cannot_be_meant(typed, words):
    with pytest.raises(ConfigError, match=words):
        columns_said(Source("a.csv", columns=typed), task("classify")())


def test_the_example_for_columns_is_one_that_a_task_takes():
    with pytest.raises(ConfigError) as caught:
        columns_said(Source("a.csv", columns="a,b"), task("answer")())
    typed = caught.value.expected.removeprefix("Expected: ").partition(", or ")[0]
    said = columns_said(Source("a.csv", columns=typed), task("answer")())
    assert said == {"question": "Frage", "passage": "Text"}


def test_columns_as_json_or_with_commas():
    source = Source("a.csv", columns='{"input": ["a", "b"], "target": "c"}')
    assert columns_said(source, task("classify")()) == {"input": "a,b", "target": "c"}
    source = Source("a.csv", columns="input=a,b,target=c")
    assert columns_said(source, task("classify")()) == {"input": "a,b", "target": "c"}


def test_inputs_beside_files():
    classify = task("classify")()
    assert input_of(classify, "a text", "input 1") == "a text"
    assert input_of(classify, ["one", "two"], "input 1") == ("one", "two")
    assert input_typed(classify, '{"input": ["one", "two"]}', "text 1") == ("one", "two")
    assert input_typed(classify, "{not JSON", "text 1") == "{not JSON"
    for value in ("", {"txt": "a"}, [""], {"input": 3.5, "strange": 1}):
        with pytest.raises(DataError, match="input 1"):
            input_of(classify, value, "input 1")


def test_a_model_of_pairs_refuses_one_text():
    rows = [Example(("one", f"other {n}"), "ab"[n % 2]) for n in range(9)]
    learnt = task("classify").from_examples(rows)
    assert input_of(learnt, ["one", "two"], "input 1") == ("one", "two")
    for value in ("one", ["one"], ["one", "two", "three"]):
        with pytest.raises(DataError, match="learnt from rows with 2"):
            input_of(learnt, value, "input 1")
    assert len(any_input(learnt)) == 2 and any_input(task("classify")()) == "a"


@pytest.mark.parametrize("name", tasks())
def test_each_task_has_some_input(name):
    assert all(task(name)().texts(any_input(task(name)())))


def test_predict_takes_rows_and_objects_of_pairs(table, tmp_path, capsys):
    rows = [Example(("one", f"other {n}"), "ab"[n % 3 == 0]) for n in range(9)]
    learnt = task("classify").from_examples(rows)
    made = method("majority")().fit(Job(learnt, tuple(rows), tuple(rows), None))
    made.save(tmp_path / "run")
    named = {"columns": {"input": "s1,s2", "named": {"input": ["s1", "s2"]}}}
    write_json(tmp_path / "run" / "data.json", named)
    path = table([("x", "y"), ("z", "")], header=("s1", "s2"), name="new.csv")
    assert main(["predict", str(tmp_path / "run"), "--file", str(path)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "text_1,text_2,answer,confidence" and err == ""
    assert out.splitlines()[1].startswith("x,y,a,") and out.splitlines()[2] == ",,,"
    assert main(["predict", str(tmp_path / "run"), '{"input": ["x", "y"]}', "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["answers"][0]
    assert told["input"] == ["x", "y"] and told["answer"] == "a"
    assert main(["predict", str(tmp_path / "run"), "alone"]) == 2
    assert "text 1: 1 text, where this model" in capsys.readouterr().err
