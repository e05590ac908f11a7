"""The script of a model that writes: conversations and their answers, learnt by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunewell.errors import ConfigError
from tunewell.fit import turns
from tunewell.fit.backbones import load_tokenizer
from tunewell.fit.by_hand import ByHand
from tunewell.fit.heads import writing
from tunewell.read import Data
from tunewell.serve.plain import loop, rows
from tunewell.serve.plain import writing as plain
from tunewell.serve.script_parts import common, text_of
from tunewell.serve.script_rows import constants
from tunewell.values import Backbone, Example

DOC = """\
{told} This script repeats the fit from the same conversations, options and seed; it needs torch,
transformers and peft. Where the run ran rows end to end, dropout falls on other units here, so
that it learns a little otherwise, as with another seed."""


def writing_script(
    piece: ByHand,
    head: Any,
    value: dict[str, Any],
    options: dict[str, Any],
    seed: int,
    backbone: Backbone,
    data: Data,
    out: Path | None,
) -> list[str]:
    """The parts of the script, in order; its conversations are written beside it.

    Args:
        head: of the model, for its tokens.
        value: its `model.json`.
        options: of the method.
        out: where the script will stand.

    Raises:
        ConfigError: there is no place beside it, or plain lines would learn other tokens.
    """
    if out is None:
        raise ConfigError(
            "The conversations of this model are written beside its script.",
            "",
            "Give --out mine.py; they are then in mine.jsonl.",
        )
    tokenizer: Any = load_tokenizer(backbone)
    head.equip(tokenizer)
    before = end = ""
    goes_on = getattr(head.task, "learns_input", False)
    if goes_on:
        before, end = turns.asked_text(tokenizer, ""), tokenizer.eos_token
    elif head.one_stack:
        probe = turns.solved_parts(tokenizer, ({"role": "user", "content": "a"},), "b")[-1].text
        before, _, end = probe.partition("b")
    around, most = (before, end), backbone.max_length
    every_turn = True
    learnt = _lines(tokenizer, head, data.train, most, True, every_turn, around)
    if learnt is None and not goes_on:  # templates may show earlier turns otherwise than answers
        every_turn = False
        learnt = _lines(tokenizer, head, data.train, most, True, every_turn, around)
    lines: list[str] = []
    parts: dict[str, list[int]] = {}
    for name, examples in data.parts.items():
        found = learnt
        if name != "train":
            found = _lines(tokenizer, head, examples, most, False, False, around)
        if found is None:
            raise ConfigError(
                "There is no script for this model: its chat template does not show an answer "
                "as it asks for one."
            )
        parts[name] = [*range(len(lines) + 1, len(lines) + 1 + len(found))]
        lines += found
    beside = out.with_suffix(".jsonl")
    beside.write_text("\n".join(lines) + "\n", encoding="utf-8")
    given = common(value, options, seed, backbone) | {"TEMPLATE": tokenizer.chat_template}
    if head.one_stack:
        given |= {"BEFORE": before, "END": end}
        given |= {} if goes_on else {"EVERY_TURN": every_turn}
    given |= {
        "STOPS": head.stops(tokenizer),
        "NEW_TOKENS": value["head"]["new_tokens"],
    }
    given |= {"NEW": []} if "NEW" in piece.code else {}
    functions: list[Any] = [rows.numbers, plain.conversations, plain.Writer]
    kind = GONE_ON if goes_on else ONE if head.one_stack else TWO
    functions += kind["functions"]
    functions += [plain.side_by_side]
    functions += [loop.epoch_batches, loop.within_tokens, loop.set_modes, loop.train]
    main = MAIN.replace("<factors>", ", factors=factors" if piece.has_factors else "")
    for name, lines in kind.items():
        main = main.replace(f"<{name}>", lines) if isinstance(lines, str) else main
    return text_of(piece, given, constants({str(beside.resolve()): parts}, ()), functions, [main])


def _lines(
    tokenizer: Any,
    head: Any,
    examples: Sequence[Example],
    most: int,
    training: bool,
    every_turn: bool,
    around: tuple[str, str],
) -> list[str] | None:
    """Each row that is learnt, cut where it was; None where plain lines learn other tokens."""
    found = []
    inputs, targets = [e.input for e in examples], [e.target for e in examples]
    for piece in head.solved(tokenizer, inputs, targets, most, training):
        target = targets[piece.row]
        asked = head.task.conversation(inputs[piece.row])
        if isinstance(asked, str):
            if piece.extra.asked:
                room = max(most - writing.count(tokenizer, target) - 2, most // 2)
                asked = str(writing.shortened(tokenizer, asked, room))
            ids, labels = plain.gone_on(tokenizer, asked, target, *around)
        elif not head.one_stack:
            ids, labels = plain.asked_and_said(tokenizer, asked, target, most)
        else:
            if piece.extra.asked:
                room = max(most - writing.count(tokenizer, target) - 2, most // 2)
                asked = writing.shortened(tokenizer, asked, room)
            ids, labels = plain.said(tokenizer, asked, target, every_turn, *around)
        if (ids[:most], labels[:most]) != (list(piece.ids), list(piece.labels or ())):
            return None
        found.append(json.dumps({"messages": asked, "answer": target}, ensure_ascii=False))
    return found


ONE: dict[str, Any] = {
    "functions": [plain.said, plain.missed],
    "encode": """\
            every_turn = EVERY_TURN and part == "train"
            ids, labels = said(tokenizer, messages, answer, every_turn, BEFORE, END)
            encoded[part].append((ids[:MAX_LENGTH], labels[:MAX_LENGTH]))
""",
    "auto": "AutoModelForCausalLM",
    "missed": "missed",
    "tokens": "add_special_tokens=False",
    "first": 'batch["input_ids"].shape[1]',
    "prompt": """\
        asked = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
""",
}
"""A decoder."""
GONE_ON: dict[str, Any] = {
    **ONE,
    "functions": [plain.gone_on, plain.missed],
    "encode": """\
            ids, labels = gone_on(tokenizer, messages, answer, BEFORE, END)
            encoded[part].append((ids[:MAX_LENGTH], labels[:MAX_LENGTH]))
""",
    "prompt": """\
        asked = BEFORE + messages
""",
}
"""A decoder of plain texts."""
TWO: dict[str, Any] = {
    "functions": [plain.asked_and_said, plain.missed_by_two],
    "encode": """\
            ids, labels = asked_and_said(tokenizer, messages, answer, MAX_LENGTH)
            encoded[part].append((ids, labels))
""",
    "auto": "AutoModelForSeq2SeqLM",
    "missed": "missed_by_two",
    "tokens": "truncation=True, max_length=MAX_LENGTH",
    "first": "1",
    "prompt": ONE["prompt"],
}
"""An encoder and a decoder."""
MAIN = '''\
def main() -> Tensor:
    """Train, print how test rows are answered, save; what it misses of each (rows, 1), in nats."""
    tokenizer = AutoTokenizer.from_pretrained(BACKBONE, trust_remote_code=False)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    tokenizer.chat_template = TEMPLATE
    pad_id = tokenizer.pad_token_id
    rows = {part: [] for part in ("train", "validation", "test")}
    for file, parts in FILES.items():
        table = conversations(file, *READ_WITH)
        for part, text in parts.items():
            rows[part] += [table[number] for number in numbers(text)]
    encoded: dict[str, list[Any]] = {}
    weights = {}  # a row counts for its tokens, so that the mean over rows is one over tokens
    for part, pairs in rows.items():
        encoded[part] = []
        for messages, answer in pairs:
<encode>        learnt = sum(label != -100 for _, labels in encoded[part] for label in labels)
        weights[part] = len(pairs) / learnt
    torch.manual_seed(SEED)
    model = Writer(
        <auto>.from_pretrained(
            BACKBONE, dtype=torch.float32, trust_remote_code=False, **BODY_DROPOUT
        )
    )
    torch.manual_seed(SEED)
    prepare(model)

    def missed_by(part: str, some: Sequence[int]) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16):
            return <missed>(model, [encoded[part][number] for number in some], pad_id)

    def all_missed(part: str) -> Tensor:
        with torch.no_grad():
            return torch.cat([missed_by(part, [number]) for number in range(len(encoded[part]))])

    def losses_of(some: Sequence[int]) -> Tensor:
        return missed_by("train", some) * weights["train"]

    def validate() -> tuple[None, float]:
        return None, (all_missed("validation") * weights["validation"]).mean().item()

    lengths = [max(len(ids), len(labels)) for ids, labels in encoded["train"]]
    train(model, losses_of, lengths, validate, seed=SEED<factors>, **SCHEDULE)
    model.eval()
    save_model(model, str(Path(__file__).with_suffix(".safetensors")))
    found = all_missed("test")
    a_token = (found * weights["test"]).mean().item()
    print(f"{a_token:.4f} nats a token are missed on {len(found)} test rows")
    for messages, _ in rows["test"][:3]:
<prompt>        batch = tokenizer(asked, <tokens>, return_tensors="pt")
        written = model.body.generate(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
            eos_token_id=STOPS,
            pad_token_id=pad_id,
        )
        new = written[0, <first> :]
        print("-", tokenizer.decode(new, skip_special_tokens=True).strip())
    return found.unsqueeze(1)
'''
