"""Chat templates and masks: what is learnt is what the model must say, after what it is served."""

import pytest
import writers

from tunewell.errors import NotApplicable
from tunewell.fit import turns
from tunewell.fit.heads.causal import CausalHead
from tunewell.fit.vocabulary import IGNORED

ASKED = ({"role": "user", "content": "What is the sea?"},)
LONGER = (
    *ASKED,
    {"role": "assistant", "content": "Kelo maru."},
    {"role": "user", "content": "And the forest?"},
)
ANSWER = "Grün {bark} <b>."
NAMES = list(writers.TEMPLATES)


class Says:
    """A task whose inputs are conversations."""

    def conversation(self, input):
        return input


def equipped(name, begins=False):
    made = writers.tokenizer(name, begins=begins or name == "llama2")
    turns.equip(made, encoder=False)
    return made


def learnt(parts):
    return [part.text for part in parts if part.learnt]


@pytest.mark.parametrize("begins", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_training_begins_with_what_is_served_and_learns_the_rest(name, begins):
    tokenizer = equipped(name, begins)
    for asked in (ASKED, LONGER):
        served = tokenizer.apply_chat_template(
            list(asked), tokenize=False, add_generation_prompt=True
        )
        for every in (False, True):
            parts = turns.solved_parts(tokenizer, asked, ANSWER, every)
            assert "".join(part.text for part in parts[:-1]) == served
            said = parts[-1].text
            assert parts[-1].learnt and ANSWER in said
            end = "<|im_end|>" if name in ("chatml", "thinking", "marked") else "</s>"
            assert said.endswith(end) and said.count(end) == 1
        whole = tokenizer.apply_chat_template(
            [*asked, {"role": "assistant", "content": ANSWER}], tokenize=False
        )
        if name != "no end":
            assert whole.startswith("".join(part.text for part in parts))


@pytest.mark.parametrize("name", ["none", "chatml", "llama2", "marked"])
def test_earlier_turns_of_the_assistant_are_learnt_with_their_ends(name):
    parts = turns.solved_parts(equipped(name), LONGER, ANSWER, every_turn=True)
    first, last = learnt(parts)
    end = "</s>" if name in ("none", "llama2") else "<|im_end|>"
    assert first.strip() == f"Kelo maru.{' ' * (name == 'llama2')}{end}"
    assert ANSWER in last
    assert learnt(turns.solved_parts(equipped(name), LONGER, ANSWER)) == [last]


def test_an_answer_that_begins_with_an_empty_thought_learns_to_write_it():
    parts = turns.solved_parts(equipped("thinking"), ASKED, ANSWER)
    assert learnt(parts) == [f"<think>\n\n</think>\n\n{ANSWER}<|im_end|>"]


def test_a_template_with_markers_gets_the_mask_that_it_marks():
    tokenizer = equipped("marked")
    whole = [*LONGER, {"role": "assistant", "content": ANSWER}]
    theirs = tokenizer.apply_chat_template(
        whole, return_assistant_tokens_mask=True, return_dict=True
    )
    head = CausalHead(Says())
    piece = head.solved(tokenizer, [LONGER], [ANSWER], 160, training=True)[0]
    mask = [int(label != IGNORED) for label in piece.labels]
    assert list(piece.ids) == theirs["input_ids"][: len(piece.ids)]
    assert mask == theirs["assistant_masks"][: len(mask)]
    assert not any(theirs["assistant_masks"][len(mask) :])


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_before_an_answer_has_the_tokens_that_are_served(name):
    tokenizer, head = equipped(name), CausalHead(Says())
    rows = [ASKED, LONGER, ({"role": "user", "content": "ends in a space "},)]
    served = head.encode(tokenizer, rows, 160)
    for training in (False, True):
        pieces = head.solved(tokenizer, rows, [ANSWER, "a", " b"], 160, training)
        for piece, prompt in zip(pieces, served, strict=True):
            ids, labels = list(piece.ids), list(piece.labels)
            assert ids[: len(prompt.ids)] == list(prompt.ids)
            rest = labels[len(prompt.ids) :]
            assert rest == ids[len(prompt.ids) :] and IGNORED not in rest
            before = [one for one in labels[: len(prompt.ids)] if one != IGNORED]
            assert bool(before) == (training and piece.row == 1 and name != "thinking")


@pytest.mark.parametrize("name", NAMES)
def test_the_end_is_learnt_also_where_it_is_what_fills_up_rows(name):
    tokenizer = equipped(name)
    tokenizer.pad_token = tokenizer.eos_token
    ends = turns.stops(tokenizer)
    piece = CausalHead(Says()).solved(tokenizer, [ASKED], [ANSWER], 160)[0]
    assert piece.labels[-1] == piece.ids[-1] == ends[0]
    assert tokenizer.eos_token_id in ends


def test_a_text_is_gone_on_with_as_it_is():
    tokenizer = equipped("chatml", begins=True)
    assert turns.asked_text(tokenizer, "The sea") == "<s>The sea"
    parts = turns.solved_parts(tokenizer, "The sea", " is wide.")
    assert [part.text for part in parts] == ["<s>The sea", " is wide.</s>"]
    assert learnt(parts) == [" is wide.</s>"]
    parts = turns.solved_parts(tokenizer, "The sea", " is wide.", whole=True)
    assert [part.text for part in parts] == ["<s>", "The sea is wide.</s>"]
    assert learnt(parts) == ["The sea is wide.</s>"]
    assert turns.asked_text(equipped("none"), "") == "</s>"
    assert turns.asked_text(equipped("none"), "The sea") == "</s>The sea"


def test_a_template_that_refuses_is_quoted():
    with pytest.raises(NotApplicable, match="No system role here"):
        turns.asked_text(equipped("llama2"), ({"role": "system", "content": "Be kind."}, *ASKED))


def test_long_rows_are_shortened_where_they_are_asked_before_the_answer_is_cut():
    tokenizer, head = equipped("chatml"), CausalHead(Says())
    long = ({"role": "user", "content": "kelo maru " * 60},)
    piece = head.solved(tokenizer, [long], [ANSWER], 80)[0]
    text = tokenizer.decode(piece.ids)
    assert len(piece.ids) <= 80 and piece.extra.asked and not piece.extra.answer
    assert text.startswith("<|im_start|>user\nkelo") and text.endswith(
        f"<|im_end|>\n<|im_start|>assistant\n{ANSWER}<|im_end|>"
    )
    piece = head.solved(tokenizer, [ASKED], ["kelo maru " * 60], 80)[0]
    assert len(piece.ids) == 80 and piece.extra.answer and not piece.extra.asked
    assert piece.labels[-1] == piece.ids[-1] != turns.stops(tokenizer)[0]


def test_rows_without_room_for_an_answer_are_left_out_told_and_at_last_refused():
    from tunewell.fit.heads.writing import what_is_cut

    tokenizer, head = equipped("chatml"), CausalHead(Says())
    many = tuple({"role": r, "content": "a"} for _ in range(6) for r in ("user", "assistant"))
    crowded = (*many, *ASKED)
    rows = [ASKED, crowded, ASKED]
    pieces = head.solved(tokenizer, rows, [ANSWER, ANSWER, "kelo " * 99], 60)
    assert [piece.row for piece in pieces] == [0, 2]
    notes = what_is_cut(pieces, 3, 60)
    assert notes[0] == "1 of 3 rows is left out: 60 tokens hold nothing of the answer"
    assert notes[1] == "1 of 3 rows is cut in the answer, to 60 tokens in all"
    with pytest.raises(NotApplicable, match="no row has room"):
        what_is_cut(head.solved(tokenizer, [crowded], [ANSWER], 60), 1, 60)
