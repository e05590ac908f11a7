"""From the probabilities of labels to an answer, with what was tuned on validation rows."""

from __future__ import annotations

from collections.abc import Mapping

from tunewell.values import Answer, LabelScores

HALF = 0.5


def one_label(
    scores: LabelScores, thresholds: Mapping[str, float], temperature: float = 1.0
) -> Answer:
    """The likeliest label; one with a threshold is given from that probability on.

    Args:
        scores: sum to 1.
        thresholds: of one label of two, before the temperature.
        temperature: logits are divided by it, which is as much as probabilities to the power of
            its inverse; above 1 answers become less sure (Guo et al., 2017).
    """
    best = max(scores, key=scores.__getitem__)
    for label, least in thresholds.items():
        other = next(each for each in scores if each != label)
        best = label if scores[label] >= least else other
    if temperature != 1.0:
        powers = {label: share ** (1 / temperature) for label, share in scores.items()}
        total = sum(powers.values())
        scores = {label: power / total for label, power in powers.items()}
    return Answer(best, scores[best], scores)


def several_labels(scores: LabelScores, thresholds: Mapping[str, float]) -> Answer:
    """Every label that reaches its threshold, one half unless tuned.

    The answer is as sure as the least sure of its yes and no.
    """
    given = tuple(k for k, share in scores.items() if share >= thresholds.get(k, HALF))
    sure = min(share if label in given else 1 - share for label, share in scores.items())
    return Answer(given, sure, scores)
