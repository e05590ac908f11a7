"""The way to the Hub, against a server on loopback that keeps what it is sent."""

import base64
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import tunewell


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub as takes a folder; `kept` holds files, `asked` what came."""

    kept: dict[str, bytes]
    asked: list[tuple[str, str, str]]
    writable = True

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.asked.append(("GET", self.path, self.headers.get("Authorization", "")))
        if self.path.startswith("/api/whoami"):
            return self.answer({"type": "user", "name": "someone"})
        return self.answer({"id": "someone/reviews", "sha": "0" * 40, "siblings": []})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.asked.append(("POST", self.path, body))
        if not self.writable:
            return self.answer({"error": "You don't have the rights to write here"}, 403)
        if self.path == "/api/repos/create":
            return self.answer({"url": f"http://{self.headers['Host']}/someone/reviews"})
        if "/preupload/" in self.path:
            files = [f["path"] for f in json.loads(body)["files"]]
            modes = [{"path": p, "uploadMode": "regular", "shouldIgnore": False} for p in files]
            return self.answer({"files": modes})
        if "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.kept[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            url = f"http://{self.headers['Host']}/someone/reviews/commit/{'1' * 40}"
            return self.answer({"commitUrl": url, "commitOid": "1" * 40, "success": True})
        return self.answer({"valid": True, "warnings": [], "errors": []})

    def log_message(self, *args):
        pass


@pytest.fixture
def hub():
    class Own(Hub):
        kept, asked = {}, []

    with ThreadingHTTPServer(("127.0.0.1", 0), Own) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Own.address = f"http://127.0.0.1:{server.server_address[1]}"
        yield Own
        server.shutdown()


def push(hub, tmp_path, *argv, token="hf_token"):
    environment = {k: v for k, v in os.environ.items() if k not in ("HF_TOKEN", "HF_HUB_OFFLINE")}
    environment |= {"HF_ENDPOINT": hub.address, "HF_HUB_DISABLE_XET": "1"}
    environment |= {"HF_HOME": str(tmp_path / "home")} | ({"HF_TOKEN": token} if token else {})
    command = [sys.executable, "-m", "tunewell", "push", *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_what_is_pushed_is_the_model_with_its_card(hub, run_folder, tmp_path, texts):
    model = run_folder / "trials" / "full-0" / "model"
    done = push(hub, tmp_path, model, "--to", "reviews")
    assert done.returncode == 0, done.stderr
    assert f"{hub.address}/someone/reviews" in done.stdout
    made = [json.loads(body) for _, path, body in hub.asked if path == "/api/repos/create"]
    assert [(each["name"], each["visibility"]) for each in made] == [("reviews", "private")]
    assert {"README.md", "config.json", "model.safetensors", "export.json"} <= set(hub.kept)
    for name, content in hub.kept.items():
        (tmp_path / Path(name).name).write_bytes(content)
    card = hub.kept["README.md"].decode()
    lines = re.search(r"```python\n(.*?)```", card, re.DOTALL)[1]
    script = "import sys; sys.modules['tunewell'] = None\n"
    script += lines.replace('["a text"]', repr(texts))
    command = [sys.executable, "-c", script]
    opened = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    own = [answer.value for answer in tunewell.load(model).predict(texts)]
    assert opened.stdout.splitlines()[-1:] == [repr(own)], opened.stderr


def test_without_a_login_nothing_is_sent(hub, run_folder, tmp_path):
    model = run_folder / "trials" / "full-0" / "model"
    done = push(hub, tmp_path, model, "--to", "reviews", token="")
    assert done.returncode == 2 and "hf auth login" in done.stderr
    assert "Traceback" not in done.stderr and not hub.asked


def test_a_refusal_is_told(hub, run_folder, tmp_path):
    hub.writable = False
    model = run_folder / "trials" / "full-0" / "model"
    done = push(hub, tmp_path, model, "--to", "reviews")
    assert done.returncode == 2 and "The Hub refuses" in done.stderr
    assert "Traceback" not in done.stderr and not hub.kept


def test_a_name_that_cannot_be_is_refused(hub, run_folder, tmp_path):
    model = run_folder / "trials" / "full-0" / "model"
    done = push(hub, tmp_path, model, "--to", "a/b/c")
    assert done.returncode == 2 and "a/b/c" in done.stderr and not hub.kept


def test_a_hub_that_is_away_is_told(hub, run_folder, tmp_path):
    hub.address = "http://127.0.0.1:9"
    done = push(hub, tmp_path, run_folder, "--to", "reviews")
    assert done.returncode == 2 and "cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
