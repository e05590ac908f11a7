"""What an ejected script does with a head of ours: the functions `learn` and `main`, in parts."""

from __future__ import annotations

ROWS = """\
    rows: dict[str, list[Any]] = {part: [] for part in ("train", "validation", "test")}
    for file, parts in FILES.items():
        table = examples(file, *READ_WITH)
        for part, text in parts.items():
            rows[part] += [table[number] for number in numbers(text)]
"""
ALONE = """\
    _, answers, model = learn(rows)
"""
COPIES = """\
    first, answers, model = learn(<led>rows<)>)
    more = learn(<led>{**rows, "train": rows["train"] + copies_of(rows["train"])}<)>)
    if more[0] > first:
        _, answers, model = more
    print("kept:", "rows and copies" if more[0] > first else "the rows alone")
"""
LED = '''\
def led(rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Rows with what stands before each text."""
    return {
        part: [(begun(LEAD, given), target) for given, target in own]
        for part, own in rows.items()
    }
'''
SAID = '''\
def score(targets: Sequence[Any], answers: Sequence[Answer]) -> float:
    """The metric that decides."""
    return scores({METRIC.name: METRIC}, targets, answers)[METRIC.name]
'''
TUNED = {
    "labels": '''\
def tuned(targets: Sequence[Any], answers: Sequence[Answer]) -> list[Answer]:
    """Each label from the probability on that serves these rows best."""
    found = best_thresholds(HEAD.labels, targets, answers)
    return [several_labels(answer.scores, found) for answer in answers]
''',
    "label": '''\
def tuned(targets: Sequence[Any], answers: Sequence[Answer]) -> list[Answer]:
    """The rarer label from the probability on that serves these rows best."""
    found = best_divide(HEAD.labels, targets, answers)
    return [one_label(answer.scores, found) for answer in answers]
''',
}
"""How answers are decided after each epoch, by their kind."""

_TOKENIZER = """\
    tokenizer = AutoTokenizer.from_pretrained(BACKBONE, trust_remote_code=False)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    tokenizer.model_input_names = READS  # which of two texts a token is of, where that is known
    tokenizer.padding_side = tokenizer.truncation_side = "right"
    pad_id = tokenizer.pad_token_id
"""
_PARTS = """\
    inputs = {part: [given for given, _ in own] for part, own in rows.items()}
    targets = {part: [target for _, target in own] for part, own in rows.items()}
"""
_MAIN = '''

def main() -> list[Answer]:
    """Fit, print the score on the test rows<save told>; the answers to them."""
<rows><choice><save>    right = [target for _, target in rows["test"]]
    print(f"score {score(right, answers):.4f} on {len(answers)} test rows")
    return answers
'''
SAVE = """\
    save_model(model, str(Path(__file__).with_suffix(".safetensors")))
"""

BEGIN = """\
    # The output layer begins with each label's share of the rows, p, as log(p / (1 - p)).
    shares = torch.tensor([HEAD.shares[label] for label in HEAD.labels])
    outputs = [part for part in model.modules() if isinstance(part, nn.Linear)][-1]
    outputs.bias.data.copy_(shares.logit())
"""
HELD = """\
    new = [model.get_parameter(name) for name in <names>]
"""
FREED = """\
    for parameter in new:  # no file holds them, so they move as the output layers do
        parameter.requires_grad_(True)
"""
RUN = """\
    lengths = [max(len(pieces["train"][n].ids) for n in unit) * len(unit) for unit in units]
<lengths>
    def run(own: Sequence[Piece]) -> Tensor:
        with precision():
            output = model(**as_batch(own, pad_id))
            return (output if isinstance(output, Tensor) else output.logits).float()

    def logits_of(part: str, some: Sequence[int]) -> Tensor:
        return run([pieces[part][number] for number in some])

    def all_logits(part: str) -> Tensor:
        return all_of(run, pieces[part])
"""
KEPT = """\
    # Nothing that moves reaches the body, so it reads each piece once.
    model.eval()

    def read(own: Sequence[Piece]) -> Tensor:
        with precision():
            return model.vectors(**as_batch(own, pad_id)).float()

    vectors = {part: all_of(read, own) for part, own in pieces.items()}
    lengths = [len(unit) for unit in units]

    def logits_of(part: str, some: Sequence[int]) -> Tensor:
        return model.head(vectors[part][list(some)])

    def all_logits(part: str) -> Tensor:
        with torch.no_grad():
            return model.head(vectors[part])
"""
TRAINS = (
    '''\
def learn(rows: dict[str, list[Any]]) -> tuple[float, list[Answer], Any]:
    """The score on validation rows, the answers to test rows, and the model that gives them."""
'''
    + _TOKENIZER
    + _PARTS
    + """\
    pieces = {
        part: HEAD.encode(tokenizer, own, MAX_LENGTH, part == "train")
        for part, own in inputs.items()
    }
    wanted = {part: HEAD.targets(pieces[part], targets[part]) for part in ("train", "validation")}
    units = <units>  # which pieces a training example has
    torch.manual_seed(SEED)
<model><begin><held>    torch.manual_seed(SEED)
    prepare(model)
<freed>
    def precision() -> torch.autocast:
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16)

<feed>
    def losses_of(chosen: Sequence[int]) -> Tensor:
        some = [number for unit in chosen for number in units[unit]]
        own = [pieces["train"][number] for number in some]
        return HEAD.losses(own, logits_of("train", some), wanted["train"][list(chosen)])

    def validate() -> tuple[float, float]:
        logits = all_logits("validation")
        loss = HEAD.losses(pieces["validation"], logits, wanted["validation"]).mean().item()
        answers = HEAD.answers(inputs["validation"], pieces["validation"], logits)
<tuned>        return METRIC.scale.better(score(targets["validation"], answers)), loss

<chances>    train(model, losses_of, lengths, validate, seed=SEED<more>, **SCHEDULE)
    model.eval()
    logits = all_logits("validation")
    answers = HEAD.answers(inputs["validation"], pieces["validation"], logits)
    found = METRIC.scale.better(score(targets["validation"], answers))
    head = replace(HEAD, **TUNED)
    return found, head.answers(inputs["test"], pieces["test"], all_logits("test")), model
"""
    + _MAIN
)
FIT = """\
    answer = fit(inputs["train"], targets["train"], read)
"""
VOTE = """\
    shares = fit(inputs["train"], targets["train"], read)

    def answer(new: Sequence[str]) -> list[Answer]:
        rows = (dict(zip(LABELS, row, strict=True)) for row in shares(new).tolist())
        return [one_label(row, {}) for row in rows]

"""
CHANCES = """\
    drawn = chances_of(targets["train"])
    chances = [drawn[pieces["train"][unit[0]].row] for unit in units]
"""
READS = (
    '''\
def learn(rows: dict[str, list[Any]]) -> tuple[float, list[Answer], Any]:
    """The score on validation rows, the answers to test rows, and no network."""
'''
    + _PARTS
    + """\
<read><fit>    found = score(targets["validation"], answer(inputs["validation"]))
    return METRIC.scale.better(found), answer(inputs["test"]), None
"""
    + _MAIN
)
_BODY = (
    _TOKENIZER
    + """\
    body = <auto>.from_pretrained(BACKBONE, dtype=torch.float32, trust_remote_code=False)
    model = Classifier(body, nn.Identity(), POOLING).eval()

    def run(own: Sequence[Piece]) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16):
            return model(**as_batch(own, pad_id)).float()

"""
)
READ_TEXTS = (
    _BODY
    + '''\
    def read(texts: Sequence[str]) -> Tensor:
        """The frozen backbone's vectors (texts, hidden)."""
        own = <cut>(tokenizer, texts, MAX_LENGTH)
        return row_vectors(all_of(run, own), own, POOLING)

'''
)
READ_TOKENS = (
    _BODY
    + '''\
    def read(some: Sequence[Any]) -> tuple[list[Piece], Tensor]:
        """The pieces of some inputs, and their tokens' vectors (pieces, tokens, hidden)."""
        own = HEAD.encode(tokenizer, some, MAX_LENGTH)
        return own, all_of(run, own)

'''
)
READ_NOTHING = """\
    read = None  # this method stands on no backbone
"""
