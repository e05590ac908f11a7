"""The parts of an ejected script that are no functions of their own: its head and its `main`."""

from __future__ import annotations

DOC = """\
{told} This script repeats the fit from the same rows, options and seed; it needs torch,
transformers, peft and scikit-learn. Where the run ran rows end to end, dropout falls on other
units here, so that scores differ a little, as between two seeds."""

READ = """\
    tokenizer = AutoTokenizer.from_pretrained(BACKBONE, trust_remote_code=False)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    tokenizer.padding_side = tokenizer.truncation_side = "right"
    pad_id = tokenizer.pad_token_id
"""

SCORES = {
    "accuracy": '''\
def score(answers: list[str], right: list[str]) -> float:
    """Accuracy: the share of answers that are right."""
    return sum(a == b for a, b in zip(answers, right, strict=True)) / len(right)
''',
    "macro_f1": '''\
def score(answers: list[str], right: list[str]) -> float:
    """Macro F1: the mean over classes of the harmonic mean of precision and recall."""
    return f1_score(right, answers, average="macro", zero_division=0)
''',
}

_ROWS = """\
    rows = {part: [] for part in ("train", "validation", "test")}
    for file, parts in FILES.items():
        table = <reader>(file, *READ_WITH)
        for part, text in parts.items():
            rows[part] += [table[number] for number in numbers(text)]
    texts = {part: [text for text, _ in pairs] for part, pairs in rows.items()}
    labels = {part: [label for _, label in pairs] for part, pairs in rows.items()}
"""

CALM = """\
    # The temperature that was fitted on validation rows: as sure as it is right.
    shares = shares ** (1 / TEMPERATURE)
    shares = shares / shares.sum(-1, keepdim=True)
"""

_TOLD = """\
<calm>    answers = [LABELS[number] for number in shares.argmax(-1).tolist()]
    print(f"score {score(answers, labels['test']):.4f} on {len(answers)} test rows")
    return shares
"""

TRAINS = {
    "main": (
        '''\
def main() -> Tensor:
    """Train, print the score on the test rows, save; each test row's shares (rows, labels)."""
'''
        + _ROWS
        + "<read>"
        + """\
    encoded = {part: token_ids(tokenizer, own, MAX_LENGTH) for part, own in texts.items()}
    targets = {
        part: torch.tensor([LABELS.index(label) if label in LABELS else -1 for label in own])
        for part, own in labels.items()
    }
    torch.manual_seed(SEED)
    body = <auto>.from_pretrained(
        BACKBONE, dtype=torch.float32, trust_remote_code=False, **BODY_DROPOUT
    )
    torch.manual_seed(SEED)
    head = output_layers(body.config.hidden_size, len(LABELS), HIDDEN, DROPOUT)
    model = Classifier(body.eval(), head, POOLING)
    torch.manual_seed(SEED)
    prepare(model)

    def precision() -> torch.autocast:
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16)

<feed>
    def validate() -> tuple[float, float]:
        logits = logits_of_all("validation")
        loss = nn.functional.cross_entropy(logits, targets["validation"]).item()
        answers = [LABELS[number] for number in logits.argmax(-1).tolist()]
        return score(answers, labels["validation"]), loss

    train(model, logits_of, lengths, targets["train"], validate, seed=SEED<factors>, **SCHEDULE)
    model.eval()
    save_model(model, str(Path(__file__).with_suffix(".safetensors")))
    shares = logits_of_all("test").softmax(-1)
"""
        + _TOLD
    ),
    "tokens": """\
    lengths = [len(ids) for ids in encoded["train"]]

    def logits_of(numbers: Sequence[int]) -> Tensor:
        with precision():
            batch = padded([encoded["train"][number] for number in numbers], pad_id)
            return model(**batch).float()

    def logits_of_all(part: str) -> Tensor:
        with precision():
            return in_batches(model, encoded[part], pad_id).float()
""",
    "vectors": """\
    # Nothing that moves reaches the body, so it reads each row once.
    model.eval()
    with precision():
        vectors = {
            part: in_batches(model.vectors, own, pad_id).float() for part, own in encoded.items()
        }
    lengths = [1] * len(vectors["train"])

    def logits_of(numbers: Sequence[int]) -> Tensor:
        return model.head(vectors["train"][list(numbers)])

    def logits_of_all(part: str) -> Tensor:
        with torch.no_grad():
            return model.head(vectors[part])
""",
    "read": READ,
    "none": "",
}

ANSWERS = {
    "main": (
        '''\
def main() -> Tensor:
    """Fit, print the score on the test rows; each test row's shares (rows, labels)."""
'''
        + _ROWS
        + "<read>"
        + """\
    answer = fit(texts["train"], labels["train"], read)
    shares = answer(texts["test"])
"""
        + _TOLD
    ),
    "tokens": "",
    "vectors": "",
    "read": READ
    + '''\
    body = <auto>.from_pretrained(BACKBONE, dtype=torch.float32, trust_remote_code=False)
    model = Classifier(body, nn.Identity(), POOLING).eval()

    def read(some: Sequence[str]) -> Tensor:
        """The frozen backbone's vectors (texts, hidden)."""
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16):
            return in_batches(model, token_ids(tokenizer, some, MAX_LENGTH), pad_id).float()

''',
    "none": """\
    read = None  # this method stands on no backbone
""",
}
