"""A text with the places of its pieces in characters."""

import toy_tasks.tag as words

BAD = {
    "input": {"input": " ", "target": []},
    "target": {"input": "kelo", "target": [{"start": "2", "end": "9", "label": "sea"}]},
}


def rows(count, seed):
    made = []
    for row in words.rows(count, seed):
        spans, start = [], 0
        for token, tag in zip(row["input"], row["target"], strict=True):
            end = start + len(token)
            if tag.startswith("I-"):
                spans[-1]["end"] = str(end)
            elif tag != "O":
                spans.append({"start": str(start), "end": str(end), "label": tag[2:]})
            start = end + 1
        made.append({"input": " ".join(row["input"]), "target": spans})
    return made
