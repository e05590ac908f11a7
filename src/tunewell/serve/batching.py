"""Requests gathered into batches for the one thread that computes; a bounded queue before it.

One thread, because two that compute at once on the same cores are slower than one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
S = TypeVar("S")
Answer = Callable[[Sequence[Any]], Sequence[Any]]
"""Inputs -> one result each, in order; runs on the computing thread."""
GATHER_SECONDS = 0.003
"""How long an idle server waits for more after a first request has come."""
CHARACTERS_A_TOKEN = 4
AT_A_TIME = 16
"""Of what is computed in steps so many are under way; each holds memory until its end."""


class Full(Exception):
    """More requests wait than may; `seconds` is when to come again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"come again in {seconds:.0f} s")
        self.seconds = seconds


class Closing(Exception):
    """The server takes no more requests."""


@dataclass(eq=False)
class Request:
    """Inputs of one client, on their way through the queue."""

    answer: Answer
    """Which also says what may be put together: requests with an equal one."""
    inputs: Sequence[Any]
    sizes: Sequence[int]
    """About how many tokens each input has."""
    results: list[Any]
    done: asyncio.Future[list[Any]]
    taken: int = 0
    """How many inputs are in a batch or behind it."""


@dataclass
class Queue:
    """Requests that wait, oldest first.

    Args:
        batch_tokens: about how many tokens are computed at once.
        most_waiting: requests that may wait.
        told: called with the number of inputs and the seconds of every batch; a step has none.
    """

    batch_tokens: int
    most_waiting: int
    told: Callable[[int, float], None] = lambda inputs, seconds: None
    start_thread: Callable[[], None] = lambda: None
    waiting: list[Request] = field(default_factory=list)
    in_steps: int = 0
    """Requests that are computed in steps, under way or waiting to be."""
    closing: bool = False
    seconds_a_token: float = 1e-4

    def __post_init__(self) -> None:
        """The thread that computes, and the sign that there is something to do."""
        self.thread = ThreadPoolExecutor(1, "compute", initializer=self.start_thread)
        self.arrived = asyncio.Event()
        self.places = asyncio.Semaphore(AT_A_TIME)

    async def ask(self, answer: Answer, inputs: Sequence[Any], seconds: float) -> list[Any]:
        """One result an input, in order.

        Raises:
            Full: too many wait already.
            Closing: the server is about to stop.
            TimeoutError: it took longer than `seconds`; what has not begun is not computed.
        """
        self._admit()
        return await self._wait(answer, inputs, seconds) if inputs else []

    async def steps(
        self,
        begin: Callable[[], S],
        go_on: Callable[[Sequence[S]], Sequence[T | None]],
        leave: Callable[[S], None],
        seconds: float,
    ) -> AsyncGenerator[T, None]:
        """What is computed in steps, until one gives None.

        What else waits is computed between two steps; those who go on in an equal way are one step.

        Args:
            begin: gives what goes on.
            go_on: the next step of each that goes on.
            leave: called with it when nobody waits for its next step any more.
            seconds: for each step.

        Raises:
            Full, Closing: as for `ask`, before the first.
            TimeoutError: a step took longer.
        """
        self._admit()
        self.in_steps += 1
        try:
            async with asyncio.timeout(seconds):
                await self.places.acquire()
            try:
                (begun,) = await self._wait(lambda _: [begin()], (None,), seconds)
                try:
                    while True:
                        (given,) = await self._wait(go_on, (begun,), seconds)
                        if given is None:
                            return
                        yield given
                finally:
                    leave(begun)
            finally:
                self.places.release()
        finally:
            self.in_steps -= 1
            self.arrived.set()

    @property
    def present(self) -> int:
        """Requests that wait or are under way."""
        return sum(any(request.sizes) for request in self.waiting) + self.in_steps

    def _admit(self) -> None:
        """Refuse one more request where the server is about to stop, or too many wait."""
        if self.closing:
            raise Closing
        if self.present >= self.most_waiting:
            raise Full(max(1.0, self._waiting_tokens() * self.seconds_a_token))

    async def _wait(self, answer: Answer, inputs: Sequence[Any], seconds: float) -> list[Any]:
        """The results of a request that is put behind those that wait."""
        done = asyncio.get_running_loop().create_future()
        request = Request(answer, inputs, [_tokens(i) for i in inputs], [], done)
        self.waiting.append(request)
        self.arrived.set()
        try:
            async with asyncio.timeout(seconds):
                return await done
        finally:
            if request in self.waiting:
                self.waiting.remove(request)

    async def run(self) -> None:
        """Compute what waits until the queue is closed and empty."""
        while not (self.closing and not self.waiting and not self.in_steps):
            if not self.waiting:
                self.arrived.clear()
                await self.arrived.wait()
                if not self.closing:
                    await asyncio.sleep(GATHER_SECONDS)
                continue
            await self._compute(self._batch())
            await asyncio.sleep(0)  # so that whoever got a step is there for the next
        self.thread.shutdown()

    def close(self) -> None:
        """Take no more requests; those that wait are still answered."""
        self.closing = True
        self.arrived.set()

    def _waiting_tokens(self) -> int:
        return sum(sum(request.sizes[request.taken :]) for request in self.waiting)

    def _batch(self) -> list[tuple[Request, Sequence[Any]]]:
        """Inputs of the oldest request and of others that go with it, up to the budget."""
        left = self.batch_tokens
        parts: list[tuple[Request, Sequence[Any]]] = []
        for request in [r for r in self.waiting if r.answer == self.waiting[0].answer]:
            first = request.taken
            for size in request.sizes[first:]:
                if size > left and (parts or request.taken > first):
                    break
                request.taken, left = request.taken + 1, left - size
            if request.taken > first:
                parts.append((request, request.inputs[first : request.taken]))
        return parts

    async def _compute(self, parts: list[tuple[Request, Sequence[Any]]]) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        together = [one for _, inputs in parts for one in inputs]
        answer = parts[0][0].answer
        try:
            results = list(await loop.run_in_executor(self.thread, answer, together))
        except Exception as error:  # noqa: BLE001 (told to the client whose inputs were at fault)
            if len(parts) == 1:
                self._end(parts[0][0], error)
                return
            for part in parts:  # one of them is at fault, the others shall not suffer
                await self._compute([part])
            return
        seconds = loop.time() - begun
        tokens = sum(map(_tokens, together))
        if tokens:
            self.seconds_a_token = 0.9 * self.seconds_a_token + 0.1 * seconds / tokens
        self.told(len(together) if tokens else 0, seconds)
        for request, inputs in parts:
            request.results += results[: len(inputs)]
            results = results[len(inputs) :]
            if len(request.results) == len(request.inputs):
                self._end(request, None)

    def _end(self, request: Request, error: Exception | None) -> None:
        """Answer a request, unless nobody waits for it any more."""
        if request in self.waiting:
            self.waiting.remove(request)
        if request.done.done():
            return
        if error is None:
            request.done.set_result(request.results)
        else:
            request.done.set_exception(error)


def _tokens(value: Any) -> int:
    """About how many tokens an input has; texts in JSON count by their characters, a step not."""
    if isinstance(value, str):
        return 2 + len(value) // CHARACTERS_A_TOKEN
    if isinstance(value, (list, tuple)):
        return 2 + sum(map(_tokens, value))
    if isinstance(value, dict):
        return 2 + sum(map(_tokens, value.values()))
    return int(isinstance(value, (int, float)))
