"""Texts that belong together, in; vectors that say how alike they are, out."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tunewell import kinds
from tunewell.contracts import Metric
from tunewell.errors import DataError, EmptyCell, NotApplicable
from tunewell.inputs import number_in
from tunewell.measure.metrics import MeanAbsoluteError, Pearson, Spearman, scores
from tunewell.measure.metrics.ranking import Ndcg, Recall, cosine
from tunewell.values import Answer, Column, Example, Kind, frozen, to_json

MOST_PASSAGES = 10_000
"""Training passages that are kept with a model, so that new queries find them."""


@dataclass(frozen=True)
class Similar:
    """How alike texts are, and which passage a query is about.

    Row in: `{"query": "how do I descale the kettle?", "passage": "Fill it with water and vinegar,
    let it stand for an hour, and rinse."}`

    Answer out: `Answer(value=((0.031, -0.118, ...), (0.027, -0.102, ...)))`, a vector of each text.

    Metrics: `ndcg_at_10` decides, which asks how far up the right passage stands among those of
    all rows that are scored; beside it `recall_at_1` and `recall_at_10`. A row may bring a
    `negative`, a passage that looks right and is not, or a list of them; rows with the same query
    each bring a right one. New queries are answered with the training passages nearest to them.

    Pairs with a `score` are the other form, `{"sentence1": "A man plays a flute.", "sentence2":
    "Someone makes music.", "score": 3.2}`: the answer is a number on the same scale, and
    `spearman` decides, with `pearson` and `mean_absolute_error` beside it.

    One passage may stand in rows of several parts, as new queries are about known passages; to
    score on passages that nobody has seen, name files of your own with --validation and --test.
    """

    name: ClassVar[str] = "similar"
    head: ClassVar[str] = "vector"
    summary: ClassVar[str] = "texts that belong together in, vectors out: search, likeness"
    columns: ClassVar[tuple[Column, ...]] = (
        Column(
            "query",
            "The query, or the first text of a pair.",
            "texts",
            headers=(
                *("query", "question", "anchor", "sentence1", "sentence 1", "sentence a"),
                *("text1", "text a", "question1", "premise", "frage", "pregunta"),
            ),
        ),
        Column(
            "passage",
            "The passage that belongs to it, or the second text of a pair.",
            "passages",
            headers=(
                *("passage", "positive", "context", "answer", "document", "sentence2"),
                *("sentence 2", "sentence b", "text2", "text b", "question2", "hypothesis"),
            ),
            needed=False,
        ),
        Column(
            "negative",
            "A passage, or several, that do not belong to the query although they look so.",
            "passages",
            headers=("negative", "negatives", "hard negative", "hard negatives"),
            needed=False,
            nested=True,
        ),
        Column(
            "score",
            "How alike the two are, as a number; none where all pairs belong together.",
            "numbers",
            headers=("score", "similarity", "similarity score", "likeness", "relatedness"),
            needed=False,
            target=True,
        ),
    )

    answers: Kind = "vector"
    """`number` where pairs come with a score."""
    low: float = 0.0
    high: float = 1.0
    """The least and the most score of the training rows."""
    mean: float = 0.0
    deviation: float = 1.0
    middle: float = 0.0
    """Mean, standard deviation and median of the scores."""
    passages: tuple[str, ...] = ()
    """Those of the training rows, which new queries find."""
    metric: str = "ndcg_at_10"
    """The deciding metric."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """Of passages nDCG and recall; of scores two correlations and the error."""
        if self.answers == "number":
            return {
                "spearman": Spearman(self.middle),
                "pearson": Pearson(self.middle),
                "mean_absolute_error": MeanAbsoluteError(self.middle),
            }
        return {"ndcg_at_10": Ndcg(10), "recall_at_1": Recall(1), "recall_at_10": Recall(10)}

    def look(self, rows: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], str]:
        """Whether pairs come with a score, and a sentence on it.

        Raises:
            DataError: no row has a second text.
        """
        if not any(row.get("passage") for row in rows):
            raise DataError(
                "There is a column of queries and none of passages.",
                "Each query needs the passage that belongs to it, or the text it is compared with.",
                "Name both: --columns query=NAME,passage=NAME",
            )
        if any(row.get("score") for row in rows):
            return {"answers": "number"}, "Pairs have scores; answers are numbers like them."
        return {"answers": "vector"}, "No column holds scores, so passages are ranked."

    @classmethod
    def choose_metric(cls, train: Sequence[Example]) -> tuple[str, str]:
        """Spearman's correlation for scores, nDCG for passages."""
        if train and isinstance(train[0].target, float):
            return "spearman", "it asks whether pairs are ranked right, whatever the scale"
        return "ndcg_at_10", "it asks how far up the right passage stands"

    @classmethod
    def from_examples(
        cls, train: Sequence[Example], metric: str | None = None, **found: Any
    ) -> Similar:
        """The scale of the scores, or the passages.

        Raises:
            DataError: all scores are equal, or there is one passage only.
        """
        metric = metric or cls.choose_metric(train)[0]
        if train and isinstance(train[0].target, float):
            numbers = [example.target for example in train]
            if len(set(numbers)) < 2:
                raise DataError(
                    f"No two of the {len(numbers)} training rows have different scores.",
                    "Scores that differ are expected, as there is nothing to learn otherwise.",
                )
            return cls(
                answers="number",
                low=min(numbers),
                high=max(numbers),
                mean=statistics.fmean(numbers),
                deviation=statistics.pstdev(numbers),
                middle=statistics.median(numbers),
                metric=metric,
            )
        passages = tuple(dict.fromkeys(example.target["passage"] for example in train))
        if len(passages) < 2:
            raise DataError(
                f"All {len(train)} training rows have the same passage.",
                "Passages that differ are expected, as there is nothing to choose from otherwise.",
            )
        return cls(passages=passages[:MOST_PASSAGES], metric=metric)

    def input(self, row: dict[str, Any], where: str) -> tuple[str, ...]:
        """Query, passage, and passages that do not belong to it; a query may stand alone."""
        query, passage, others = row.get("query"), row.get("passage"), row.get("negative")
        if not isinstance(query, str) or not query.strip():
            raise EmptyCell(f"{where}: the query is empty.", "Each row needs one.", column="query")
        if not isinstance(passage, str) or not passage.strip():
            if self.answers == "number":
                found = f"{where}: the second text is empty."
                raise EmptyCell(found, "Each row needs two texts.", column="passage")
            return (query,)
        if self.answers == "number":
            return query, passage
        listed = others if isinstance(others, (list, tuple)) else [others]
        return query, passage, *(str(each) for each in listed if each and str(each).strip())

    def read(self, row: dict[str, Any], where: str) -> Example:
        """A row with the cells `query`, `passage`, and maybe `negative` or `score`."""
        given = self.input(row, where)
        if len(given) < 2:
            found = f"{where}: the passage is empty."
            raise EmptyCell(found, "Each query needs its passage.", column="passage")
        if self.answers == "vector":
            query, passage, *others = given
            if passage in others:
                raise DataError(
                    f"{where}: the passage stands among the negatives.",
                    "A negative is a passage that does not belong to the query.",
                    column="negative",
                )
            target = {"query": query, "passage": passage, "others": tuple(others)}
            return Example(given, target, source=where)
        cell = str(row.get("score") or "").strip()
        if not cell:
            raise EmptyCell(f"{where}: the score is empty.", "Each row needs one.", column="score")
        number = number_in(cell)
        if number is None:
            raise DataError(
                f"{where}: {cell[:40]!r} is no number.",
                "A number such as 3, 4.5 or -0.25 is expected.",
                column="score",
            )
        return Example(given, number, source=where)

    def texts(self, input: Any) -> tuple[str, ...]:
        """Every text; a passage that is asked for by itself stands behind a query that is none."""
        return tuple(text for text in input if text is not None)

    def shown(self, value: Any) -> str:
        """The right passage, the passages found, how alike two texts are, or a score."""
        if isinstance(value, dict):
            return str(value["passage"])
        if not isinstance(value, tuple) or not value:
            return kinds.shown(value)
        if isinstance(value[0], dict) and "similarity" in value[0]:
            return "; ".join(f"{each['similarity']:.2f} {each['passage']}" for each in value)
        if len(value) == 1:
            return "a vector"
        return f"likeness {cosine(*value[:2]):.2f}"

    def ideal(self, target: Any) -> Any:
        """The score; or vectors that are equal where texts belong together."""
        if self.answers == "number":
            return target
        same = {target["passage"]: 1.0}
        return same, same, *({other: 1.0} for other in target["others"])

    def right(self, target: Any, value: Any) -> float:
        """How alike query and passage are; of a score 0 from one standard deviation on."""
        if value is None:
            return 0.0
        if self.answers == "number":
            return max(0.0, 1.0 - abs(value - target) / self.deviation)
        return min(1.0, max(0.0, cosine(*value[:2])))

    def prompt(self, input: Any, shots: Sequence[Example] = ()) -> str:
        """No question in words.

        Raises:
            NotApplicable: always.
        """
        raise NotApplicable("cannot be asked in words: likeness is measured between vectors")

    def parse(self, text: str) -> Answer:
        """No answer: see `prompt`."""
        return Answer(None)

    def score(self, targets: Sequence[Any], answers: Sequence[Answer]) -> dict[str, float]:
        """Every metric; a query without an answer has found nothing."""
        return scores(self.metrics, targets, answers)

    def guess(self, train: Sequence[Example]) -> Answer:
        """The median score.

        Raises:
            NotApplicable: passages are ranked.
        """
        if self.answers == "vector":
            raise NotApplicable("no passage is right for all queries")
        return Answer(float(statistics.median(example.target for example in train)))

    def to_json(self) -> dict[str, Any]:
        """The record that `from_json` reads back."""
        return {"name": self.name, **to_json(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Similar:
        """The task that `to_json` wrote."""
        known = {key: frozen(each) for key, each in value.items() if key != "name"}
        return cls(**known)
