"""Multiple choice as ARC and CommonsenseQA publish it: the choices stand inside the question.

Clark et al., "ARC" (arXiv 1803.05457); Talmor et al., "CommonsenseQA" (arXiv 1811.00937).
"""

from __future__ import annotations

from typing import Any


def plain_question(value: Any) -> Any:
    """A row with `{"question": {"stem": ..., "choices": ...}}` as one with both side by side.

    >>> plain_question({"question": {"stem": "Why?", "choices": ["a", "b"]}, "answerKey": "A"})
    {'question': 'Why?', 'choices': ['a', 'b'], 'answerKey': 'A'}
    """
    asked = value.get("question") if isinstance(value, dict) else None
    if not isinstance(asked, dict) or not {"stem", "choices"} <= asked.keys():
        return value
    others = {name: cell for name, cell in asked.items() if name != "stem"}
    rest = {name: cell for name, cell in value.items() if name != "question"}
    return {"question": asked["stem"], **others, **rest}
