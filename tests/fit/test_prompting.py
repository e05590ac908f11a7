"""Models that are asked: what stands in a question, how answers are read, scored and kept."""

import json
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
import torch
import writers

from test_task_laws import legal
from toy_tasks import examples, learnt, modules, task_of
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit import turns
from tunewell.fit.backbones import resolve
from tunewell.fit.endpoints.named import endpoint_named
from tunewell.fit.endpoints.writer import AT_ONCE, SECONDS
from tunewell.fit.prompting.questions import Questions, answer_of, question, solved, told_before
from tunewell.fit.prompting.search import answers_needed
from tunewell.fit.prompting.shots import WAYS, chosen
from tunewell.fit.prompting.writers import may_write, writer_of
from tunewell.plan.probe import estimate
from tunewell.values import Example, Machine, read_json

MACHINE = Machine(threads=1)
WIDE = 1024
ASKED = [name for name in modules() if task_of(name) not in ("tag", "similar")]
LABELS = ("sea", "forest", "desert")


@pytest.fixture(scope="session")
def backbone(tmp_path_factory):
    """Makes a model that writes; those that can have room for solved rows."""

    @cache
    def made(shape):
        folder = tmp_path_factory.mktemp("asked") / shape
        writers.save(shape, folder, "chatml" if shape == "qwen2" else "none")
        config = json.loads((folder / "config.json").read_text())
        if shape in ("llama", "qwen2"):  # whose weights know no places
            config["max_position_embeddings"] = WIDE
            (folder / "config.json").write_text(json.dumps(config))
        return resolve(str(folder))

    return made


def job_on(backbone, name, count=24):
    return Job(learnt(name), examples(name, count), examples(name, 16, 1), backbone, MACHINE)


@pytest.mark.parametrize("name", ASKED)
def test_questions_and_answers_are_found_in_prompts(name):
    task = learnt(name)
    for one, other in zip(examples(name, 12), examples(name, 12, 1), strict=True):
        said = answer_of(task, one.input, one.target)
        text = solved(task, [one])
        assert text == f"{question(task, one.input)} {said}" and "\n\n" not in text
        whole = [told_before(task, other.input), text, question(task, other.input)]
        assert task.prompt(other.input, [one]) == "\n\n".join(part for part in whole if part)
        read = Questions(task, talks=True).read(one.input, said)
        assert task.right(one.target, read.value) == pytest.approx(1), said


def test_what_is_written_around_an_answer_does_no_harm():
    label, plain = Questions(learnt("classify"), True), Questions(learnt("classify"), False)
    for text in (
        "sea",
        "Sea.",
        "The label is **sea**.",
        "<think>forest?</think>\n\nsea",
        "Label: sea",
    ):
        assert label.read("a", text).value == "sea", text
    for text in ("sea or forest", "seas", "", None):
        assert label.read("a", text).value is None, text
    assert plain.read("a", "sea\n\nText: b\nLabel: forest").value == "sea"
    choose, given = Questions(learnt("choose"), True), {"question": "?", "choices": ("a b", "c")}
    assert choose.read(given, "- A B.").value == "a b"
    assert choose.read(given, "It is c, I think").value == "c"
    assert choose.read(given, "a b and c").value is None
    score = Questions(learnt("score"), True)
    assert score.read("a", "I would say 3.5.").value == 3.5
    assert score.read("a", "between 2 and 3").value is None
    answer = Questions(learnt("answer"), True)
    passage = {"question": "?", "passage": "It ends in the\n North Sea."}
    found = answer.read(passage, "the north sea.").value
    assert passage["passage"][found.start : found.end] == found.text == "the\n North Sea"
    assert answer.read(passage, "the South Sea").value is None


def test_a_text_of_several_paragraphs_is_one_question():
    task = learnt("classify")
    assert question(task, "one\n\ntwo") == "Text: one two\nLabel:"


def test_earlier_turns_are_solved_rows_for_a_model_that_talks():
    task = registry.task("instruct")()
    shot, asked = Example({"instruction": "a"}, "b"), {"instruction": "c"}
    said = Questions(task, talks=True).asked(asked, [shot])
    assert [(m["role"], m["content"]) for m in said] == [
        ("user", "a"),
        ("assistant", "b"),
        ("user", "c"),
    ]
    assert Questions(task, talks=False).asked(asked, [shot]) == task.prompt(asked, [shot])
    told = Questions(task, True, preface="Do it.").asked(asked)
    assert told == ({"role": "user", "content": f"Do it.\n\n{question(task, asked)}"},)


@pytest.mark.parametrize("way", WAYS)
def test_labels_take_turns_and_rows_come_once(way):
    rows = tuple(r for r in examples("classify", 240) if r.target != "sea" or r.row % 7 == 0)
    task = learnt("classify")
    shots = chosen(task, rows, 7, way, seed=0)
    assert chosen(task, rows, 7, way, seed=0).rows == shots.rows
    inputs = ["kelo maru sivo", "grun bark"]
    for before in shots.before(inputs):
        assert len(before) == len(set(before)) == 7
    if way != "nearest":
        counts = Counter(row.target for row in shots.rows)
        assert max(counts.values()) - min(counts.values()) <= 1
        assert shots.before(inputs)[0] == shots.before(inputs)[1] == shots.rows
        ways = [chosen(task, rows, 7, way, seed).rows for seed in range(3)]
        assert way == "diverse" or len(set(ways)) == 3
    assert chosen(task, rows[:3], 7, way, 0).before(inputs[:1])[0]


def test_the_nearest_stands_last_and_unlike_rows_are_unlike():
    task = learnt("instruct")
    texts = ["kelo maru sivo", "kelo maru", "grun bark tolm", "kelo maru sivo tanu", "zaht qirr"]
    rows = tuple(Example({"instruction": text}, str(n)) for n, text in enumerate(texts))
    near = chosen(task, rows, 2, "nearest", 0).before([{"instruction": "kelo maru sivo tanu!"}])[0]
    assert [row.target for row in near] == ["0", "3"]
    unlike = {row.target for row in chosen(task, rows, 3, "diverse", 0).rows}
    assert {"2", "4"} < unlike


@pytest.mark.parametrize("shape", writers.SHAPES)
def test_scores_are_the_probabilities_of_transformers(backbone, shape):
    writer = writer_of(backbone(shape), MACHINE)
    asked = Questions(learnt("classify"), writer.talks).asked("kelo maru")
    found = writer.scores([asked], [LABELS])[0]
    model, tokenizer = writer.model, writer.tokenizer
    for label, nats in zip(LABELS, found, strict=True):
        if shape in writers.ENCODER_DECODERS:
            text = asked if isinstance(asked, str) else turns.asked_text(tokenizer, asked)
            given = tokenizer(text, return_tensors="pt")
            labels = tokenizer(text_target=label, return_tensors="pt")["input_ids"]
            assert labels[0, -1] == tokenizer.eos_token_id
            with torch.no_grad():
                loss = model(input_ids=given["input_ids"], labels=labels).loss
            assert nats == pytest.approx(-loss.item() * labels.shape[1], abs=1e-3)
            continue
        before = turns.asked_text(tokenizer, asked)
        end = f" {label}\n"
        if writer.talks:
            end = turns.solved_parts(tokenizer, asked, label)[-1].text
        ids = tokenizer(before + end, add_special_tokens=False, return_tensors="pt")["input_ids"]
        start = len(tokenizer(before, add_special_tokens=False)["input_ids"])
        with torch.no_grad():
            logs = model(input_ids=ids).logits.log_softmax(-1)[0, :-1]
        each = logs.gather(-1, ids[0, 1:, None])[start - 1 :]
        assert nats == pytest.approx(each.sum().item(), abs=1e-3)


CASES = [
    *(("zero_shot", shape, name) for shape in writers.SHAPES for name in ("classify", "instruct")),
    *(("zero_shot", "llama", name) for name in ASKED if name not in ("classify", "instruct")),
    *(("few_shot", shape, "classify") for shape in ("llama", "qwen2", "t5")),
    *(("few_shot", "qwen2", name) for name in ("choose", "chat", "classify_sets")),
    *(("prompt_search", "llama", name) for name in ("classify", "instruct", "choose")),
]


@pytest.mark.parametrize(("name", "shape", "task"), CASES)
def test_answers_are_legal_in_order_alone_and_after_loading(backbone, name, shape, task, tmp_path):
    method = registry.method(name)()
    if name == "prompt_search":
        method = replace(method, candidates=4, proposals=1, k=1)
    try:
        predictor = method.fit(job_on(backbone(shape), task))
    except NotApplicable as reason:
        assert (name, shape) == ("zero_shot", "gpt2"), reason  # its window is small
        pytest.skip(str(reason))
    inputs = [example.input for example in examples(task, 8, 2)]
    answers = predictor.predict(inputs)
    assert len(answers) == 8 and predictor.predict([]) == []
    scored = learnt(task).answers in ("label", "choice")
    for given, answer in zip(inputs, answers, strict=True):
        assert (answer.value is None and not scored) or legal(learnt(task), given, answer)
        assert (answer.scores is not None) == scored
        if scored:
            assert sum(answer.scores.values()) == pytest.approx(1, abs=1e-4)
            assert answer.confidence == answer.scores[answer.value]
    predictor.save(tmp_path / "model")
    again = registry.method(name).load(tmp_path / "model", MACHINE)
    alone = [predictor.predict([given])[0] for given in inputs[:3]]
    for others in (alone, again.predict(inputs), predictor.predict(inputs[::-1])[::-1]):
        for one, other in zip(answers, others, strict=False):
            assert one.value == other.value
            assert one.scores == (other.scores and pytest.approx(other.scores, abs=1e-5))
    assert predictor.parameters.trainable == predictor.parameters.changed == 0


def test_what_a_model_always_likes_is_taken_off(backbone):
    predictor = registry.method("zero_shot")().fit(job_on(backbone("llama"), "classify"))
    inputs = [example.input for example in examples("classify", 16, 1)]
    nats = predictor.nats(inputs)
    firsts = {row.index(max(row)) for row in nats}
    assert len(firsts) == 1  # random weights like one label, whatever is asked
    assert len({answer.value for answer in predictor.predict(inputs)}) > 1


def test_an_encoder_compares_names_and_is_not_asked(toy_backbone):
    encoder = resolve(str(toy_backbone))
    assert not may_write(encoder)
    job = job_on(encoder, "classify")
    assert not hasattr(registry.method("zero_shot")().fit(job), "told")
    for name in ("zero_shot", "few_shot"):
        with pytest.raises(NotApplicable, match="not write"):
            registry.method(name)(by="generating").fit(job)
        with pytest.raises(NotApplicable):
            registry.method(name)().fit(job_on(encoder, "instruct"))
    with pytest.raises(NotApplicable, match="not write"):
        registry.method("prompt_search")().fit(job)


def test_what_was_tuned_is_asked_as_it_was_trained(backbone, tmp_path):
    task = "instruct"
    full = replace(registry.method("full")(), learning_rate=5e-3, epochs=2, batch_size=8)
    tuned = full.fit(job_on(backbone("qwen2"), task))
    tuned.save(tmp_path / "tuned")
    inputs = [example.input for example in examples(task, 8, 2)]
    job = job_on(resolve(str(tmp_path / "tuned")), task)
    asked = registry.method("zero_shot")().fit(job)
    asked = replace(asked, most=tuned.head.new_tokens)
    assert asked.predict(inputs) == tuned.predict(inputs)


def test_rows_that_do_not_fit_are_told_and_left_out(backbone):
    notes = []
    job = replace(job_on(backbone("t5"), "classify"), report_progress=notes.append)
    predictor = registry.method("few_shot")(k=20).fit(job)
    told = [note.note for note in notes if note.note]
    assert len(told) == 1 and "of 20 solved rows" in told[0]
    window = job.backbone.max_length
    for asked in predictor.asked([e.input for e in job.validation]):
        assert predictor.writer.tokens(asked) + predictor.most <= window
    narrow = replace(job.backbone, max_length=56)
    with pytest.raises(NotApplicable, match="no room for a solved row"):
        registry.method("few_shot")(by="scoring").fit(replace(job, backbone=narrow))
    registry.method("few_shot")().fit(replace(job, backbone=narrow))
    assert "the nearest rows vote: within" in notes[-1].note


def test_a_prompt_that_was_edited_is_asked(backbone, tmp_path):
    method = replace(registry.method("prompt_search")(), candidates=4, proposals=1, k=1)
    notes = []
    job = replace(job_on(backbone("llama"), "classify"), report_progress=notes.append)
    predictor = method.fit(job)
    assert any("4 prompts were tried" in note.note for note in notes)
    predictor.save(tmp_path)
    text = (tmp_path / "prompt.txt").read_text()
    assert text.strip() == predictor.questions.preface.strip()
    (tmp_path / "prompt.txt").write_text("Say what you like.\n")
    edited = method.load(tmp_path, MACHINE)
    assert edited.asked(["kelo"]) == ["Say what you like.\n\nText: kelo\nLabel:"]
    assert edited.bias == () and len(predictor.bias) == 3
    assert "asked" in read_json(tmp_path / "model.json")


@pytest.mark.parametrize("tokens", [5_000, 12_000, 40_000])
def test_a_search_keeps_to_its_tokens(backbone, tokens):
    from tunewell.fit.prompting.asking import asked_plainly
    from tunewell.fit.prompting.search import search

    plain = asked_plainly("prompt_search", job_on(backbone("llama"), "instruct"))
    found = search(plain, job_on(backbone("llama"), "instruct"), 8, 2, 2, tokens)
    assert plain.tally.read + plain.tally.written <= found.tokens <= tokens
    assert 2 <= found.tried <= 8 and 0 <= found.score <= 1 and found.rows in (8, 16)
    with pytest.raises(NotApplicable, match="no two prompts"):
        search(plain, job_on(backbone("llama"), "instruct"), 8, 2, 2, 100)


def test_a_search_is_planned_by_the_answers_that_it_needs(backbone):
    """Of an endpoint, which is not asked for a plan, each takes what is said of it."""
    far = endpoint_named("openai:small", base_url="http://127.0.0.1:9/v1")
    job = replace(job_on(backbone("llama"), "instruct"), backbone=far)
    method = registry.method("prompt_search")(candidates=8, proposals=2)
    each = SECONDS / AT_ONCE
    found = estimate(method, job)
    needed = answers_needed(8, len(job.validation)) + 2
    assert found.answer_seconds == each
    assert found.seconds == pytest.approx((needed + len(job.validation)) * each)
    bounded = estimate(replace(method, tokens=4000), job)
    assert bounded.seconds < 0.9 * found.seconds
    few = estimate(registry.method("few_shot")(), job)
    assert few.seconds == pytest.approx(len(job.validation) * each)


def test_what_asks_a_model_here_is_timed_with_its_prompts(backbone):
    job = job_on(backbone("llama"), "classify")
    found = estimate(registry.method("prompt_search")(candidates=8, k=4), job)
    plain = estimate(registry.method("zero_shot")(), job)
    rows = len(job.validation)
    assert found.seconds > (answers_needed(8, rows) + rows) * found.answer_seconds
    assert plain.seconds >= (32 + rows) * plain.answer_seconds > 0  # rows that show what it likes
    assert found.shared_seconds == plain.shared_seconds > 0  # the model is loaded once
