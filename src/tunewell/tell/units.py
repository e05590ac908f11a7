"""Numbers as people read them: per cent, minutes, millions, megabytes."""

from __future__ import annotations

from typing import Any

NOTHING = "–"
"""Stands in a cell that has no figure."""


def percent(share: float) -> str:
    """A share of 1 in per cent.

    >>> percent(0.8123)
    '81.2 %'
    """
    return f"{100 * share:.1f} %"


def interval(value: dict[str, float]) -> str:
    """A score with its interval, both in per cent.

    >>> interval({"value": 0.812, "low": 0.789, "high": 0.834})
    '81.2 % [78.9, 83.4]'
    """
    return f"{percent(value['value'])} [{100 * value['low']:.1f}, {100 * value['high']:.1f}]"


def points(difference: float) -> str:
    """A difference of two shares in points, with its sign.

    >>> points(-0.012), points(0.00001)
    ('−1.2', '0.0')
    """
    rounded = round(100 * difference, 1)
    return f"{rounded:+.1f}".replace("-", "−") if rounded else "0.0"


def signed(value: float) -> str:
    """A difference as a plain number, with its sign.

    >>> signed(-0.0126), signed(0.5), signed(0.0001)
    ('−0.013', '+0.500', '0')
    """
    rounded = round(value, 3)
    return f"{rounded:+.3f}".replace("-", "−") if rounded else "0"


def seconds(value: float) -> str:
    """A duration.

    >>> [seconds(value) for value in (0.0004, 0.25, 7.31, 192, 7500)]
    ['0.4 ms', '250 ms', '7.3 s', '3 min 12 s', '2 h 5 min']
    """
    if value < 0.9995:
        return "0 s" if value <= 0 else milliseconds(1000 * value)
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _pair(whole // 60, "min", whole % 60, "s")
    minutes = round(value / 60)
    return _pair(minutes // 60, "h", minutes % 60, "min")


def milliseconds(value: float) -> str:
    """A short duration.

    >>> [milliseconds(value) for value in (0.0002, 0.034, 4.12, 128.4, 2400)]
    ['< 0.01 ms', '0.03 ms', '4.1 ms', '128 ms', '2.4 s']
    """
    if value >= 999.5:
        return seconds(value / 1000)
    if value >= 9.95:
        return f"{value:.0f} ms"
    if value >= 0.095:
        return f"{value:.1f} ms"
    return f"{value:.2f} ms" if value >= 0.01 else "< 0.01 ms"


def count(number: float) -> str:
    """How many, in thousands, millions or billions where there are that many.

    >>> [count(number) for number in (0, 999, 7324, 74_500, 22_713_216, 1.1e9)]
    ['0', '999', '7,324', '74.5 k', '22.7 M', '1.1 B']
    """
    if number < 9_999.5:
        return f"{number:,.0f}"
    for size, unit in ((1e3, "k"), (1e6, "M")):
        if number < 999.95 * size:
            return f"{number / size:.1f} {unit}"
    return f"{number / 1e9:,.1f} B"


def megabytes(number: float) -> str:
    """Bytes in megabytes (a million bytes), or in kilobytes or gigabytes.

    >>> [megabytes(number) for number in (0, 412, 12_000, 1.2e6, 91e6, 2.41e9)]
    ['0 MB', '0.4 kB', '12 kB', '1.2 MB', '91 MB', '2.4 GB']
    """
    if number <= 0:
        return "0 MB"
    size, unit = number / 1e6, "MB"
    if size < 0.0995:
        size, unit = number / 1e3, "kB"
    elif size >= 999.5:
        size, unit = number / 1e9, "GB"
    return f"{size:,.0f} {unit}" if size >= 9.95 else f"{size:.1f} {unit}"


def option(value: Any) -> str:
    """The value of an option.

    >>> [option(value) for value in (None, True, 3e-05, 0.001 / 3, [1, 2], "mean")]
    ['not set', 'yes', '0.00003', '0.0003333', '1, 2', 'mean']
    """
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _decimal(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(option(item) for item in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {option(item)}" for key, item in value.items()) or "none"
    return str(value)


def cases(score: dict[str, float]) -> str:
    """An accuracy with its interval as a sentence.

    >>> cases({"value": 0.87, "low": 0.83, "high": 0.91})
    'Right in 87 of 100 cases, between 83 and 91.'
    """
    value, low, high = score["value"], score["low"], score["high"]
    near_an_end = any(0.985 <= x < 1 or 0 < x <= 0.015 for x in (value, low, high))
    whole = 1000 if near_an_end else 100
    return (
        f"Right in {whole * value:.0f} of {whole:,} cases, "
        f"between {whole * low:.0f} and {whole * high:.0f}."
    )


def _decimal(value: float) -> str:
    """Without an exponent where that is short, and four digits of what never ends."""
    if len(repr(value).lstrip("-0.")) > 8:
        value = float(f"{value:.4g}")
    if value != 0 and not 1e-7 <= abs(value) < 1e15:
        return f"{value:g}"
    return f"{value:.10f}".rstrip("0").rstrip(".")


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")


def off(score: dict[str, float]) -> str:
    """A mean absolute error with its interval as a sentence.

    >>> off({"value": 2.0481, "low": 1.6, "high": 2.71})
    'Off by 2.05 on average, between 1.6 and 2.71.'
    """
    return "Off by {:.3g} on average, between {:.3g} and {:.3g}.".format(
        *(score[end] for end in ("value", "low", "high"))
    )
