"""The script of a model that is asked nothing: how little it expected whole texts, as it stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewell.fit.by_hand import ByHand
from tunewell.fit.prompting.writers import LocalWriter
from tunewell.read import Data
from tunewell.serve.fitted import Fitted, Saying, no_script
from tunewell.serve.plain import rows
from tunewell.serve.plain import writing as plain
from tunewell.serve.script_asked import asked_in
from tunewell.serve.script_parts import text_of
from tunewell.serve.script_rows import beside
from tunewell.serve.script_writing import ends_of, learnt_lines

DOC = """\
{told} Nothing was trained: this script tells how little the same model expects the same texts; it
needs torch and transformers."""


def expecting_script(
    fitted: Fitted, trial: dict[str, Any], data: Data, out: Path | None
) -> list[str]:
    """The parts of the script, in order; its texts are written beside it.

    Raises:
        ConfigError: answers are expected and not whole texts, or there is no place beside it.
    """
    own, backbone = asked_in(fitted, trial)[1], fitted.backbone
    metric, task = own.task.metrics[own.task.metric], own.task
    if not isinstance(own.writer, LocalWriter) or not getattr(task, "learns_input", False):
        raise no_script(
            f"it is judged by {metric.words} of answers, which its script does not compute; "
            "another --metric has a script"
        )
    assert backbone is not None
    tokenizer, head = own.writer.tokenizer, replace(own.writer.head, task=task)
    saying = Saying(fitted, ByHand(""), head, backbone, trial["seed"], data, out)
    before, end = ends_of(tokenizer, head)
    lines = learnt_lines(saying, tokenizer, "test", False, (before, end))
    if lines is None:
        raise no_script("its tokens depend on what stands around a text")
    given = {
        "BACKBONE": str(backbone.folder),
        "MAX_LENGTH": backbone.max_length,
        "BFLOAT16": own.record.machine.dtype == "bfloat16",
        "BEFORE": before,
        "END": end,
    }
    functions: list[Any] = [rows.numbers, plain.conversations, plain.Writer, plain.gone_on]
    functions += [plain.missed, plain.side_by_side]
    main = MAIN.replace("<score>", SCORES[metric.name]).replace("<words>", metric.words)
    return text_of(saying.piece, given, beside({"test": lines}, out), functions, [main])


SCORES = {
    "bits_per_byte": "found.sum().item() / math.log(2) / sum(sizes)",
    "perplexity": "math.exp(found.sum().item() / sum(tokens))",
}
MAIN = '''\
def main() -> Tensor:
    """Print how little the model expects the test texts; the nats of each (rows, 1)."""
    tokenizer = AutoTokenizer.from_pretrained(BACKBONE, trust_remote_code=False)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    encoded, sizes, tokens = [], [], []
    for file, parts in FILES.items():
        table = conversations(file, *READ_WITH)
        for number in numbers(parts["test"]):
            text = "".join(table[number])
            ids, labels = gone_on(tokenizer, text, "", BEFORE, END)
            learnt = [label for label in labels[:MAX_LENGTH] if label != -100]
            if len(ids) > MAX_LENGTH:
                text = tokenizer.decode(learnt, skip_special_tokens=True)
            encoded.append((ids[:MAX_LENGTH], labels[:MAX_LENGTH]))
            sizes.append(max(1, len(text.encode())))
            tokens.append(len(learnt))
    model = Writer(
        AutoModelForCausalLM.from_pretrained(
            BACKBONE, dtype=torch.float32, trust_remote_code=False
        )
    ).eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16):
        found = torch.cat([missed(model, [row], tokenizer.pad_token_id) for row in encoded])
    print(f"{<score>:.4f} <words> on {len(found)} test rows")
    return found.unsqueeze(1)
'''
