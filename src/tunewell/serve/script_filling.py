"""The script of a model that fills words in, learnt by hand."""

from __future__ import annotations

from dataclasses import replace

from tunewell.fit.heads.writer import Sayer
from tunewell.serve.fitted import Saying
from tunewell.serve.plain import filling, loop, pieces, rows, writing
from tunewell.serve.script_mains import ROWS
from tunewell.serve.script_parts import common, text_of
from tunewell.serve.script_rows import beside, solved
from tunewell.serve.sources import call_of, taken


def filling_script(saying: Saying) -> list[str]:
    """The parts of the script, in order; its rows are written beside it.

    Raises:
        ConfigError: there is no place beside it.
    """
    pairs = {
        part: solved([e.input for e in examples], [e.target for e in examples])
        for part, examples in saying.data.parts.items()
    }
    reading = beside(pairs, saying.out)
    piece, head, task = saying.piece, saying.head, saying.head.task
    classes = [kind for kind in type(task).__mro__ if kind.__module__.startswith("tunewell.")]
    only: dict[type, tuple[str, ...]] = dict.fromkeys(classes, ("around",))
    only |= {type(head): ("encode", "solved", "targets"), Sayer: ("targets",)}
    roots = [rows.numbers, pieces.examples, type(task), type(head), writing.Writer, loop.train]
    found = taken([*roots, filling.missed_words, filling.words_for, *piece.uses], only)
    given = common(saying.fitted.value, saying.fitted.options, saying.seed, saying.backbone)
    given |= {"NEW": []} if "NEW" in piece.code else {}
    known = [f"TASK = {call_of(task)}", f"HEAD = {type(head).__name__}(TASK)"]
    main = MAIN.replace("<rows>", ROWS)
    main = main.replace("<factors>", ", factors=factors" if piece.has_factors else "")
    whole = replace(piece, uses=(), imports=(*piece.imports, *found.imports))
    return text_of(whole, given, reading, (), [*found.blocks, "\n".join(known), main])


MAIN = '''\
def main() -> Tensor:
    """Train, print how blanks are filled, save; what it misses of each test row (rows, 1)."""
<rows>    tokenizer = AutoTokenizer.from_pretrained(BACKBONE, trust_remote_code=False)
    pad_id = tokenizer.pad_token_id
    inputs = {part: [given for given, _ in own] for part, own in rows.items()}
    targets = {part: [target for _, target in own] for part, own in rows.items()}
    solved = {
        part: HEAD.solved(tokenizer, inputs[part], targets[part], MAX_LENGTH, part == "train")
        for part in rows
    }
    weights = {part: HEAD.targets(own, ()) for part, own in solved.items()}
    torch.manual_seed(SEED)
    model = Writer(
        AutoModelForMaskedLM.from_pretrained(
            BACKBONE, dtype=torch.float32, trust_remote_code=False, **BODY_DROPOUT
        )
    )
    torch.manual_seed(SEED)
    prepare(model)

    def missed_by(part: str, some: Sequence[int]) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16):
            return missed_words(model, [solved[part][number] for number in some], pad_id)

    def all_missed(part: str) -> Tensor:
        with torch.no_grad():
            return torch.cat([missed_by(part, [number]) for number in range(len(solved[part]))])

    def losses_of(some: Sequence[int]) -> Tensor:
        return missed_by("train", some) * weights["train"][: len(some)]

    def validate() -> tuple[None, float]:
        return None, (all_missed("validation") * weights["validation"]).mean().item()

    lengths = [len(row.ids) for row in solved["train"]]
    train(model, losses_of, lengths, validate, seed=SEED<factors>, **SCHEDULE)
    model.eval()
    save_model(model, str(Path(__file__).with_suffix(".safetensors")))
    found = all_missed("test")
    a_token = (found * weights["test"]).mean().item()
    print(f"{a_token:.4f} nats a token are missed on {len(found)} test rows")
    for row in HEAD.encode(tokenizer, inputs["test"][:3], MAX_LENGTH):
        print("-", inputs["test"][row.row], "->", words_for(model, tokenizer, row))
    return found.unsqueeze(1)
'''
