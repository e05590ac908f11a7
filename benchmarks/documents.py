"""How well and how fast documents are found: passages and questions of SQuAD's development set.

    TUNEWELL_DATA=... python -m benchmarks.documents quality [QUESTIONS] [ARTICLES]
    TUNEWELL_DATA=... python -m benchmarks.documents speed [PASSAGES]
    TUNEWELL_DATA=... python -m benchmarks.documents answers [ROWS] [EPOCHS] [TEST_ROWS]

`quality` writes every paragraph to a file of its own, indexes them, and looks for the paragraph
of each question (a thousand of them, drawn by chance) by vectors, by words and by both. Intervals
are bootstraps over paragraphs. `speed` indexes the same files, then repeats their passages with a
fifth of the words drawn anew from all of them until there are 100,000; the vector of a repeated
passage is the real one plus noise (its cosine with the real one is 0.9), as embedding them all
would measure the backbone and not the index. The time to embed is that of the real ones. One
thread. `answers` fits the default backbone to find answers in passages, on rows of the same
questions, and has it answer test rows from their own passages and from those that it finds.
"""

import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "LANCE_CPU_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

import tunewell  # noqa: E402
from tunewell.documents import store  # noqa: E402
from tunewell.documents.finding import open_index  # noqa: E402
from tunewell.documents.record import TABLES, Record, load_record  # noqa: E402
from tunewell.documents.settings import AskOptions  # noqa: E402

LEARNING_RATE = 2e-4
"""Of the reader: MiniLM learns little in so few steps with less."""
MODES = ("words", "vectors", "both")
SHARE = 0.2
COSINE = 0.9
ASKED = 500


def squad(articles: int | None = None) -> tuple[list[str], list[tuple[str, int]]]:
    """Paragraphs, and questions with the number of their paragraph."""
    file = Path(os.environ["TUNEWELL_DATA"]) / "squad_dev" / "dev-v1.1.rebuilt.json"
    paragraphs, questions = [], []
    for article in json.loads(file.read_text(encoding="utf-8"))["data"][:articles]:
        for paragraph in article["paragraphs"]:
            questions += [(one["question"], len(paragraphs)) for one in paragraph["qas"]]
            paragraphs.append(paragraph["context"])
    return paragraphs, questions


def write(paragraphs: list[str], folder: Path) -> Path:
    """A text file a paragraph, called by its number."""
    folder.mkdir()
    for number, text in enumerate(paragraphs):
        (folder / f"{number:05}.txt").write_text(text, encoding="utf-8")
    return folder


def rank(index, question: str, right: int, by: str) -> float:
    """Where the right paragraph stands among those found; infinity where it is not."""
    hits = index.find(question, AskOptions(passages=100, by=by)).passages
    files = list(dict.fromkeys(hit.file for hit in hits))
    return files.index(f"{right:05}.txt") + 1 if f"{right:05}.txt" in files else np.inf


def interval(values: np.ndarray, paragraphs: np.ndarray) -> str:
    """Mean and 95 % bootstrap interval over paragraphs, in per cent."""
    chance = np.random.default_rng(0)
    of_paragraph = [values[paragraphs == each] for each in np.unique(paragraphs)]
    sums = np.array([part.sum() for part in of_paragraph])
    sizes = np.array([len(part) for part in of_paragraph])
    drawn = chance.integers(len(sums), size=(2000, len(sums)))
    low, high = np.percentile(sums[drawn].sum(1) / sizes[drawn].sum(1), [2.5, 97.5])
    return f"{100 * values.mean():.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def quality(asked: int = 1000, articles: int | None = None) -> None:
    """Print recall and nDCG of the three ways, and what both gain over each."""
    paragraphs, questions = squad(articles)
    drawn = random.Random(0).sample(questions, min(asked, len(questions)))
    own = np.array([right for _, right in drawn])
    with tempfile.TemporaryDirectory() as folder:
        source, out = write(paragraphs, Path(folder) / "squad"), Path(folder) / "index"
        done = tunewell.index(source, out=str(out), device="cpu")
        print(f"{len(drawn)} questions, {done.files} paragraphs, {done.passages} passages")
        index = open_index(out)
        ranks = {by: np.array([rank(index, *each, by) for each in drawn]) for by in MODES}
    measures = {f"recall@{k}": lambda r, k=k: (r <= k).astype(float) for k in (1, 5, 20)}
    measures["nDCG@10"] = lambda r: np.where(r <= 10, 1 / np.log2(1 + r), 0)
    print("| found by |", " | ".join(measures), "|\n|:---|" + "---:|" * len(measures))
    for by in MODES:
        cells = [interval(measure(ranks[by]), own) for measure in measures.values()]
        print(f"| {by} |", " | ".join(cells), "|")
    for by in MODES[:2]:
        cells = [interval(m(ranks["both"]) - m(ranks[by]), own) for m in measures.values()]
        print(f"| both less {by} |", " | ".join(cells), "|")


def repeated(rows: list[dict], vectors: np.ndarray, count: int):
    """Batches of passages with altered words and vectors, and their rows."""
    chance, numbers = random.Random(0), np.random.default_rng(0)
    words = [word for row in rows for word in row["words"].split()]
    for start in range(0, count, 4096):
        many = range(start, min(start + 4096, count))
        batch = []
        for number in many:
            row = rows[number % len(rows)]
            text = " ".join(
                chance.choice(words) if number >= len(rows) and chance.random() < SHARE else word
                for word in row["words"].split()
            )
            batch.append({**row, "words": text, "start": 0, "end": len(text), "number": 0, "of": 1})
            batch[-1] |= {"file": f"{number:06}.txt", "sha256": f"{number:064}"}
        real = vectors[[number % len(rows) for number in many]]
        noise = numbers.standard_normal(real.shape).astype(np.float32)
        noise -= (noise * real).sum(1, keepdims=True) * real
        noise /= np.linalg.norm(noise, axis=1, keepdims=True)
        altered = COSINE * real + np.sqrt(1 - COSINE**2).astype(np.float32) * noise
        fresh = np.array([number >= len(rows) for number in many])[:, None]
        yield batch, np.where(fresh, altered, real).astype(np.float32)


def size(folder: Path) -> float:
    """Megabytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def speed(count: int = 100_000) -> None:
    """Print rates, size and times of an index with so many passages."""
    import torch

    paragraphs, questions = squad()
    drawn = random.Random(1).sample(questions, ASKED)
    with tempfile.TemporaryDirectory() as folder:
        source, out = write(paragraphs, Path(folder) / "squad"), Path(folder) / "index"
        begun, cpu = time.perf_counter(), time.process_time()
        done = tunewell.index(source, out=str(out), device="cpu")
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
        print(f"read, cut, embedded, kept: {done.passages} passages in {seconds:.1f} s ({cpu:.1f}")
        print(f"  s of processor), {done.passages / seconds:.0f} a second; {size(out):.1f} MB")
        record = load_record(out)
        table = store.open_table(out / TABLES, record.settings.table).to_arrow().to_pylist()
        vectors = np.array([row.pop("vector") for row in table], dtype=np.float32)

        large = Path(folder) / "large"
        begun, cpu, files = time.perf_counter(), time.process_time(), {}
        made = store.open_table(large / TABLES, record.settings.table, vectors.shape[1])
        spent = 0.0
        for rows, altered in repeated(table, vectors, count):
            files |= {row["file"]: row["sha256"] for row in rows}
            start = time.perf_counter()
            store.add(made, rows, torch.from_numpy(altered))
            spent += time.perf_counter() - start
        start = time.perf_counter()
        version = store.settle(made)
        settled = time.perf_counter() - start
        store.forget_versions(made)
        Record(record.source, record.settings, version, count, files).save(large)
        print(f"kept: {count:,} passages in {spent:.1f} s, words made findable in {settled:.1f} s")
        print(f"size: {size(large):.0f} MB, {1e6 * size(large) / count:.0f} bytes a passage")

        index = open_index(large)
        print("| found by | p50 ms | p99 ms | processor ms |\n|:---|---:|---:|---:|")
        for by in MODES:
            times, cpu = [], 0.0
            for number, (question, _) in enumerate([*drawn[:20], *drawn]):
                start, before = time.perf_counter(), time.process_time()
                index.find(question, AskOptions(by=by))
                if number >= 20:  # the first ones warm up
                    times.append(1000 * (time.perf_counter() - start))
                    cpu += 1000 * (time.process_time() - before) / len(drawn)
            p50, p99 = np.percentile(times, [50, 99])
            print(f"| {by} | {p50:.1f} | {p99:.1f} | {cpu:.1f} |")


def answers(rows: int = 3000, epochs: int = 2, test_rows: int = 400) -> None:
    """Print exact match and F1 of a reader on its own passages and on those that are found."""
    file = Path(os.environ["TUNEWELL_DATA"]) / "squad_dev" / "dev-v1.1.rebuilt.json"
    same = {"task": "answer", "rows": rows, "test_rows": test_rows, "trials": 1, "budget": "2h"}
    full = {"epochs": epochs, "learning_rate": LEARNING_RATE}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        fit = {"methods": ("best_sentence", "full"), "full": full, "out": str(home / "reader")}
        compared = [tunewell.compare(file, **same, **fit)]
        source = write(squad()[0], home / "squad")
        made = home / "index"
        tunewell.index(source, out=str(made), device="cpu")
        for by in MODES:
            retrieve = {"documents": str(made), "by": by}
            asked = {"methods": ("retrieve",), "retrieve": retrieve, "out": str(home / by)}
            backbone = str(home / "reader" / "trials" / "full-0" / "model")
            compared.append(tunewell.compare(file, **same, **asked, backbone=backbone))
        print("| answered by | exact match | F1 |\n|:---|---:|---:|")
        for name, comparison in zip(("own passage", *MODES), compared, strict=True):
            for result in comparison.data["results"]:
                told = {m: result["scores"][m] for m in ("exact_match", "f1")}
                cells = (
                    f"{100 * s['value']:.1f} [{100 * s['low']:.1f}, {100 * s['high']:.1f}]"
                    for s in told.values()
                )
                print(f"| {result['method']}, {name} |", " | ".join(cells), "|")


if __name__ == "__main__":
    {"quality": quality, "speed": speed, "answers": answers}[sys.argv[1]](*map(int, sys.argv[2:]))
