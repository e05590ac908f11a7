"""What a method adds to a script that makes its model again without us."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from tunewell.fit import anatomy
from tunewell.inputs import texts_of


@dataclass(frozen=True)
class ByHand:
    """A method in plain lines of torch, transformers, peft and scikit-learn.

    A method that trains with the loop defines `prepare(model)`, which decides what moves of
    `model.body`, and may define `factors(model, epoch)`. Another one defines
    `fit(texts, labels, read)`, which returns a function from texts to shares (texts, labels);
    `read` turns texts into vectors (texts, hidden) by the frozen backbone. One that reads texts
    without labels gets the model that has read them by `read_on(BACKBONE, **READING)`; one that
    puts learned vectors before what a model that writes reads has `VIRTUAL` of them.

    Where `simple` does not hold of the task it defines `fit(inputs, targets, read)`, a function
    from inputs to `Answer`s. What it calls of ours is in `uses`, and stands in the script as it is
    here. The script has `SEED`, `TASK` (with `answers`, `labels`, `texts`, …) and, for labels,
    numbers and spans, `HEAD`. Where spans are asked for, `read` turns inputs into the pieces that
    `HEAD` makes of them, and their tokens' vectors (pieces, tokens, hidden).
    """

    code: str
    imports: tuple[str, ...] = ()
    uses: tuple[Any, ...] = ()
    """Functions and classes that it calls."""
    only: Mapping[type, Sequence[str]] = field(default_factory=dict)
    """Of some of these classes the methods that it calls."""

    @property
    def trains(self) -> bool:
        """Whether it trains with the loop."""
        return "def prepare(" in self.code

    @property
    def has_factors(self) -> bool:
        """Whether learning rates differ between parameters."""
        return "def factors(" in self.code


def simple(task: Any) -> bool:
    """Whether a task asks for one label of one text, and for nothing besides."""
    usual = getattr(task, "options", None) == getattr(type(task)(), "options", None)
    one = task.answers == "label" and getattr(task, "width", 0) <= 1
    return bool(one and usual and not task.thresholds and not task.weights)


def apart(read: Callable[[Sequence[str]], Tensor], inputs: Sequence[Any]) -> Tensor:
    """Vectors of the texts of some inputs, each read by itself (inputs, texts, hidden)."""
    texts = [text for given in inputs for text in texts_of(given)]
    return read(texts).unflatten(0, (len(inputs), -1))


def lines(code: str) -> str:
    """Code without the indentation that it has in a method's file."""
    return textwrap.dedent(code).strip() + "\n"


def before_text(body: nn.Module, config: str, tokens: int, **options: Any) -> ByHand:
    """The lines that put virtual input embeddings before what a frozen body reads.

    Args:
        config: the class of peft's configuration.
        options: what it is told besides their number and sizes.
    """
    from tunewell.fit import virtual

    writes = anatomy.writes(body)
    sizes = virtual.sizes_before_text(body) | ({"task_type": "CAUSAL_LM"} if writes else {})
    given: dict[str, Any] = {"num_virtual_tokens": "VIRTUAL" if writes else tokens}
    given |= {name: repr(each) for name, each in (options | sizes).items()}
    told = "".join(f"        {name}={each},\n" for name, each in given.items())
    moves = "move; the model stays" if writes else "move, and the head; the body stays"
    code = f'''\
def prepare(model):
    """Input embeddings before the text {moves}."""
    config = {config}(
{told}    )
    model.body = get_peft_model(model.body, config)
'''
    if not writes:
        code += TEXT_ALONE
    return ByHand(code, (f"from peft import {config}, get_peft_model",))


TEXT_ALONE = '''\
    model.body.register_forward_hook(text_alone, with_kwargs=True)


def text_alone(body, args, kwargs, output):
    """The positions of the text, without those of the virtual tokens."""
    ids = kwargs["input_ids"] if "input_ids" in kwargs else args[0]
    length = ids.shape[1]
    output.last_hidden_state = output.last_hidden_state[:, -length:]
    if output.get("pooler_output") is not None:
        pooler = body.get_base_model().pooler
        output.pooler_output = pooler(output.last_hidden_state)
    return output
'''


def in_every_layer(body: nn.Module, names: Sequence[str]) -> str:
    """Python that lists full names inside a body.

    >>> from torch.nn import Linear, ModuleDict, ModuleList
    >>> body = ModuleDict({"h": ModuleList([ModuleDict({"up": Linear(2, 2)}) for _ in "ab"])})
    >>> in_every_layer(body, ["h.0.up", "h.1.up"])
    "[f'h.{n}.{name}' for n in range(2) for name in ('up',)]"
    """
    lists = []
    for stack, layers in anatomy.all_layers(body).items():
        own = [name.removeprefix(f"{stack}.") for name in names if name.startswith(f"{stack}.")]
        inside = tuple(dict.fromkeys(name.partition(".")[2] for name in own))
        lists.append(
            f"[f'{stack}.{{n}}.{{name}}' for n in range({len(layers)}) for name in {inside}]"
        )
    return " + ".join(lists)
