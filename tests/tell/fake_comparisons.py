"""Comparisons as a run writes them, made up: eight methods, many backbones, nasty texts."""

import random

MINILM = "sentence-transformers/all-MiniLM-L6-v2"

NASTY = (
    "<script>alert('x')</script>",
    '"><img src=http://evil.example/x.png onerror=alert(1)>',
    "=cmd|' /C calc'!A0",
    "invoice\u202efdp.exe",
    "zero\u200bwidth\x1b[31m and a bell\x07",
    "half a pair \ud83d here",
    "{{ 7 * 7 }} {% raw %} ${x} `tick` | pipe * star _under_ [link](javascript:x)",
    "a very long label that goes on and on " * 6,
    "مرحبا بالعالم",
    "价格太高了,而且送货慢",
)

# name, moves nothing, score, half its interval, seconds, milliseconds, trainable, bytes
LADDER = (
    ("majority", 0.104, 0.025, 0.0004, 0.0009, 0, 400),
    ("bag_of_words", 0.771, 0.036, 1.94, 0.41, 88_212, 3_800_000),
    ("zero_shot", 0.612, 0.042, 2.1, 6.8, 0, 90_900_000),
    ("few_shot", 0.797, 0.035, 9.4, 7.1, 0, 92_300_000),
    ("features", 0.858, 0.03, 9.9, 7.0, 4_620, 91_200_000),
    ("head", 0.861, 0.03, 14.2, 7.0, 152_460, 91_500_000),
    ("lora", 0.889, 0.028, 192.0, 7.4, 299_532, 92_400_000),
    ("full", 0.894, 0.027, 341.0, 7.0, 22_865_676, 91_500_000),
)


def result(entry, backbone=MINILM, name=None, best=0.894, metric="accuracy"):
    method, value, half, seconds, milliseconds, trainable, size = entry
    stands_on = "" if method in ("majority", "bag_of_words") else backbone
    score = {"value": value, "low": value - half, "high": min(value + half, 1.0)}
    lower = {key: max(number - 0.021, 0.0) for key, number in score.items()}
    trains = method in ("head", "lora", "full")
    grid = [0.0001, 0.0003, 0.001] if trains else [None]
    folder = f"trials/{name or method}".replace(" ", "-")
    return {
        "name": name or method,
        "method": method,
        "backbone": stands_on,
        "baseline": method == "majority",
        "status": "ok",
        "options": {"learning_rate": 0.0003, "epochs": 3, "batch_size": 16} if trains else {},
        "trials": [
            {
                "options": {"learning_rate": rate, "epochs": 3, "batch_size": 16} if rate else {},
                "seed": 0,
                "validation": value - 0.004 * abs(number - 1),
                "status": "ok",
                "cost_seconds": seconds,
                "folder": f"{folder}-{number}",
            }
            for number, rate in enumerate(grid)
        ],
        "seeds": [0],
        "scores": {metric: score, "macro_f1" if metric == "accuracy" else "accuracy": lower},
        "trainable_parameters": trainable,
        "changed_parameters": trainable,
        "total_parameters": 22_713_216 if stands_on else trainable,
        "cost_seconds": seconds,
        "spent_seconds": seconds * len(grid),
        "cpu_seconds": seconds * 2,
        "peak_bytes": 140_000_000 + trainable * 16,
        "planned_seconds": seconds * 1.25,
        "planned_peak_bytes": 120_000_000 + trainable * 16,
        "disk_bytes": size,
        "milliseconds_per_prediction": milliseconds,
        "predictions_per_second": 1900 / (1 + milliseconds),
        "versus_best": {
            "difference": value - best,
            "low": value - best - 0.03 * (value != best),
            "high": value - best + 0.03 * (value != best),
        },
        "notes": ["12 of 2,000 rows were cut at 256 tokens"] if method == "full" else [],
        "folder": f"{folder}-{1 if trains else 0}",
        "beats_majority": None if method == "majority" else value > 0.104,
    }


def versus(ladder):
    return {
        one: {
            other: {"difference": a - b, "low": a - b - 0.03, "high": a - b + 0.03}
            for other, b, *_ in ladder
            if other != one
        }
        for one, a, *_ in ladder
    }


def unfinished(method, status, reason, backbone=MINILM):
    return {
        "name": method,
        "method": method,
        "backbone": backbone,
        "status": status,
        "reason": reason,
        "options": {},
        "trials": [],
        "seeds": [],
        "scores": {},
    }


def comparison(results=None, labels=("positive", "negative"), recommended="lora", **changes):
    base = {
        "name": "support",
        "created": "2026-03-04T14:05:00+00:00",
        "version": "0.1.0",
        "command": "tunewell compare examples/support.csv --budget 15m --out runs/support",
        "task": "classify",
        "metric": "accuracy",
        "metric_why": "the classes are about equally frequent",
        "rows": {"train": 640, "validation": 160, "test": 500},
        "labels": list(labels),
        "label_names": {},
        "prefer": "training",
        "margin": 0.02,
        "seeds": [0],
        "results": [result(entry) for entry in LADDER] if results is None else results,
        "pairs": versus(LADDER if results is None else ()),
        "recommended": recommended,
        "why": (
            "Use lora: it is the cheapest method that surely loses little against the best "
            "(full), at most 1.9 points."
        ),
        "options": [
            {"name": "lora.rank", "value": 8, "origin": "default", "reason": "arXiv 2106.09685"},
            {"name": "budget", "value": 900.0, "origin": "command line", "reason": ""},
            {"name": "pooling", "value": "mean", "origin": "chosen", "reason": "as it was trained"},
            {"name": "metric", "value": None, "origin": "default", "reason": ""},
        ],
        "machine": {
            "device": "cpu",
            "dtype": "bfloat16",
            "threads": 2,
            "processor": "Xeon, 2 cores",
            "versions": {"python": "3.11.9", "torch": "2.13.0", "transformers": "5.23.0"},
        },
    }
    return base | changes


def eight_methods(labels=("positive", "negative"), **changes):
    """Six that finished, one skipped, one failed."""
    results = [result(entry) for entry in LADDER]
    results[2] = unfinished("zero_shot", "skipped", "The labels are numbers without names.")
    results[7] = unfinished("full", "failed", "The loss stopped being finite at step 12.")
    best = max(item["scores"]["accuracy"]["value"] for item in results if item["status"] == "ok")
    for item in results:
        if item["status"] == "ok":
            value = item["scores"]["accuracy"]["value"]
            item["versus_best"] = {
                "difference": value - best,
                "low": value - best - 0.02,
                "high": min(value - best + 0.02, 0.0),
            }
    return comparison(results, labels, **changes)


def several_backbones():
    entries = []
    for number, backbone in enumerate((MINILM, "Qwen/Qwen3-0.6B-Base", "runs/reviews")):
        for method, value, half, seconds, milliseconds, trainable, size in LADDER[3:]:
            moved = (method, value + 0.004 * number, half, seconds * (1 + 3 * number))
            entry = (*moved, milliseconds * (1 + number), trainable, size)
            entries.append(result(entry, backbone, f"{method} on {backbone}", best=0.902))
    first = [result(entry, best=0.902) for entry in LADDER[:2]]
    return comparison(first + entries, recommended=f"lora on {MINILM}", seeds=[0, 1, 2])


def data():
    return {
        "columns": {
            "input": "message",
            "target": "category",
            "group": None,
            "why": "Only “message” holds sentences, and “category” has 12 values.",
        },
        "faults": [
            {
                "kind": "two_labels",
                "severity": "warning",
                "sentence": "3 texts stand in the file with two different labels.",
                "rows": [17, 88, 203, 204, 377, 512],
                "count": 6,
                "remedy": "Keep the right label and delete the other row.",
            },
            {
                "kind": "power",
                "severity": "note",
                "sentence": "With 500 test rows, differences under 4 points cannot be seen.",
                "rows": [],
                "count": 0,
                "remedy": "",
            },
        ],
        "fingerprint": "4f1c8a" * 10,
    }


def answers(labels, rows=500, right=0.87, seed=0, texts=None):
    chance = random.Random(seed)
    for row in range(rows):
        target = chance.choice(labels)
        answer = target if chance.random() < right else chance.choice(labels)
        yield {
            "row": row + 2,
            "source": "support.csv",
            "input": chance.choice(texts or TEXTS),
            "target": target,
            "answer": answer,
            "confidence": round(chance.uniform(0.5, 1.0), 3),
        }


TEXTS = (
    "Where is my parcel?? Ordered on the 3rd, still nothing.",
    "hi, i sent the blue jacket back 2 weeks ago and the refund isnt on my card yet. "
    "also can you change my adress to the new one",
    "LOVE the shoes, thank you so much!",
    "The voucher SPRING10 is refused at checkout. It says that it has expired, but the mail "
    "you sent says end of the month. Please look into it, I would like to order today.\n\nJo",
    "word " * 200,
)

TOPICS = (
    "Analyst Update", "Fed | Central Banks", "Company | Product News", "Treasuries", "Dividend",
    "Earnings", "Energy | Oil", "Financials", "Currencies", "General News | Opinion",
    "Gold | Metals | Materials", "IPO", "Legal | Regulation", "M&A | Investments", "Macro",
    "Markets", "Politics", "Personnel Change", "Stock Commentary", "Stock Movement",
)  # fmt: skip
