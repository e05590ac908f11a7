"""The HTTP service: routes, and what becomes of their errors."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import fastapi
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tunewell import __version__
from tunewell.convert import parse_bytes, parse_duration
from tunewell.errors import ConfigError, DataError, ResourceError, UserError
from tunewell.serve import measures, wire
from tunewell.serve.batching import Closing, Full, Queue
from tunewell.serve.guard import LOOPBACK, Guard, Rules, error_json
from tunewell.serve.models import Served, chosen, refuse_unwritable
from tunewell.serve.patience import unless_gone
from tunewell.serve.settings import ServeOptions
from tunewell.serve.texts import add_texts
from tunewell.values import to_json


@dataclass(frozen=True)
class Queues:
    """One for all that is computed here, and one for each model that is asked elsewhere.

    So whoever waits for a server that does not answer keeps nobody else waiting.
    """

    here: Queue
    elsewhere: dict[str, Queue]

    @property
    def all(self) -> list[Queue]:
        """Each of them."""
        return [self.here, *self.elsewhere.values()]

    def of(self, model: Served) -> Queue:
        """Where a model's requests wait."""
        return self.elsewhere.get(model.name, self.here)


def build(models: dict[str, Served], options: ServeOptions, key: str | None = None) -> Guard:
    """The service as an ASGI app, with its guard before it.

    Args:
        models: by name, ready to answer.
        options: of the server.
        key: what every request but those for `/health` must give; None: nothing.
    """
    queues = _queues(models, options)
    told = measures.start(lambda: sum(queue.present for queue in queues.all))
    for queue in queues.all:
        queue.told = told.batched

    @contextlib.asynccontextmanager
    async def life(app: fastapi.FastAPI) -> AsyncIterator[None]:
        computing = [asyncio.create_task(queue.run()) for queue in queues.all]
        yield
        for queue in queues.all:
            queue.close()
        await asyncio.gather(*computing)

    app = fastapi.FastAPI(
        title="Tunewell",
        version=__version__,
        summary="Answers of fitted models.",
        docs_url=None,  # both pages would fetch scripts from elsewhere
        redoc_url=None,
        lifespan=life,
    )
    app.add_middleware(measures.Measured, told=told)
    _explained(app)
    _routes(app, models, options, queues, told)
    rules = Rules(
        key=key,
        hosts=LOOPBACK if key is None else None,
        most_bytes=int(parse_bytes(options.most_bytes)),
        body_seconds=parse_duration(options.timeout),
    )
    return Guard(app, rules)


def _routes(
    app: fastapi.FastAPI,
    models: dict[str, Served],
    options: ServeOptions,
    queues: Queues,
    told: measures.Measures,
) -> None:
    seconds = parse_duration(options.timeout)

    async def ask(
        request: fastapi.Request, model: Served, answer: Any, inputs: Sequence[Any]
    ) -> list[Any]:
        queue = queues.of(model)
        results = await unless_gone(request, queue.ask(answer, inputs, seconds))
        told.inputs.labels(model.name).inc(len(inputs))
        return results

    def bounded(inputs: Sequence[Any]) -> None:
        if len(inputs) > options.most_inputs:
            most = f"At most {options.most_inputs:,} in one request."
            raise DataError(f"There are {len(inputs):,} inputs.", most, "Send the rest after it.")

    @app.post("/v1/predict")
    async def predict(request: fastapi.Request, body: wire.Ask) -> wire.Answers:
        """Answer inputs, each as a row that the model was fitted to."""
        model = chosen(models, body.model)
        bounded(body.inputs)
        answers = await ask(request, model, model.predictor.predict, model.read(body.inputs))
        given = [wire.OneAnswer(to_json(a.value), a.confidence, a.scores) for a in answers]
        return wire.Answers(model.name, given)

    @app.post("/v1/embeddings")
    async def embeddings(request: fastapi.Request, body: wire.EmbedAsk) -> wire.Embeddings:
        """Turn texts into vectors of length 1, by the body of the model, as OpenAI's API does."""
        model = chosen(models, body.model)
        texts = [body.input] if isinstance(body.input, str) else body.input
        bounded(texts)
        for place, text in enumerate(texts, start=1):
            refuse_unwritable(text, f"input {place}")
        rows = await ask(request, model, model.embed, texts)
        data = [
            wire.Embedding(place, wire.encoded(vector, body.encoding_format))
            for place, (vector, _) in enumerate(rows)
        ]
        tokens = sum(count for _, count in rows)
        return wire.Embeddings(model.name, data, wire.Usage(tokens, tokens))

    add_texts(app, models, options, queues.here, told)

    @app.get("/v1/models")
    async def list_models() -> wire.Models:
        """The models that are served, as OpenAI's API lists them."""
        return wire.Models([_told(model) for model in models.values()])

    @app.get("/v1/models/{name}")
    async def one_model(name: str) -> wire.Model:
        """One of the models that are served."""
        return _told(chosen(models, name))

    @app.get("/health")
    async def health() -> wire.Health:
        """Whether the server answers; needs no key."""
        return wire.Health("closing" if queues.here.closing else "ok", list(models))

    @app.get("/metrics")
    async def metrics() -> fastapi.Response:
        """Figures for Prometheus."""
        return fastapi.Response(told.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _told(model: Served) -> wire.Model:
    return wire.Model(model.name, model.created, model.predictor.task.name)


def _queues(models: dict[str, Served], options: ServeOptions) -> Queues:
    """The queues of these models."""
    here = Queue(options.batch_tokens, options.queue, start_thread=_use_threads)
    apart = [name for name, model in models.items() if model.elsewhere]
    return Queues(here, {name: Queue(options.batch_tokens, options.queue) for name in apart})


def _use_threads() -> None:
    """What the computing thread does first: torch counts its threads for each thread anew."""
    import torch

    torch.set_num_threads(torch.get_num_threads())


def _explained(app: fastapi.FastAPI) -> None:
    """Errors as JSON, in the form that OpenAI's clients read; nothing of our insides."""

    def answer(status: int, error: UserError, **headers: str) -> JSONResponse:
        return JSONResponse(error_json(error), status, {**headers})

    @app.exception_handler(UserError)
    async def mendable(request: fastapi.Request, error: UserError) -> JSONResponse:
        return answer(400, error)

    @app.exception_handler(ResourceError)
    async def missing(request: fastapi.Request, error: ResourceError) -> JSONResponse:
        return answer(503, error)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: fastapi.Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        return answer(400, DataError(f"{place}: {first['msg']}.", "", "See /openapi.json."))

    @app.exception_handler(HTTPException)
    async def other(request: fastapi.Request, error: HTTPException) -> JSONResponse:
        return answer(error.status_code, ConfigError(f"{error.detail}.", "", "See /openapi.json."))

    @app.exception_handler(Full)
    async def full(request: fastapi.Request, error: Full) -> JSONResponse:
        told = UserError("Too many requests wait already.", "", "Come again after Retry-After.")
        return answer(429, told, **{"retry-after": str(math.ceil(error.seconds))})

    @app.exception_handler(Closing)
    async def closing(request: fastapi.Request, error: Closing) -> JSONResponse:
        return answer(503, UserError("The server is about to stop."), **{"retry-after": "10"})

    @app.exception_handler(TimeoutError)
    async def late(request: fastapi.Request, error: TimeoutError) -> JSONResponse:
        return answer(504, UserError("It took too long.", "", "Send fewer inputs at once."))

    @app.exception_handler(Exception)
    async def ours(request: fastapi.Request, error: Exception) -> JSONResponse:
        told = UserError("The server failed over this request.", "", "Its own output says why.")
        return answer(500, told)
