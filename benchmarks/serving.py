"""Requests a second: this library's server against `predict`, and against a plain server of a stock pipeline.

    python benchmarks/serving.py MODEL [--served MODEL] [--words 200] [--seconds 30] [--requests 50000] [--json FILE]

MODEL is a saved model; `--served` names another form of it, such as an exported one, for the server and for `predict`.
The texts are reviews of the bundled sample, joined until they have `--words` words, which is as long as those of IMDb
are; with `--words 1` each is a sentence or two. Clients ask in closed loops: each sends one text, waits for the answer,
and sends the next. The servers run in processes of their own, one at a time; the clients share the machine with them.
`predict` scores the same texts in a list, before and after.

Then 64 clients send so many requests with short texts, and the server's memory is read in between. Last, a server is
sent SIGTERM under load, and requests that were sent and got no complete answer are counted.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from imdb_sentiment.data.sample import sample_texts

CLIENTS = (1, 8, 64)
SHORT = "A quiet masterpiece, and I would see it again."

PLAIN = """
import sys, socket, uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline

classify = pipeline("text-classification", sys.argv[1], device="cpu")
app = FastAPI()

class Body(BaseModel):
    text: str

@app.post("/predict")
def predict(body: Body) -> list[dict[str, str | float]]:
    return classify(body.text, truncation=True)

with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
    print(f"listening on http://127.0.0.1:{listening.getsockname()[1]}\\nready: ", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run([listening])
"""
"""What the documentation of the two libraries comes to; FastAPI calls it in up to 40 threads."""

LIST = """
import json, sys, time
from imdb_sentiment import SentimentClassifier

texts = json.loads(sys.stdin.read())
classifier = SentimentClassifier.from_pretrained(sys.argv[1])
classifier.predict(texts[:16])
seconds, done = float(sys.argv[2]), 0
started, before = time.perf_counter(), time.process_time()
while time.perf_counter() - started < seconds:
    classifier.predict(texts)
    done += len(texts)
print(done / (time.perf_counter() - started), 1000 * (time.process_time() - before) / done)
"""


class Load(NamedTuple):
    """What clients met."""

    per_second: float
    p50: float
    p99: float
    statuses: dict[int, int]
    lost: int
    """Requests that were sent and got no complete answer."""

    cpu: float = 0.0
    """Processor time of the server for each answer, in milliseconds."""


class Server(NamedTuple):
    """A server in a process of its own."""

    process: "subprocess.Popen[str]"
    port: int

    @property
    def megabytes(self) -> float:
        """Resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--served")
    parser.add_argument("--words", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    served = arguments.served or arguments.model
    ours = [sys.executable, "-m", "imdb_sentiment", "serve", served, "--port", "0"]
    texts = join(sample_texts(), arguments.words)
    lists = [in_a_list(served, texts, arguments.seconds)]
    measured: dict[str, dict[int, Load]] = {}
    for name, command in (("plain", [sys.executable, "-c", PLAIN, arguments.model]), ("ours", ours)):
        with running(command) as server:
            asyncio.run(ask(server.port, texts, clients=8, seconds=5))  # whatever is prepared once
            measured[name] = {}
            for clients in CLIENTS:
                before = server.cpu_seconds
                load = asyncio.run(ask(server.port, texts, clients, arguments.seconds))
                cpu = 1000 * (server.cpu_seconds - before) / sum(load.statuses.values())
                measured[name][clients] = load._replace(cpu=cpu)
                print(name, clients, measured[name][clients], file=sys.stderr, flush=True)
    lists.append(in_a_list(served, texts, arguments.seconds))
    memory, short = many_requests(ours, arguments.requests)
    stopped = stop_under_load(ours, texts)
    print_tables(lists, measured, memory, short, stopped)
    if arguments.json:
        loads = {name: {n: load._asdict() for n, load in of.items()} for name, of in measured.items()}
        result = {"predict": lists, **loads, "memory": memory, "short": short._asdict(), "stopped": stopped._asdict()}
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


def join(reviews: list[str], words: int) -> list[str]:
    """Join reviews to texts of about so many words; their lengths differ as those of reviews do."""
    texts: list[str] = []
    lengths = cycle((0.4, 0.6, 0.75, 1.0, 1.5, 2.0))  # about the quantiles of IMDb, relative to the mean
    waiting: list[str] = []
    wanted = words * next(lengths)
    for review in reviews:
        waiting.append(review)
        if sum(len(part.split()) for part in waiting) >= wanted:
            texts.append(" ".join(waiting))
            waiting, wanted = [], words * next(lengths)
    return texts


@contextmanager
def running(command: list[str]) -> Iterator[Server]:
    """Run a server, from when it is ready."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout  # noqa: S101
        port = int(re.findall(r"http://127.0.0.1:(\d+)", process.stdout.readline())[0])
        process.stdout.readline()
        try:
            yield Server(process, port)
        finally:
            process.kill()


def in_a_list(model: str, texts: list[str], seconds: float) -> tuple[float, float]:
    """Return the texts that `predict` scores in a second, and the milliseconds of processor time for each."""
    command = [sys.executable, "-c", LIST, model, str(seconds)]
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True)
    per_second, cpu = map(float, done.stdout.split())
    return per_second, cpu


async def ask(port: int, texts: list[str], clients: int, seconds: float, *, requests: int | None = None) -> Load:
    """Let clients ask for some seconds, or for a number of requests, or until the server refuses a connection."""
    bodies = cycle(request(text) for text in texts)
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    lost = sent = 0
    end = time.perf_counter() + seconds

    async def one() -> None:
        nonlocal lost, sent
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                return
            leave = False
            while not leave:
                if time.perf_counter() > end or sent == requests:
                    writer.close()
                    return
                sent += 1
                started = time.perf_counter()
                try:
                    writer.write(next(bodies))
                    status, leave = await answer(reader)
                except (OSError, asyncio.IncompleteReadError):
                    lost += 1
                    break
                statuses[status] += 1
                latencies.append(time.perf_counter() - started)
            writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(clients)))
    per_second = statuses[200] / (time.perf_counter() - started)
    p50, p99 = (1000 * statistics.quantiles(latencies, n=100)[k - 1] for k in (50, 99))
    return Load(per_second, p50, p99, dict(statuses), lost)


def request(text: str) -> bytes:
    body = json.dumps({"text": text}).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Read an answer; return its status, and whether the server asks the client to leave."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    await reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))
    return int(head.split()[1]), b"connection: close" in head


def many_requests(command: list[str], requests: int) -> tuple[list[float], Load]:
    """Return the server's megabytes after each tenth of the requests, and what the clients met in the last."""
    megabytes = []
    with running(command) as server:
        for _ in range(10):
            load = asyncio.run(ask(server.port, [SHORT], 64, 1e9, requests=requests // 10))
            megabytes.append(server.megabytes)
    return megabytes, load


def stop_under_load(command: list[str], texts: list[str]) -> Load:
    """Send SIGTERM three seconds after 64 clients have begun."""
    with running(command) as server:

        async def stop() -> Load:
            asking = asyncio.create_task(ask(server.port, texts, 64, 1e9))
            await asyncio.sleep(3)
            os.kill(server.process.pid, signal.SIGTERM)
            return await asking

        return asyncio.run(stop())


def print_tables(
    lists: list[tuple[float, float]],
    measured: dict[str, dict[int, Load]],
    memory: list[float],
    short: Load,
    stopped: Load,
) -> None:
    whole = statistics.mean(rate for rate, _ in lists)
    shown = " and ".join(f"{rate:.1f} texts/s, {cpu:.1f} ms of processor time each" for rate, cpu in lists)
    print(f"predict on a list, before and after: {shown}\n")
    print(
        "| clients | plain server | p50 | p99 | CPU | this server | p50 | p99 | CPU | times plain | share of predict |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for clients in CLIENTS:
        plain, ours = measured["plain"][clients], measured["ours"][clients]
        cells = [
            f"{load.per_second:.1f}/s | {load.p50:.0f} ms | {load.p99:.0f} ms | {load.cpu:.1f} ms"
            for load in (plain, ours)
        ]
        print(f"| {clients} | {' | '.join(cells)} | {ours.per_second / plain.per_second:.2f} |", end="")
        print(f" {ours.per_second / whole:.2f} |")
        for name, load in (("plain", plain), ("ours", ours)):
            if load.lost or set(load.statuses) != {200}:
                print(f"{name}, {clients} clients: {load.statuses}, {load.lost} lost")
    print(f"\nshort texts, 64 clients: {short.per_second:.0f}/s, p50 {short.p50:.0f} ms, p99 {short.p99:.0f} ms")
    print("memory after each tenth:", ", ".join(f"{value:.0f}" for value in memory), "MB")
    print(f"stopped under load: answers {stopped.statuses}, {stopped.lost} lost")


if __name__ == "__main__":
    main()
