"""The script of a model that is asked as it stands: its questions, and how answers are read."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from tunewell import registry
from tunewell.decide import one_label
from tunewell.fit import turns
from tunewell.fit.by_hand import ByHand
from tunewell.fit.prompting import asked as asking
from tunewell.fit.prompting.asked import AskedPredictor
from tunewell.fit.prompting.questions import Questions
from tunewell.fit.prompting.shots import Shots, chosen
from tunewell.fit.prompting.writers import LocalWriter
from tunewell.measure.metrics import scores
from tunewell.read import Data
from tunewell.serve.fitted import Fitted
from tunewell.serve.plain import asking as plain
from tunewell.serve.plain import pieces, rows
from tunewell.serve.script_mains import ROWS, SAID
from tunewell.serve.script_parts import text_of
from tunewell.serve.script_rows import beside, solved
from tunewell.serve.sources import call_of, functions_in, refuse_twice, taken
from tunewell.values import Answer, Example, Machine

DOC = """\
{told} Nothing was trained: this script asks the same model the same questions and reads its
answers in the same way; it needs torch, transformers and scikit-learn, or numpy and
scikit-learn alone where a server is asked, whose key is read from OPENAI_API_KEY."""

TASK = ("prompt", "parse", "texts", "named", "conversation", "asked", "answers", "learns_input")
"""What questions need of a task."""
SERVER = "https://api.openai.com/v1"


def asked_in(fitted: Fitted, trial: dict[str, Any]) -> tuple[Any, AskedPredictor]:
    """A model that asks, and what is asked inside of it, which it may be itself."""
    made: Any = registry.method(trial["method"]).load(fitted.folder, Machine())
    return made, made if isinstance(made, AskedPredictor) else made.asked


def asking_script(fitted: Fitted, trial: dict[str, Any], data: Data, out: Path | None) -> list[str]:
    """The parts of the script, in order; its rows are written beside it.

    Raises:
        ConfigError: there is no place beside it.
    """
    made, own = asked_in(fitted, trial)
    task, metric = own.task, own.task.metrics[own.task.metric]
    found_before = made is not own
    asked = {}
    for part, examples in data.parts.items():
        inputs = [example.input for example in examples]
        if found_before and part == "test":
            put = made.put(inputs)
            inputs = [{"row": i, "asked": a} for i, a in zip(inputs, put, strict=True)]
        asked[part] = solved(inputs, [example.target for example in examples])
    reading = beside(asked, out)
    classes = [kind for kind in type(task).__mro__ if kind.__module__.startswith("tunewell.")]
    only: dict[type, tuple[str, ...]] = dict.fromkeys(classes, TASK)
    only[Questions] = ("asked", "read")
    roots = [rows.numbers, pieces.examples, Answer, Example, type(task), Questions, scores]
    roots += [type(metric), *functions_in(metric), *_functions(own, found_before)]
    found = taken(roots, only)
    known = [f"METRIC = {call_of(metric)}", f"TASK = {call_of(task)}"]
    known.append(f"QUESTIONS = Questions(TASK, TALKS{', PROMPT' if _prompt(own) else ''})")
    main = _main(own, found_before)
    local = isinstance(own.writer, LocalWriter)
    more = ("from transformers import GenerationConfig",) if local else ()
    piece = ByHand("", imports=(*found.imports, *more))
    blocks = [*found.blocks, "\n".join(known), SAID, main]
    given = _constants(own, fitted, trial)
    refuse_twice(found, given)
    return text_of(piece, given, reading, (), blocks)


def _prompt(own: AskedPredictor) -> str | None:
    return own.questions.preface


def _functions(own: AskedPredictor, found_before: bool) -> list[Any]:
    """What the script calls, beside its questions."""
    local, found = isinstance(own.writer, LocalWriter), list[Any]()
    if not found_before:
        found += [plain.fitting, Shots, *([chosen] if own.shots.rows else [])]
    if local:
        found += [turns.equip, *([] if found_before else [turns.asked_text, plain.ids_of])]
    if own.by == "scoring":
        labels = own.task.answers == "label"
        return [*found, plain.nats, asking.shares_of, *([one_label] if labels else [])]
    return [*found, plain.write if local else plain.reply]


def _constants(own: AskedPredictor, fitted: Fitted, trial: dict[str, Any]) -> dict[str, Any]:
    """Names and values at the head of the script."""
    backbone, task = own.record.backbone, own.task
    given: dict[str, Any] = {
        "SEED": trial["seed"],
        "TALKS": own.writer.talks,
        "NEW_TOKENS": own.most,
    }
    if _prompt(own):
        given["PROMPT"] = _prompt(own)
    if isinstance(own.writer, LocalWriter):
        given |= {
            "BACKBONE": str(backbone.folder),
            "WINDOW": backbone.max_length,
            "BFLOAT16": own.record.machine.dtype == "bfloat16",
        }
        if own.by != "scoring":
            given["STOPS"] = own.writer.head.stops(own.writer.tokenizer)
    elif backbone.endpoint is not None:
        url = backbone.endpoint.base_url
        given |= {"ADDRESS": url or SERVER, "MODEL": backbone.endpoint.model}
        given["LIMIT"] = "max_completion_tokens" if url is None else "max_tokens"
    if own.by == "scoring" and task.answers == "label":
        given["BIAS"] = list(own.bias) or [0.0] * len(task.labels)
        given["THRESHOLDS"] = dict(getattr(task, "thresholds", {}))
        given["TEMPERATURE"] = getattr(task, "temperature", 1.0)
    names = {field.name for field in fields(fitted.method)}
    if own.shots.rows:
        given["K"] = trial["options"]["k"]
        given["EXAMPLES"] = trial["options"]["examples"] if "examples" in names else "nearest"
    return given


def _main(own: AskedPredictor, found_before: bool) -> str:
    """The function `main`."""
    local = isinstance(own.writer, LocalWriter)
    questions = ASKED_BEFORE if found_before else ASKED
    shots = CHOSEN if own.shots.rows else "    shots = Shots(TASK)\n"
    tokens = LOCAL_ROOM if local else "    tokens, room = None, None\n"
    answer = SCORED[own.task.answers] if own.by == "scoring" else WRITTEN
    two = local and not own.writer.head.one_stack
    flags = {
        "rows": ROWS,
        "load": LOAD if local else "",
        "questions": questions,
        "shots": shots,
        "tokens": tokens,
        "answers": answer,
        "said": "write(model, tokenizer, asked, WINDOW, NEW_TOKENS, STOPS)" if local else REPLY,
        "auto": "AutoModelForSeq2SeqLM" if two else "AutoModelForCausalLM",
        "encoder": str(two),
        "precise": PRECISE if local else "",
        "in": "    " if local else "",
    }
    text = MAIN
    for name, lines in flags.items():
        text = text.replace(f"<{name}>", lines)
    return text


REPLY = "reply(ADDRESS, MODEL, asked, LIMIT, NEW_TOKENS)"
MAIN = '''\
def main() -> list[Answer]:
    """Ask about each test row, print the score; the answers."""
<rows><load>    inputs = [given for given, _ in rows["test"]]
<questions><answers>    right = [target for _, target in rows["test"]]
    print(f"score {score(right, answers):.4f} on {len(answers)} test rows")
    return answers
'''
LOAD = """\
    tokenizer = AutoTokenizer.from_pretrained(BACKBONE, trust_remote_code=False)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    equip(tokenizer, encoder=<encoder>)
    model = <auto>.from_pretrained(BACKBONE, dtype=torch.float32, trust_remote_code=False)
    names = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
    kept = {name: getattr(model.config, name, None) for name in names}
    model.generation_config = GenerationConfig(do_sample=False, **kept)
    model.eval()
    precision = torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16)
"""
ASKED = """\
<shots><tokens>    before = zip(inputs, shots.before(inputs), strict=True)
    all_asked = [fitting(QUESTIONS, given, own, tokens, room) for given, own in before]
"""
CHOSEN = """\
    known = [Example(given, target) for given, target in rows["train"]]
    shots = chosen(TASK, known, K, EXAMPLES, SEED)
"""
LOCAL_ROOM = """\
    room = WINDOW - NEW_TOKENS

    def tokens(asked: Asked) -> int:
        if isinstance(asked, str) and model.config.is_encoder_decoder:
            return len(ids_of(tokenizer, asked))
        return len(ids_of(tokenizer, asked_text(tokenizer, asked)))

"""
ASKED_BEFORE = """\
    # Each question stands behind the passages that the run's index found for it.
    all_asked = [given["asked"] for given in inputs]
    inputs = [given["row"] for given in inputs]
"""
PRECISE = """\
    with precision:
"""
WRITTEN = """\
    written = []
<precise><in>    written += [<said> for asked in all_asked]
    pairs = zip(inputs, written, strict=True)
    answers = [QUESTIONS.read(given, text) for given, text in pairs]
"""
SCORED = {
    "label": """\
    answers = []
    names = [TASK.named(label) for label in TASK.labels]
<precise><in>    for asked in all_asked:
<in>        found = nats(model, tokenizer, asked, names, WINDOW)
<in>        own = [each - bias for each, bias in zip(found, BIAS, strict=True)]
<in>        shares = dict(zip(TASK.labels, shares_of(own), strict=True))
<in>        answers.append(one_label(shares, THRESHOLDS, TEMPERATURE))
""",
    "choice": """\
    answers = []
<precise><in>    for given, asked in zip(inputs, all_asked, strict=True):
<in>        choices = given["choices"]
<in>        found = nats(model, tokenizer, asked, choices, WINDOW)
<in>        pairs = zip(found, choices, strict=True)
<in>        own = [each / max(1, len(choice)) for each, choice in pairs]
<in>        shares = dict(zip(choices, shares_of(own), strict=True))
<in>        best = max(shares, key=shares.__getitem__)
<in>        answers.append(Answer(best, shares[best], shares))
""",
}
