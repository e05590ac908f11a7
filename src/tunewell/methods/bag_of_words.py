"""Words and pieces of words, counted, and a linear model: strong, fast, no neural network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tunewell.contracts import Job, Task
from tunewell.errors import ConfigError
from tunewell.registry import task as task_named
from tunewell.values import Answer, Kind, Machine, ParameterCount, read_json, write_json

if TYPE_CHECKING:
    from tunewell.fit.by_hand import ByHand

PARTS = {
    "words": {"analyzer": "word", "ngram_range": (1, 2)},
    "characters": {"analyzer": "char_wb", "ngram_range": (2, 5)},
}


@dataclass(frozen=True)
class BagOfWords:
    """TF-IDF of words and of character n-grams, and a logistic or ridge regression on it.

    What moves: a linear model over counts of words (one or two) and of character runs (two to
    five, within words). Needs: no backbone. Costs: seconds, on any machine.
    Choose it: when words give the label away, when texts are long and many, as the floor that a
    language model has to beat. Neighbours: `features` uses meaning instead of words.
    Source: Wang and Manning, "Baselines and Bigrams" (ACL 2012).
    """

    name: ClassVar[str] = "bag_of_words"
    summary: ClassVar[str] = "a linear model over counted words and pieces of words"
    rung: ClassVar[int] = 1
    needs_backbone: ClassVar[bool] = False
    answers: ClassVar[tuple[Kind, ...]] = ("label", "labels", "number")

    C: float = 10.0
    """Inverse strength of the penalty on weights; larger fits the training rows closer."""
    max_features: int = 50_000
    """Most frequent words, and as many character runs, that are counted."""

    def __post_init__(self) -> None:
        """Refuse what cannot be fitted with."""
        for name in ("C", "max_features"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} is {getattr(self, name):g}.", "More than 0 is expected.")

    def fit(self, job: Job) -> WordsPredictor:
        """Count, weigh, and fit the linear model."""
        import numpy as np
        from sklearn.feature_extraction.text import TfidfVectorizer

        from tunewell.fit.solve import solve

        inputs = [example.input for example in job.train]
        texts = [text for each in inputs for text in job.task.texts(each)]
        vectorizers = {}
        for name, settings in PARTS.items():
            vectorizer = TfidfVectorizer(
                sublinear_tf=True, max_features=self.max_features, dtype=np.float32, **settings
            )
            vectorizers[name] = vectorizer.fit(texts)
        counted = _counted(job.task, vectorizers, inputs)
        targets = [example.target for example in job.train]
        weights, bias = solve(job.task, counted, targets, self.C, job.seed, max_iter=1000)
        return WordsPredictor(
            task=job.task,
            vectorizers=vectorizers,
            weights=weights.astype(np.float32),
            bias=bias.astype(np.float32),
        )

    def grid(self) -> tuple[Self, ...]:
        """C, a tenth of it, and ten times it."""
        return tuple(replace(self, C=C) for C in (self.C, self.C / 10, self.C * 10))

    def by_hand(self, body: Any, task: Any) -> ByHand:
        """These steps in plain lines."""
        from tunewell.fit.by_hand import ByHand, lines, simple
        from tunewell.fit.solve import solve

        general = f"""
            def fit(inputs, targets, read):
                \"\"\"A linear model on TF-IDF of words and of pieces of words.\"\"\"
                texts = [text for given in inputs for text in TASK.texts(given)]
                counts = {{
                    name: TfidfVectorizer(
                        sublinear_tf=True,
                        max_features={self.max_features},
                        dtype=np.float32,
                        **settings,
                    ).fit(texts)
                    for name, settings in {PARTS!r}.items()
                }}
                rows = _counted(TASK, counts, inputs)
                weights, bias = solve(TASK, rows, targets, {self.C}, SEED, max_iter=1000)
                weights, bias = weights.astype(np.float32), bias.astype(np.float32)

                def answer(new):
                    logits = _counted(TASK, counts, new) @ weights.T + bias
                    return HEAD.said(torch.as_tensor(logits))

                return answer
            """
        if not simple(task):
            imports = ("import numpy as np",)
            imports += ("from sklearn.feature_extraction.text import TfidfVectorizer",)
            return ByHand(lines(general), imports, uses=(_counted, solve))
        code = f"""
            def fit(texts, labels, read):
                \"\"\"Logistic regression on TF-IDF of words and of pieces of words.\"\"\"
                counts = [
                    TfidfVectorizer(
                        sublinear_tf=True,
                        max_features={self.max_features},
                        dtype=np.float32,
                        **settings,
                    )
                    for settings in {list(PARTS.values())!r}
                ]
                model = LogisticRegression(C={self.C}, max_iter=1000)
                model.fit(hstack([each.fit_transform(texts) for each in counts]).tocsr(), labels)
                order = [list(model.classes_).index(label) for label in LABELS]

                def answer(new):
                    rows = hstack([each.transform(new) for each in counts]).tocsr()
                    return torch.tensor(model.predict_proba(rows)[:, order])

                return answer
            """
        imports = ("import numpy as np", "from scipy.sparse import hstack")
        imports += ("from sklearn.feature_extraction.text import TfidfVectorizer",)
        return ByHand(
            lines(code), (*imports, "from sklearn.linear_model import LogisticRegression")
        )

    @staticmethod
    def load(folder: Path, machine: Machine) -> WordsPredictor:
        """The predictor that `fit` made and `save` wrote."""
        import numpy as np
        from safetensors.numpy import load_file
        from sklearn.feature_extraction.text import TfidfVectorizer

        record = read_json(folder / "model.json")
        arrays = load_file(folder / "model.safetensors")
        vectorizers = {}
        for name, settings in PARTS.items():
            words = {word: index for index, word in enumerate(record["vocabulary"][name])}
            vectorizer = TfidfVectorizer(
                sublinear_tf=True, vocabulary=words, dtype=np.float32, **settings
            )
            vectorizer.idf_ = arrays[f"idf.{name}"]
            vectorizers[name] = vectorizer
        return WordsPredictor(
            task=task_named(record["task"]["name"]).from_json(record["task"]),
            vectorizers=vectorizers,
            weights=arrays["weights"],
            bias=arrays["bias"],
        )


def _counted(task: Task, vectorizers: dict[str, Any], inputs: Sequence[Any]) -> Any:
    """What is counted in each input: (inputs, features), sparse.

    Of two texts the counts of both together, then in what they differ.
    """
    from scipy.sparse import hstack

    from tunewell.fit.side_by_side import texts_a_row

    width = texts_a_row(task, inputs)
    texts = [text for each in inputs for text in task.texts(each)]
    counts = hstack([each.transform(texts) for each in vectorizers.values()]).tocsr()
    if width == 1:
        return counts
    one, other = counts[::2], counts[1::2]
    return hstack([one + other, abs(one - other)]).tocsr()


@dataclass(frozen=True)
class WordsPredictor:
    """Counts words as the training rows had them and adds their weights up."""

    task: Task
    vectorizers: dict[str, Any]
    weights: Any  # (outputs, features)
    bias: Any  # (outputs,)

    @property
    def parameters(self) -> ParameterCount:
        """Weights and biases; all of them are trained."""
        size = self.weights.size + self.bias.size
        return ParameterCount(size, size, size)

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One answer an input, in order."""
        from tunewell.fit.solve import said

        if not inputs:
            return []
        counted = _counted(self.task, self.vectorizers, inputs)
        return said(self.task, counted @ self.weights.T + self.bias)

    def save(self, folder: Path) -> None:
        """Vocabularies in JSON, arrays in safetensors."""
        import numpy as np
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"weights": np.ascontiguousarray(self.weights), "bias": self.bias}
        for name, vectorizer in self.vectorizers.items():
            arrays[f"idf.{name}"] = np.ascontiguousarray(vectorizer.idf_)
        save_file(arrays, folder / "model.safetensors")
        vocabulary = {
            name: [str(word) for word in vectorizer.get_feature_names_out()]
            for name, vectorizer in self.vectorizers.items()
        }
        record = {"format": 1, "method": BagOfWords.name, "task": self.task.to_json()}
        write_json(folder / "model.json", {**record, "vocabulary": vocabulary})
