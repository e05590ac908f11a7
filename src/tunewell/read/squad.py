"""SQuAD's nested JSON as rows: a question a row, with its passage and its answers.

Rajpurkar et al., "SQuAD" (arXiv 1606.05250); unanswerable questions arXiv 1806.03822.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def is_article(value: Any) -> bool:
    """Whether a row of a JSON file is an article of SQuAD: paragraphs with their questions."""
    paragraphs = value.get("paragraphs") if isinstance(value, dict) else None
    return isinstance(paragraphs, list) and all(
        isinstance(each, dict) and isinstance(each.get("qas"), list) for each in paragraphs
    )


def questions_of(article: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The questions of an article as rows.

    `answers` is `{"text": [...], "answer_start": [...]}` as `datasets` has it, both empty where
    there is no answer in the passage.
    """
    for paragraph in article["paragraphs"]:
        for asked in paragraph["qas"]:
            answers = asked.get("answers") or []
            yield {
                "id": asked.get("id"),
                "title": article.get("title"),
                "context": paragraph.get("context"),
                "question": asked.get("question"),
                "answers": {
                    "text": [answer.get("text") for answer in answers],
                    "answer_start": [answer.get("answer_start") for answer in answers],
                },
                "is_impossible": asked.get("is_impossible"),
            }
