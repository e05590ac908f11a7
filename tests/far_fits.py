"""Fits methods on a device that is not the CPU, and tells how far their answers are from a CPU's.

    python far_fits.py FOLDER

A process of its own, as torch keeps such a device (`far`) for good. Prints one JSON object: of
each fit the largest difference of a number in its answers, or what went wrong.
"""

import json
import sys
import traceback
from dataclasses import replace
from pathlib import Path

import far
import toy
import toy_tasks
from fit.test_varlen import plain
from tunewell import registry
from tunewell.contracts import Job
from tunewell.errors import NotApplicable
from tunewell.fit import packing, varlen
from tunewell.fit.anatomy import body
from tunewell.fit.backbones import resolve
from tunewell.values import Machine

NEAR = Machine(threads=1)
FAR = Machine(device=far.NAME, threads=1)
LOW = replace(FAR, dtype="bfloat16")
"""Products are not rounded there, as torch knows no autocast of it; attention by a kernel is."""
WRITING = {"bert": "AutoModelForMaskedLM", "llama": "AutoModelForCausalLM"}
BY_KERNEL = ("full", "lora", "last_layers", "prefix", "prompt_tuning")


def cases():
    """Name of the case, method, rows, shape of the backbone, pooling, machine."""
    for name, method in registry.methods().items():
        fits = method.answers is None or "label" in method.answers
        if fits and method.needs_backbone and name not in ("prompt_search", "retrieve", "qlora"):
            yield f"{name}", name, "classify", "bert", "mean", FAR
    for name in BY_KERNEL:
        for shape in ("bert", "llama"):
            for pooling in ("mean", "last"):
                yield f"{name}, {shape}, {pooling}, kernel", name, "classify", shape, pooling, LOW
    for rows in toy_tasks.modules():
        shape = "llama" if toy_tasks.learnt(rows).head == "writing" else "bert"
        for name in ("lora", "full", *(("prompt_tuning",) if shape == "llama" else ())):
            yield f"{rows}, {name}", name, rows, shape, None, FAR


def with_words(shape, folder):
    """A backbone of random weights, with the layer over words of its kind."""
    import transformers

    toy.random_backbone(shape, folder)
    config = transformers.AutoConfig.from_pretrained(folder)
    model = getattr(transformers, WRITING[shape]).from_config(config)
    model.save_pretrained(folder)
    return folder


def small(name):
    """A method that takes two steps, without chance but for the seed's."""
    method = registry.method(name)()
    if hasattr(method, "base_method"):
        method = replace(method, base_method="full")
    wanted = {"epochs": 2, "batch_size": 8, "dropout": 0.0, "learning_rate": 1e-3, "tokens": 2}
    return replace(method, **{each: v for each, v in wanted.items() if hasattr(method, each)})


def numbers(answers):
    """Those in some answers: scores, or a value that is one or several."""
    found = []
    for answer in answers:
        values = answer.scores.values() if answer.scores else [answer.value]
        flat = [v for each in values for v in (each if isinstance(each, tuple) else [each])]
        found += [each for each in flat if isinstance(each, float)]
    return found


def apart(backbones, name, rows, shape, pooling, machine):
    """The largest difference between both devices, and whether rows ran end to end there."""
    backbone = replace(backbones[shape], pooling=pooling)
    train, validation = toy_tasks.examples(rows, 12), toy_tasks.examples(rows, 6, 1)
    inputs = [example.input for example in toy_tasks.examples(rows, 6, 2)]
    said = []
    for where in (NEAR, machine):
        job = Job(toy_tasks.learnt(rows), train, validation, backbone, where)
        predictor = small(name).fit(job)
        said.append(predictor.predict(inputs))
    one, other = map(numbers, said)
    assert len(one) == len(other) and len(said[0]) == len(said[1])
    for a, b in zip(*said, strict=True):
        assert a.value == b.value or not isinstance(a.value, str) or a.scores, (a.value, b.value)
    why = ""
    if hasattr(predictor, "model"):
        why = packing.why_padded(body(predictor.model)) or ""
    most = max((abs(a - b) for a, b in zip(one, other, strict=True)), default=0.0)
    return {"apart": most, "padded": why}


def main():
    """Fit all, and print what came of it."""
    kept = far.set_up()
    varlen.KERNELS[far.NAME] = lambda *given: plain(*given).float()
    folder = Path(sys.argv[1])
    backbones = {shape: resolve(str(with_words(shape, folder / shape))) for shape in WRITING}
    told = {}
    for case, *what in cases():
        if len(sys.argv) > 2 and not any(word in case for word in sys.argv[2:]):
            continue
        try:
            told[case] = apart(backbones, *what)
        except NotApplicable as reason:
            told[case] = {"not": str(reason)}
        except Exception:  # noqa: BLE001 (told with the others)
            told[case] = {"error": traceback.format_exc(limit=-40)}
        print(case, told[case], file=sys.stderr, flush=True)
    del kept
    print(json.dumps(told))


if __name__ == "__main__":
    main()
