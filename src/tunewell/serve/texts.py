"""The routes of models that write: conversations and texts gone on with, whole or as a stream."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any

import fastapi
from fastapi.responses import StreamingResponse

from tunewell.convert import parse_duration
from tunewell.errors import UserError
from tunewell.fit.talking import Said, Wish
from tunewell.fit.turns import Asked
from tunewell.serve import wire_texts as wire
from tunewell.serve.batching import Queue
from tunewell.serve.choices import Collected, chat_choice, chat_delta, text_choice, text_delta
from tunewell.serve.guard import error_json
from tunewell.serve.measures import Measures
from tunewell.serve.models import Served, chosen
from tunewell.serve.moments import (
    Asker,
    Desk,
    Moment,
    chat_wish,
    completion_wish,
    conversation,
    prompts,
    writer,
)
from tunewell.serve.patience import unless_gone
from tunewell.serve.settings import ServeOptions
from tunewell.values import to_json

LATE = UserError("It took too long.", "", "Ask for a shorter answer.")
FAILED = UserError("The server failed over this request.", "", "Its own output says why.")


def add_texts(
    app: fastapi.FastAPI,
    models: dict[str, Served],
    options: ServeOptions,
    queue: Queue,
    told: Measures,
) -> None:
    """Give the app the two routes."""
    seconds = parse_duration(options.timeout)

    desks = {name: Desk(model, options.most_tokens) for name, model in models.items()}

    def heard(model: Served, asked: Sequence[Asked], wish: Wish) -> AsyncGenerator[Moment, None]:
        told.inputs.labels(model.name).inc(len(asked))
        desk = desks[model.name]
        return queue.steps(lambda: desk.begin(asked, wish), desk.moments, Asker.leave, seconds)

    @app.post("/v1/chat/completions", response_model=wire.Chat)
    async def chat(request: fastapi.Request, body: wire.ChatAsk) -> Any:
        """Say what the assistant says next in a conversation, as OpenAI's API does."""
        model = writer(chosen(models, body.model))
        wish = chat_wish(body)
        heading = _heading("chatcmpl", model)
        hearing = heard(model, [conversation(body.messages)], wish)
        if body.stream:
            make = chat_delta(bool(body.logprobs))
            return await _streamed(
                {**heading, "object": "chat.completion.chunk"}, hearing, make, body
            )
        whole = await unless_gone(request, _whole(hearing, seconds))
        choices = [chat_choice(each, bool(body.logprobs)) for each in whole.answers]
        return wire.Chat(**heading, choices=choices, usage=whole.usage)

    @app.post("/v1/completions", response_model=wire.Completion)
    async def completions(request: fastapi.Request, body: wire.CompletionAsk) -> Any:
        """Go on with texts, as OpenAI's API does."""
        model = writer(chosen(models, body.model))
        wish = completion_wish(body)
        heading = _heading("cmpl", model)
        hearing = heard(model, prompts(body.prompt, wish.count, options.most_inputs), wish)
        if body.stream:
            make = text_delta(body.logprobs is not None)
            return await _streamed({**heading, "object": "text_completion"}, hearing, make, body)
        whole = await unless_gone(request, _whole(hearing, seconds))
        choices = [text_choice(each, body.logprobs is not None) for each in whole.answers]
        return wire.Completion(**heading, choices=choices, usage=whole.usage)


def _heading(kind: str, model: Served) -> dict[str, Any]:
    return {
        "id": f"{kind}-{secrets.token_hex(12)}",
        "created": int(time.time()),
        "model": model.name,
    }


async def _whole(hearing: AsyncGenerator[Moment, None], seconds: float) -> Collected:
    """All that is said, within so many seconds."""
    collected = Collected()
    async with asyncio.timeout(seconds), aclosing(hearing):
        async for moment in hearing:
            collected.add(moment)
    return collected


async def _streamed(
    heading: dict[str, Any],
    hearing: AsyncGenerator[Moment, None],
    make: Callable[[list[Said]], list[dict[str, Any]]],
    body: wire.TextAsk,
) -> StreamingResponse:
    """A stream of events; what is refused before anything is written is refused as elsewhere."""
    collected = Collected()
    first = await anext(hearing)

    async def events() -> AsyncIterator[str]:
        async with aclosing(hearing):
            try:
                async for moment in _with_first(first, hearing):
                    collected.add(moment)
                    for choice in make(moment.said):
                        yield _event({**heading, "choices": [choice]})
            except TimeoutError:
                yield _event(error_json(LATE))
                return
            except Exception:
                yield _event(error_json(FAILED))
                raise
        if body.stream_options is not None and body.stream_options.include_usage:
            yield _event({**heading, "choices": [], "usage": to_json(collected.usage)})
        yield "data: [DONE]\n\n"

    return StreamingResponse(
        events(), media_type="text/event-stream", headers={"cache-control": "no-cache"}
    )


async def _with_first(
    first: Moment, others: AsyncGenerator[Moment, None]
) -> AsyncGenerator[Moment, None]:
    yield first
    async for moment in others:
        yield moment


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
