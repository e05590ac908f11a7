"""Words and pieces of words, counted, and a linear model: strong, fast, no neural network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from tunewell.contracts import Job, Task
from tunewell.errors import ConfigError
from tunewell.registry import task as task_named
from tunewell.values import Answer, Kind, Machine, ParameterCount, read_json, write_json

PARTS = {
    "words": {"analyzer": "word", "ngram_range": (1, 2)},
    "characters": {"analyzer": "char_wb", "ngram_range": (2, 5)},
}


@dataclass(frozen=True)
class BagOfWords:
    """TF-IDF of words and of character n-grams, and a logistic regression on it.

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
        from scipy.sparse import hstack
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        texts = [example.input for example in job.train]
        vectorizers, blocks = {}, []
        for name, settings in PARTS.items():
            vectorizer = TfidfVectorizer(
                sublinear_tf=True, max_features=self.max_features, dtype=np.float32, **settings
            )
            blocks.append(vectorizer.fit_transform(texts))
            vectorizers[name] = vectorizer
        model = LogisticRegression(C=self.C, max_iter=1000, random_state=job.seed)
        model.fit(hstack(blocks).tocsr(), [example.target for example in job.train])
        return WordsPredictor(
            task=job.task,
            vectorizers=vectorizers,
            weights=_by_label(model.coef_),
            bias=_by_label(model.intercept_),
            classes=tuple(model.classes_),
        )

    def grid(self) -> tuple[Self, ...]:
        """C, a tenth of it, and ten times it."""
        return tuple(replace(self, C=C) for C in (self.C, self.C / 10, self.C * 10))

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
            classes=tuple(record["classes"]),
        )


def _by_label(values: Any) -> Any:
    """A row a class; scikit-learn keeps one row where there are two classes."""
    import numpy as np

    values = np.asarray(values, dtype=np.float32)
    return np.concatenate([-values, values]) / 2 if len(values) == 1 else values


@dataclass(frozen=True)
class WordsPredictor:
    """Counts words as the training rows had them and adds their weights up."""

    task: Task
    vectorizers: dict[str, Any]
    weights: Any  # (classes, features)
    bias: Any  # (classes,)
    classes: tuple[str, ...]

    @property
    def parameters(self) -> ParameterCount:
        """Weights and biases; all of them are trained."""
        size = self.weights.size + self.bias.size
        return ParameterCount(size, size, size)

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """The likeliest label of each text, with every label's probability."""
        from scipy.sparse import hstack
        from scipy.special import softmax

        if not inputs:
            return []
        blocks = [vectorizer.transform(inputs) for vectorizer in self.vectorizers.values()]
        shares = softmax(hstack(blocks).tocsr() @ self.weights.T + self.bias, axis=1)
        return [
            Answer(
                self.classes[row.argmax()],
                float(row.max()),
                dict(zip(self.classes, row.tolist(), strict=True)),
            )
            for row in shares
        ]

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
        write_json(
            folder / "model.json",
            {**record, "classes": list(self.classes), "vocabulary": vocabulary},
        )
