"""A network as an ONNX graph: token ids and mask in, logits out; and its answers by onnxruntime."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tunewell.errors import ConfigError, ResourceError
from tunewell.fit.batches import within_tokens
from tunewell.fit.packing import unpack
from tunewell.fit.tensors import padded
from tunewell.fit.trained import TrainedPredictor
from tunewell.values import Answer

FILE = "model.onnx"
PACKAGES = ("onnx", "onnxscript", "onnxruntime")
TOKENS = 4096
"""Padded tokens that are run at once."""


def require() -> None:
    """A ResourceError that says what to install, where ONNX is not there."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ResourceError(
            f"ONNX needs {', '.join(missing)}.", "", "Install it: `pip install 'tunewell[onnx]'`."
        )


class _Logits(nn.Module):
    """The whole network with its inputs by place, as the tracer wants them."""

    def __init__(self, network: TrainedPredictor, names: Sequence[str]) -> None:
        super().__init__()
        self.model, self.head, self.names = network.model, network.head, tuple(names)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Inputs (batch, tokens) -> logits (batch, ...)."""
        return self.head.logits(self.model, dict(zip(self.names, inputs, strict=True)))


def write(network: TrainedPredictor, sample: Sequence[Any], folder: Path) -> None:
    """Write `model.onnx`, for any number of rows and tokens.

    Args:
        network: on the CPU; from here on it runs its rows padded.
        sample: some inputs, by which the network is traced.

    Raises:
        ConfigError: it cannot be written as one graph.
    """
    backbone = network.record.backbone
    pieces = network.head.encode(network.tokenizer, sample, backbone.max_length)
    batch = padded(pieces[:3], network.tokenizer.pad_token_id, "cpu")
    rows, tokens = torch.export.Dim("rows"), torch.export.Dim("tokens")
    unpack(network.model)
    inside = _Logits(network, list(batch)).eval()
    try:
        with _quiet(), torch.no_grad():
            torch.onnx.export(
                inside,
                tuple(batch.values()),
                folder / FILE,
                input_names=list(batch),
                output_names=["logits"],
                dynamic_shapes=(tuple({0: rows, 1: tokens} for _ in batch),),
                external_data=False,
                dynamo=True,
            )
    except OSError:  # a full disk is no fault of the network
        raise
    except Exception as error:
        raise ConfigError(
            f"This network cannot be written as ONNX ({type(error).__name__}).",
            "",
            "Export it with --to hf, or serve it with `tunewell serve`.",
        ) from error


def quantise(folder: Path) -> None:
    """Make `model.onnx` one whose weight matrices are 8-bit; inputs of products as they come."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = onnx.load(folder / FILE)
    del whole.graph.value_info[:]  # the exporter's notes on shapes, which quantising gets wrong
    with _quiet():
        # A scale a column, which is finer than one for a whole matrix.
        quantize_dynamic(whole, folder / FILE, weight_type=QuantType.QInt8, per_channel=True)


@dataclass(frozen=True)
class OnnxModel:
    """The graph in a folder, asked with the tokenizer and the head of the network it was."""

    session: Any
    network: TrainedPredictor

    def predict(self, inputs: Sequence[Any]) -> list[Answer]:
        """One answer an input, in order."""
        head, tokenizer = self.network.head, self.network.tokenizer
        pieces = head.encode(tokenizer, inputs, self.network.record.backbone.max_length)
        parts, order = [], []
        for numbers in within_tokens(range(len(pieces)), [len(p.ids) for p in pieces], TOKENS):
            batch = padded([pieces[number] for number in numbers], tokenizer.pad_token_id, "cpu")
            given = {name: tensor.numpy() for name, tensor in batch.items()}
            parts.append(torch.from_numpy(self.session.run(None, given)[0]))
            order += numbers
        return head.answers(inputs, pieces, torch.cat(parts)[torch.tensor(order).argsort()])


def load(folder: Path, network: TrainedPredictor) -> OnnxModel:
    """The graph in a folder, on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = network.record.machine.threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(folder / FILE), options, providers=["CPUExecutionProvider"]
    )
    return OnnxModel(session, network)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's own account of its steps."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
