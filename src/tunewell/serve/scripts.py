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

_ROWS = """\
    rows = {part: [] for part in ("train", "validation", "test")}
    for file, parts in FILES.items():
        table = <reader>(file, *READ_WITH)
        for part, text in parts.items():
            rows[part] += [table[number] for number in numbers(text)]
    texts = {part: [<lead>text for text, _ in pairs] for part, pairs in rows.items()}
    labels = {part: [<as read> for _, label in pairs] for part, pairs in rows.items()}
"""

_TOLD = """\
<calm>    answers = [LABELS[number] for number in shares.argmax(-1).tolist()]
    print(f"score {score(answers, labels['test']):.4f} on {len(answers)} test rows")
    return shares
"""

OURS = """\
    body = <auto>.from_pretrained(
        BACKBONE, dtype=torch.float32, trust_remote_code=False, **BODY_DROPOUT
    )
    torch.manual_seed(SEED)
    width = body.config.hidden_size
    head = output_layers(width, <outputs>, HIDDEN, DROPOUT)
    model = Classifier(body.eval(), <head>, POOLING)
"""
"""A model with our output layers."""
STOCK = """\
    model = AutoModelForSequenceClassification.from_pretrained(
        BACKBONE,
        dtype=torch.float32,
        trust_remote_code=False,
        num_labels=<outputs>,
        **BODY_DROPOUT,
    )
    model.config.pad_token_id = pad_id
"""
"""A model with the architecture's own."""
ONCE = """\
    if not any(p.requires_grad for p in model.<body>.parameters()):
        lengths = [1] * len(lengths)  # as in the run, which read each row once
"""
"""Where the head alone moves, rows of all lengths go together."""

WHOLE = {
    "encoded": """\
    encoded = {part: token_ids(tokenizer, own, MAX_LENGTH) for part, own in texts.items()}
""",
    "loss": 'losses(logits, targets["validation"])',
    "validation": "logits",
    "numbers": "[numbers])",
    "test": 'logits_of_all("test")',
    "tuned on": 'logits_of_all("validation")',
}
"""Where a row is read at once."""
WINDOWS = {
    "encoded": """\
    encoded, owner, weight = {}, {}, {}
    for part, own in texts.items():
        encoded[part], owner[part] = windows(tokenizer, own, MAX_LENGTH)
        count = torch.bincount(owner[part])  # each row counts once, however many windows it has
        weight[part] = len(owner[part]) / len(own) / count[owner[part]]
""",
    "loss": """(
            losses(logits, targets["validation"][owner["validation"]]) * weight["validation"]
        )""",
    "validation": 'by_row(logits, owner["validation"])',
    "numbers": '[owner["train"][numbers]]) * weight["train"][numbers]',
    "test": 'by_row(logits_of_all("test"), owner["test"])',
    "tuned on": 'by_row(logits_of_all("validation"), owner["validation"])',
}
"""Where a long row is read in windows, and the mean of their logits is its own."""

TRAINS = {
    "main": (
        '''\
def main() -> Tensor:
    """Train, print the score on the test rows, save; what each is answered with (rows, outputs)."""
'''
        + _ROWS
        + "<read>"
        + """\
<encoded>    targets = {
        part: <targets>
        for part, own in labels.items()
    }
    torch.manual_seed(SEED)
<model><begin>    torch.manual_seed(SEED)
    prepare(model)

    def precision() -> torch.autocast:
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16)

<feed>
    def validate() -> tuple[float, float]:
        logits = logits_of_all("validation")
        loss = <loss>.mean().item()
        return score(answers_of(<validation><tuned>), labels["validation"]), loss

    def losses_of(numbers: Sequence[int]) -> Tensor:
        return losses(logits_of(numbers), targets["train"]<numbers>

    train(model, losses_of, lengths, validate, seed=SEED<factors>, **SCHEDULE)
    model.eval()
    save_model(model, str(Path(__file__).with_suffix(".safetensors")))
    logits = <test>
    answers = answers_of(logits<tuned>)
    print(f"score {score(answers, labels['test']):.4f} on {len(answers)} test rows")
    shares = <told>
<calm>    return shares
"""
    ),
    "tokens": """\
    lengths = [len(ids) for ids in encoded["train"]]
<lengths>
    def logits_of(numbers: Sequence[int]) -> Tensor:
        with precision():
            batch = padded([encoded["train"][number] for number in numbers], pad_id)
            return model(**batch)<logits>.float()

    def logits_of_all(part: str) -> Tensor:
        with precision():
            return in_batches(<run>, encoded[part], pad_id).float()
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
