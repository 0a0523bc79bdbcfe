"""A class opens the lab: many websocket clients change settings for minutes (`make soak`).

Each client speaks Streamlit's own protocol, as a browser does: it opens a page by link, polls the fragment the
page asks it to poll, and changes the link every so often. Two thirds of the questions have been asked before
(store hits), one third are new short runs. Counted apart per client:

    error     an exception on the page, a failed run, a broken connection
    lost      a question that was acknowledged and watched, and whose answer did not come within PATIENCE
    reaction  seconds from a change of the link to the end of the script run that answers it
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import psutil
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from core import console

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60.0  # seconds within which an answer must come
FINISHED = ForwardMsg.ScriptFinishedStatus.Value("FINISHED_SUCCESSFULLY")
FRAGMENT_FINISHED = ForwardMsg.ScriptFinishedStatus.Value("FINISHED_FRAGMENT_RUN_SUCCESSFULLY")
KNOWN = 12  # questions of which two thirds are one


@dataclass
class Client:
    """One reader, and what happened to them."""

    number: int
    url: str
    reactions: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    page: str = ""
    asked: int = 0
    answered: int = 0
    lost: int = 0

    async def live(self, until: float, pause: float) -> None:
        rng = random.Random(self.number)
        await asyncio.sleep(rng.random() * pause)
        while time.monotonic() < until:
            try:
                async with websockets.connect(
                    self.url, subprotocols=["streamlit"], max_size=None, open_timeout=30, ping_interval=None
                ) as socket:
                    await self._visit(socket, rng, until, pause)
            except (OSError, websockets.WebSocketException) as error:
                self.errors.append(f"connection: {error!r}")
                await asyncio.sleep(1)

    async def _visit(self, socket: websockets.ClientConnection, rng: random.Random, until: float, pause: float) -> None:
        self.intervals: dict[str, float] = {}
        self.due: dict[str, float] = {}
        self.query, self.page = "", ""
        self.answer = False
        next_change, asked_at, waiting_since = time.monotonic(), 0.0, 0.0
        while time.monotonic() < until:
            now = time.monotonic()
            if now >= next_change and not asked_at:
                if waiting_since:
                    self.lost += 1
                self.query = question(rng)
                self.intervals, self.due, self.answer = {}, {}, False
                await socket.send(self._rerun())
                self.asked += 1
                asked_at, waiting_since, next_change = now, now, now + pause
            if waiting_since and now - waiting_since > PATIENCE:
                self.lost += 1
                waiting_since = 0.0
            for fragment, at in list(self.due.items()):
                if now >= at and not asked_at:
                    self.due[fragment] = now + self.intervals[fragment]
                    await socket.send(self._rerun(fragment))
            try:
                message = await asyncio.wait_for(socket.recv(), 0.1)
            except TimeoutError:
                continue
            finished = self._hear(message)
            if finished == FINISHED and asked_at:
                self.reactions.append(time.monotonic() - asked_at)
                asked_at = 0.0
            if self.answer and waiting_since and not asked_at:
                self.answered += 1
                waiting_since = 0.0

    def _rerun(self, fragment: str = "") -> bytes:
        message = BackMsg()
        message.rerun_script.query_string = self.query
        if self.page:  # as a browser: the page by its address once, and by the name the server gave it from then on
            message.rerun_script.page_script_hash = self.page
        else:
            message.rerun_script.page_name = "optimizer_race"
        message.rerun_script.is_history_navigation = not fragment  # a link within a page counts when one goes to it
        if fragment:
            message.rerun_script.fragment_id = fragment
            message.rerun_script.is_auto_rerun = True
        return message.SerializeToString()

    def _hear(self, content: bytes) -> int | None:
        """Note what a message says; the way a script run ended, if this is its end."""
        message = ForwardMsg()
        message.ParseFromString(content)
        kind = message.WhichOneof("type")
        if kind == "auto_rerun":
            self.intervals[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            self.due[message.auto_rerun.fragment_id] = time.monotonic() + message.auto_rerun.interval
        elif kind == "stop_auto_rerun":
            self.due.pop(message.stop_auto_rerun.fragment_id, None)
        elif kind == "navigation":
            self.page = message.navigation.page_script_hash
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            which = element.WhichOneof("type")
            if which == "exception":
                self.errors.append(f"exception: {element.exception.message[:200]}")
            elif which == "alert" and "reference" in element.alert.body.lower():
                self.errors.append(f"failed run: {element.alert.body[:200]}")
            elif which == "markdown" and element.markdown.body.startswith(("trained now", "stored result ·")):
                self.answer = True
        elif kind == "script_finished":
            return message.script_finished
        return None


def question(rng: random.Random) -> str:
    """The link of a short race: one that has been asked before, or a new one."""
    seed = rng.randrange(KNOWN) if rng.random() < 2 / 3 else rng.randrange(1000, 99_000)
    link = {"lang": "en", "contenders": "sgd~lr-0.1~~adam~lr-0.01", "data": "moons", "epochs": 10, "seeds": 3}
    return urlencode(link | {"data_seed": seed})


def health(address: str) -> dict:
    with urllib.request.urlopen(f"{address}/health", timeout=30) as answer:
        return json.load(answer)


async def soak(address: str, server: int, clients: int, seconds: float, pause: float) -> dict:
    readers = [Client(i, f"ws{address.removeprefix('http')}/_stcore/stream") for i in range(clients)]
    until = time.monotonic() + seconds
    tasks = [asyncio.create_task(reader.live(until, pause)) for reader in readers]
    process, memory = psutil.Process(server), []
    while time.monotonic() < until:
        await asyncio.sleep(min(5.0, seconds / 20))
        memory.append(process.memory_info().rss / 2**20)
    await asyncio.gather(*tasks)
    reactions = sorted(r for reader in readers for r in reader.reactions)
    warm = memory[len(memory) // 4 :]  # the first quarter warms up
    third = max(1, len(warm) // 3)
    return {
        "clients": clients,
        "seconds": seconds,
        "asked": sum(r.asked for r in readers),
        "answered": sum(r.answered for r in readers),
        "lost": sum(r.lost for r in readers),
        "errors": sum(len(r.errors) for r in readers),
        "clients with errors": sum(bool(r.errors) for r in readers),
        "first errors": [e for r in readers for e in r.errors][:5],
        "reaction median": statistics.median(reactions),
        "reaction p95": reactions[int(0.95 * len(reactions))],
        "reaction max": reactions[-1],
        "memory MB, start of the warm part": statistics.mean(warm[:third]),
        "memory MB, end": statistics.mean(warm[-third:]),
    }


def main() -> None:
    console.tolerant()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--pause", type=float, default=20, help="seconds between the changes of one client")
    options = parser.parse_args()
    port = 8970
    with tempfile.TemporaryDirectory() as store:
        environment = os.environ | {"LAB_PORT": str(port), "LAB_STORE": store}
        server = subprocess.Popen([sys.executable, "-m", "core.server"], cwd=ROOT, env=environment)
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(240):
                try:
                    if health(address)["ready"]:
                        break
                except OSError:
                    pass
                time.sleep(0.5)
            found = asyncio.run(soak(address, server.pid, options.clients, 60 * options.minutes, options.pause))
            print(json.dumps(found | {"health": health(address)}, indent=1))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)
    grown = found["memory MB, end"] / found["memory MB, start of the warm part"]
    ok = not found["errors"] and not found["lost"] and found["reaction p95"] <= 1.0 and grown <= 1.1
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
