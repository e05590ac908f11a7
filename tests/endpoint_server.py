"""A server on loopback that speaks OpenAI's language, well or badly, as a test tells it."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Behave = Callable[[int, dict], object]
"""The number of a request, from 0, and its JSON -> a text, None for a refusal, or a `Fault`."""


class Fault:
    """A reply that is none: a status with headers, half a body, broken JSON, or a wait before."""

    def __init__(self, status=200, headers=None, body=None, half=False, code=None):
        self.status, self.headers, self.half = status, headers or {}, half
        self.body = body
        if body is None:
            error = {"message": "not now", "type": "error", "code": code}
            self.body = json.dumps({"error": error})


class Server:
    """What was asked, and where."""

    def __init__(self, behave: Behave, seconds: float = 0.0):
        self.behave, self.seconds = behave, seconds
        self.requests: list[dict] = []
        self.keys: list[str] = []
        self.tokens = 0
        """Read and written by all requests that were answered."""
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.url = ""
        self.created: int | None = None
        """When it says that its models were made; None: it lists none."""
        self.date: str | None = None
        """The time that it gives; None: the right one."""


def tokens_of(request):
    """As a server counts: a token a word, and some around each message."""
    return sum(len(m["content"].split()) + 4 for m in request["messages"])


def completion(request, text):
    used = {"prompt_tokens": tokens_of(request), "completion_tokens": len((text or "").split()) + 1}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": request["model"],
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {
                    "role": "assistant",
                    "content": text,
                    "refusal": None if text is not None else "No.",
                },
            }
        ],
        "usage": {**used, "total_tokens": sum(used.values())},
    }


@contextmanager
def serving(behave: Behave, seconds: float = 0.0):
    """The server, while it runs."""
    server = Server(behave, seconds)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            listed = [{"id": "small", "object": "model", "created": server.created}]
            if server.created is None or not self.path.endswith("/models"):
                return self.reply(Fault(404))
            return self.reply(Fault(body=json.dumps({"object": "list", "data": listed})))

        def date_time_string(self, timestamp=None):
            return server.date or super().date_time_string(timestamp)

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with server.lock:
                number = len(server.requests)
                server.requests.append(request)
                server.keys.append(self.headers.get("authorization", ""))
                server.at_once += 1
                server.most_at_once = max(server.most_at_once, server.at_once)
            try:
                time.sleep(server.seconds)
                self.answer(request, server.behave(number, request))
            finally:
                with server.lock:
                    server.at_once -= 1

        def answer(self, request, said):
            fault = said if isinstance(said, Fault) else Fault()
            if fault is not said:
                reply = completion(request, said)
                fault.body = json.dumps(reply)
                with server.lock:
                    server.tokens += reply["usage"]["total_tokens"]
            self.reply(fault)

        def reply(self, fault):
            body = fault.body.encode()
            self.send_response(fault.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            for name, value in fault.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if fault.half:
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
                self.connection.close()
            else:
                self.wfile.write(body)

        def log_message(self, *args):
            """Nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
