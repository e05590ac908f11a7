"""Two sentences, and a number that says whether they are about the same topic."""

import toy_tasks.classify_pairs as pairs

BAD = {
    "passage": {"query": "kelo", "passage": "", "score": "1"},
    "score": {"query": "kelo", "passage": "maru", "score": "much"},
}
FOUND = {"answers": "number"}
LEARNT_BY = ("cosine", "few_shot", "lora")


def rows(count, seed):
    likeness = {"same": "4.5", "other": "0,5"}
    return [
        {
            "query": row["input"]["a"],
            "passage": row["input"]["b"],
            "score": likeness[row["target"]],
        }
        for row in pairs.rows(count, seed)
    ]
