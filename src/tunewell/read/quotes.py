"""What is wrong with the quotes of a CSV row."""

from __future__ import annotations


def bad_quote(text: str, delimiter: str) -> tuple[int, str]:
    """Number of the cell whose quotes are wrong, and what follows its end ("": it has none).

    >>> bad_quote('a,"b" c', ","), bad_quote('"open,1', ",")
    ((1, ' '), (0, ''))
    """
    number, position = 0, 0
    while position < len(text):
        if text[position] == '"':
            end = position + 1
            while (end := text.find('"', end)) >= 0 and text[end + 1 : end + 2] == '"':
                end += 2
            if end < 0:
                return number, ""
            after = text[end + 1 : end + 2]
            if after not in (delimiter, "\r", "\n", ""):
                return number, after
            position = end + 1
        else:
            while position < len(text) and text[position] not in (delimiter, "\r", "\n"):
                position += 1
        if text[position : position + 1] != delimiter:
            break
        number, position = number + 1, position + 1
    return number, ""
