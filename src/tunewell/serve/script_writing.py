"""The script of a model that writes: conversations and their answers, learnt by hand."""

from __future__ import annotations

from typing import Any

from tunewell.fit import turns
from tunewell.fit.backbones import load_tokenizer
from tunewell.fit.heads import writing
from tunewell.serve.fitted import Saying, no_script
from tunewell.serve.plain import loop, rows
from tunewell.serve.plain import writing as plain
from tunewell.serve.script_parts import common, text_of
from tunewell.serve.script_rows import beside

DOC = """\
{told} This script repeats the fit from the same conversations, options and seed; it needs torch,
transformers and peft. Where the run ran rows end to end, dropout falls on other units here, so
that it learns a little otherwise, as with another seed."""


def writing_script(saying: Saying) -> list[str]:
    """The parts of the script, in order; its conversations are written beside it.

    Raises:
        ConfigError: there is no place beside it, or plain lines would learn other tokens.
    """
    piece, head, value = saying.piece, saying.head, saying.fitted.value
    tokenizer: Any = load_tokenizer(saying.backbone)
    head.equip(tokenizer)
    goes_on = getattr(head.task, "learns_input", False)
    around = ends_of(tokenizer, head)
    parts, every_turn = _parts(saying, tokenizer, around)
    given = common(value, saying.fitted.options, saying.seed, saying.backbone)
    given |= {"TEMPLATE": tokenizer.chat_template}
    if head.one_stack:
        given |= dict(zip(("BEFORE", "END"), around, strict=True))
        given |= {} if goes_on else {"EVERY_TURN": every_turn}
    given |= {"STOPS": head.stops(tokenizer), "NEW_TOKENS": value["head"]["new_tokens"]}
    given |= {"NEW": []} if "NEW" in piece.code else {}
    if lead := saying.lead:  # virtual tokens are tokens of a row
        given |= {"VIRTUAL": lead, "MAX_LENGTH": given["MAX_LENGTH"] - lead}
    kind = GONE_ON if goes_on else ONE if head.one_stack else TWO
    functions = [rows.numbers, plain.conversations, plain.Writer, *kind["functions"]]
    functions += [plain.side_by_side]
    functions += [loop.epoch_batches, loop.within_tokens, loop.set_modes, loop.train]
    main = MAIN.replace("<factors>", ", factors=factors" if piece.has_factors else "")
    for name, lines in kind.items():
        main = main.replace(f"<{name}>", lines) if isinstance(lines, str) else main
    main = main.replace("<lead>", "[-100] * VIRTUAL + " if lead else "")
    return text_of(piece, given, beside(parts, saying.out), functions, [main])


def ends_of(tokenizer: Any, head: Any) -> tuple[str, str]:
    """What stands before a decoder's answer, or its text, and what ends it."""
    if getattr(head.task, "learns_input", False):
        return turns.asked_text(tokenizer, ""), tokenizer.eos_token
    if not head.one_stack:
        return "", ""
    probe = turns.solved_parts(tokenizer, ({"role": "user", "content": "a"},), "b")[-1].text
    before, _, end = probe.partition("b")
    return before, end


def _parts(
    saying: Saying, tokenizer: Any, around: tuple[str, str]
) -> tuple[dict[str, list[dict[str, Any]]], bool]:
    """The rows of each part, and whether earlier answers are learnt as well.

    Raises:
        ConfigError: plain lines would learn other tokens.
    """
    # Templates may show earlier turns otherwise than answers.
    for every_turn in (True, False):
        found = {
            part: learnt_lines(saying, tokenizer, part, every_turn and part == "train", around)
            for part in saying.data.parts
        }
        known = {part: lines for part, lines in found.items() if lines is not None}
        if len(known) == len(found):
            return known, every_turn
    raise no_script("its chat template does not show an answer as it asks for one")


def learnt_lines(
    saying: Saying, tokenizer: Any, part: str, every_turn: bool, around: tuple[str, str]
) -> list[dict[str, Any]] | None:
    """Each row that is learnt, cut where it was; None where plain lines learn other tokens."""
    head, most = saying.head, saying.backbone.max_length - saying.lead
    examples = saying.data.parts[part]
    inputs, targets = [e.input for e in examples], [e.target for e in examples]
    found: list[dict[str, Any]] = []
    for piece in head.solved(tokenizer, inputs, targets, most, part == "train"):
        target = targets[piece.row]
        asked = head.task.conversation(inputs[piece.row])
        if head.one_stack and piece.extra.asked:
            room = max(most - writing.count(tokenizer, target) - 2, most // 2)
            asked = writing.shortened(tokenizer, asked, room)
        if isinstance(asked, str):
            ids, labels = plain.gone_on(tokenizer, asked, target, *around)
        elif head.one_stack:
            ids, labels = plain.said(tokenizer, asked, target, every_turn, *around)
        else:
            ids, labels = plain.asked_and_said(tokenizer, asked, target, most)
        if (ids[:most], labels[:most]) != (list(piece.ids), list(piece.labels or ())):
            return None
        found.append({"messages": asked, "answer": target})
    return found


ONE: dict[str, Any] = {
    "functions": [plain.said, plain.missed],
    "encode": """\
            every_turn = EVERY_TURN and part == "train"
            ids, labels = said(tokenizer, messages, answer, every_turn, BEFORE, END)
            encoded[part].append((ids[:MAX_LENGTH], <lead>labels[:MAX_LENGTH]))
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
            encoded[part].append((ids[:MAX_LENGTH], <lead>labels[:MAX_LENGTH]))
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
