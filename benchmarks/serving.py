"""Requests a second and times to answer: `tunewell serve` beside a plain FastAPI and pipeline.

    .venv/bin/python benchmarks/serving.py [SECONDS]

Needs `wrk` (Debian has it). A MiniLM classifier with twelve labels, one message of
examples/support.csv a request, from 1, 16 and 200 clients, the two servers in turn, twice.
"""

import csv
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = (1, 16, 200)
LUA = """
local texts = {}
for line in io.lines("%s") do texts[#texts + 1] = line end
local at = 0
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
function request()
  at = at %% #texts + 1
  return wrk.format(nil, nil, nil, texts[at])
end
function done(summary, latency, requests)
  io.write(string.format("RESULT %%f %%f %%f %%f %%d\\n",
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e3,
    latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.status + summary.errors.timeout + summary.errors.read))
end
"""


def models(folder: Path) -> tuple[Path, Path]:
    """The same body with twelve outputs twice: as a model of ours, and as `pipeline` opens it."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from tunewell import registry
    from tunewell.contracts import Job
    from tunewell.fit.backbones import resolve
    from tunewell.values import Example, Machine

    with (ROOT / "examples/support.csv").open(encoding="utf-8", newline="") as lines:
        rows = [Example(row["text"], row["label"]) for row in csv.DictReader(lines)]
    (folder / "bodies").write_text(
        "\n".join(json.dumps({"inputs": [row.input]}) for row in rows[:500]) + "\n"
    )
    labels = {row.target for row in rows}
    few = tuple(next(row for row in rows if row.target == label) for label in labels) * 2
    backbone = resolve(None)
    job = Job(
        task=registry.task("classify").from_examples(few),
        train=few,
        validation=few,
        backbone=backbone,
        machine=Machine(dtype="float32"),
    )
    ours, plain = folder / "support", folder / "plain"
    registry.method("full")(epochs=1).fit(job).save(ours)
    AutoModelForSequenceClassification.from_pretrained(
        backbone.folder, num_labels=len(labels), trust_remote_code=False
    ).save_pretrained(plain)
    AutoTokenizer.from_pretrained(backbone.folder, trust_remote_code=False).save_pretrained(plain)
    return ours, plain


def started(command: list[str], port: int) -> subprocess.Popen:
    """A server's process, once it answers."""
    process = subprocess.Popen(command)
    body = json.dumps({"inputs": ["a"]}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/predict", body, {"content-type": "application/json"}
    )
    for _ in range(600):
        try:
            with urllib.request.urlopen(request, timeout=5):
                return process
        except OSError:
            assert process.poll() is None, "the server ended by itself"
            time.sleep(0.2)
    raise TimeoutError(command)


def measured(
    server: subprocess.Popen, port: int, clients: int, seconds: int, script: Path
) -> list[float]:
    """Requests a second; milliseconds at 50, 95 and 99 %; errors; CPU milliseconds a request."""
    own = psutil.Process(server.pid)
    before = sum(own.cpu_times()[:2])
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "60s", "-s", str(script)]
    said = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/v1/predict"], capture_output=True, text=True
    ).stdout
    line = next(line for line in said.splitlines() if line.startswith("RESULT"))
    found = [float(number) for number in line.split()[1:]]
    spent = sum(own.cpu_times()[:2]) - before
    return [*found, 1e3 * spent / (found[0] * seconds)]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def main(seconds: int = 10) -> None:
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        ours, plain = models(folder)
        script = folder / "post.lua"
        script.write_text(LUA % (folder / "bodies"))
        one, other = free_port(), free_port()
        tunewell = str(Path(sys.executable).with_name("tunewell"))
        servers = {
            "tunewell serve": (one, [tunewell, "serve", str(ours), "--port", str(one)]),
            "FastAPI + pipeline": (
                other,
                [sys.executable, "benchmarks/rivals/pipeline_server.py", str(plain), str(other)],
            ),
        }
        processes = {name: started(command, port) for name, (port, command) in servers.items()}
        try:
            print("| server | clients | requests/s | p50 ms | p95 ms | p99 ms | errors | CPU ms |")
            print("|:---|---:|---:|---:|---:|---:|---:|---:|")
            for clients in CLIENTS:
                for _ in range(2):
                    for name, (port, _command) in servers.items():
                        found = measured(processes[name], port, clients, seconds, script)
                        figures = " | ".join(f"{number:.0f}" for number in found)
                        print(f"| {name} | {clients} | {figures} |", flush=True)
        finally:
            for process in processes.values():
                process.terminate()
                process.wait(60)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
