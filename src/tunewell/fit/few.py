"""Where a head reads one token of a row, the last layer computes no other from its attention on.

Keys and values are made of all tokens. What the model's own code does after that attention it
does to the tokens that are read: whatever still has all of them is cut to these. That a body can
be run so is tried when it is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

SHAPING = ("reshape", "view")
"""Functions that name the number of tokens."""


class Few(TorchFunctionMode):
    """The tokens that are read, of rows that lie end to end.

    Args:
        layer: the last one.
        lengths: tokens of each row.
        from_end: of each row, how far from its end the token is that is read; the last: 1.
        device: where the rows lie.
    """

    def __init__(
        self,
        layer: nn.Module,
        lengths: Sequence[int],
        from_end: Sequence[int],
        device: torch.device,
    ) -> None:
        super().__init__()
        self._inside = set(layer.modules())
        self._all = sum(lengths)
        self.begun = False
        """Whether other tokens are gone by now."""
        self.places = tuple(length - back for length, back in zip(lengths, from_end, strict=True))
        """Of each row, the place in it of the token that is read."""
        starts = torch.tensor([0, *lengths[:-1]]).cumsum(0)
        self.at = (starts + torch.tensor(self.places)).to(device)  # (rows,)

    def begins_at(self, attention: nn.Module) -> bool:
        """Whether this attention is the last layer's."""
        return not self.begun and attention in self._inside

    def begin(self) -> None:
        """From now on there are but the tokens that are read."""
        self.begun = True
        self.__enter__()

    def end(self) -> None:
        """What runs from now on is not looked at."""
        if self.begun:
            self.__exit__(None, None, None)

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run a function of torch on the tokens that are read."""
        if getattr(func, "__name__", "") in SHAPING and args[0].shape[:2] == (1, len(self.at)):
            args = (args[0], *self._shape(args[1:]))
        args = tuple(self._cut(one) for one in args)
        return func(*args, **{name: self._cut(one) for name, one in (kwargs or {}).items()})

    def _cut(self, value: Any) -> Any:
        if isinstance(value, Tensor) and value.dim() > 2 and value.shape[:2] == (1, self._all):
            return torch.index_select(value, 1, self.at)
        return value

    def _shape(self, sizes: tuple[Any, ...]) -> tuple[Any, ...]:
        given = sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
        # Two sizes are those of a matrix: its width may happen to be the number of tokens.
        if len(given) > 2 and given[0] in (1, -1) and given[1] == self._all:
            given = (given[0], len(self.at), *given[2:])
        return tuple(given)


FEW: ContextVar[Few | None] = ContextVar("few", default=None)
"""The tokens that are read of the rows that are running; None: all."""
READ: ContextVar[Sequence[int] | None] = ContextVar("read", default=None)
"""Of each row, how far from its end the one token is that is read; None: all are."""


@contextmanager
def reading(pooling: str | None, mask: Tensor) -> Iterator[None]:
    """Inside, of what a body says to rows only their `cls` or their `last` tokens are read.

    Args:
        pooling: where it is another, all tokens are read.
        mask: (batch, tokens), 1 where there is a token of the text.
    """
    from_end: Sequence[int] | None = None
    if pooling in ("cls", "last"):
        from_end = mask.sum(1).tolist() if pooling == "cls" else [1] * len(mask)
    token = READ.set(from_end)
    try:
        yield
    finally:
        READ.reset(token)


@contextmanager
def few_of(body: Any, lengths: Sequence[int], device: torch.device) -> Iterator[Few | None]:
    """Inside, a body that runs rows end to end stops at what is read, if it can; what that is."""
    from_end = READ.get()
    if from_end is None or not body.last_layer or max(lengths) == 1:
        yield None
        return
    few = Few(body.get_submodule(body.last_layer), lengths, from_end, device)
    token = FEW.set(few)
    try:
        yield few
    finally:
        FEW.reset(token)
        few.end()
