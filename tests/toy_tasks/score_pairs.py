"""Two sentences, and a number that says whether they are about the same topic."""

import toy_tasks.classify_pairs as pairs

BAD = {"input": {"input": {"a": "kelo", "b": ""}, "target": "1"}}
LEARNT_BY = ("cosine", "few_shot", "features")


def rows(count, seed):
    likeness = {"same": "4.5", "other": "0,5"}
    return [
        {"input": row["input"], "target": likeness[row["target"]]}
        for row in pairs.rows(count, seed)
    ]
