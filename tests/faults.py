"""Two hundred random faults over five hundred runs (`make faults`).

A reader asks one short run after another over Streamlit's websocket, while a chaos monkey kills the worker, kills
the server (and starts another on the same store), damages store entries, forbids the server to write files, and
drops the connection. In the end every run must have ended complete, stopped or failed with a message; every stored
result that the server believes must equal a clean run of the same question; and no worker may be left.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import websockets

from core import console
from core.concept.params import read
from core.concept.parts import load, train_module
from core.concept.result import same
from core.runs import engines
from core.runs.store import Store
from tests.soak import Client, health

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 40.0  # seconds until a run must have ended, server restarts included
FAULTS = {"kill worker": 75, "damage entry": 50, "drop connection": 35, "full disk": 25, "kill server": 15}


class Lab:
    """A server that can be killed and started again on the same store and port."""

    def __init__(self, store: Path, port: int = 8990):
        self.store, self.port, self.process = store, port, None
        self.address = f"http://127.0.0.1:{port}"
        self.orphans: set[int] = set()

    def start(self) -> None:
        environment = os.environ | {"LAB_PORT": str(self.port), "LAB_STORE": str(self.store)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "core.server"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(400):
            with contextlib.suppress(OSError):
                if health(self.address)["ready"]:
                    return
            time.sleep(0.1)
        raise RuntimeError("the server did not come up")

    def children(self) -> list[psutil.Process]:
        assert self.process
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> int:
        """SIGKILL the server; how many of its processes are left two seconds later."""
        assert self.process
        family = self.children()
        self.process.kill()
        self.process.wait()
        _, alive = psutil.wait_procs(family, timeout=2)
        self.orphans |= {p.pid for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE}
        return len(self.orphans)

    def worker(self) -> psutil.Process | None:
        """The worker that is busy, or any: the forkserver's children, by the processor time they took."""
        taken: dict[psutil.Process, float] = {}
        family = self.children()
        for process in family:
            with contextlib.suppress(psutil.Error):  # it ends while it is looked at
                if "forkserver" in " ".join(process.cmdline()) and process.parent() in family:
                    taken[process] = sum(process.cpu_times()[:2])
        return max(taken, key=taken.__getitem__, default=None)

    def writable(self, allowed: bool) -> None:
        """Let the server write files, or let every write fail as on a full disk."""
        assert self.process
        unlimited = resource.RLIM_INFINITY
        psutil.Process(self.process.pid).rlimit(resource.RLIMIT_FSIZE, (unlimited if allowed else 0, unlimited))


def question(number: int) -> dict[str, str]:
    return {
        "contenders": "sgd~lr-0.1~~adam~lr-0.01",
        "data": "moons",
        "points": "200",
        "epochs": str(10 + number % 40),
        "seeds": "3",
        "data_seed": str(number % 120),
    }


class Reader(Client):
    """Asks one question and waits for its end, through whatever happens."""

    async def ends(self, link: dict[str, str], lab: Lab) -> str:
        from urllib.parse import urlencode

        self.query = urlencode({"lang": "en"} | link)
        begin = time.monotonic()
        while time.monotonic() - begin < PATIENCE:
            self.answer, self.intervals, self.due, self.errors, self.page = False, {}, {}, [], ""
            try:
                async with websockets.connect(self.url, subprotocols=["streamlit"], max_size=None) as socket:
                    self.socket = socket
                    await socket.send(self._rerun())
                    while time.monotonic() - begin < PATIENCE:
                        for fragment, at in list(self.due.items()):
                            if time.monotonic() >= at:
                                self.due[fragment] = time.monotonic() + self.intervals[fragment]
                                await socket.send(self._rerun(fragment))
                        with contextlib.suppress(TimeoutError):
                            self._hear(await asyncio.wait_for(socket.recv(), 0.05))
                        if self.answer:
                            return "complete"
                        if any("failed run" in e for e in self.errors):
                            return "failed with a message"
                        if self.errors:
                            return self.errors[0]
            except (OSError, websockets.WebSocketException):
                await asyncio.sleep(0.2)
        return "never ended"


async def storm(lab: Lab, runs: int, rng: random.Random) -> dict:
    plan = [fault for fault, share in FAULTS.items() for _ in range(round(share * runs / 500))]
    rng.shuffle(plan)
    at = sorted(rng.sample(range(runs), len(plan)))
    ended: collections.Counter[str] = collections.Counter()
    done: collections.Counter[str] = collections.Counter()
    for number in range(runs):
        reader = Reader(number, f"ws://127.0.0.1:{lab.port}/_stcore/stream")
        task = asyncio.create_task(reader.ends(question(rng.randrange(10_000)), lab))
        for _ in range(at.count(number)):
            await asyncio.sleep(rng.random() * 0.3)
            fault = plan.pop()
            done[fault] += await asyncio.to_thread(strike, fault, lab, reader, rng)
            if fault == "drop connection" and getattr(reader, "socket", None):
                reader.socket.transport.abort()
        ended[await task] += 1
        if number % 50 == 49:
            print(f"{number + 1} runs: {dict(ended)}; faults: {dict(done)}", file=sys.stderr, flush=True)
        await asyncio.to_thread(lab.writable, True)
    return {"ended": dict(ended), "faults": dict(done)}


def strike(fault: str, lab: Lab, reader: Reader, rng: random.Random) -> int:
    """Do it; 1 if it could be done."""
    if fault == "kill worker":
        worker = lab.worker()
        if worker is None:
            return 0
        with contextlib.suppress(psutil.Error):
            worker.kill()
    elif fault == "kill server":
        lab.kill()
        lab.start()
    elif fault == "damage entry":
        files = [f for f in lab.store.glob("runs/*/*") if f.is_file()]
        if not files:
            return 0
        file = rng.choice(files)
        with contextlib.suppress(OSError):
            content = bytearray(file.read_bytes())
            if rng.random() < 0.5 and content:
                content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
                file.write_bytes(content)
            else:
                file.write_bytes(content[: rng.randrange(len(content) + 1)])
    elif fault == "full disk":
        lab.writable(False)
    return 1


def wrong_results(root: Path) -> tuple[int, int]:
    """Stored results that are believed, and how many of them differ from a clean run."""
    store, believed, wrong = Store(root), 0, 0
    train, params_class = train_module("optimizer_race").train, load("optimizer_race").Params
    trainers = {"fused kernel": engines.trainer(engines.FUSED), "stacked torch": engines.trainer("cpu")}
    for folder in sorted(root.glob("runs/[!.]*")):
        stored = store.complete(folder.name)
        if stored is None:
            continue
        params, _ = read(params_class, stored.meta["params"])
        *_, clean = train(params, population=trainers[stored.meta["engine"]])
        believed, wrong = believed + 1, wrong + (not same(stored.result, clean))
    return believed, wrong


def main() -> None:
    console.tolerant()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder) / "store")
        lab.start()
        try:
            found = asyncio.run(storm(lab, options.runs, random.Random(options.seed)))
        finally:
            orphans = lab.kill()
        found["orphans"] = orphans
        import torch

        torch.set_num_threads(1)
        found["believed"], found["wrong"] = wrong_results(lab.store)
    print(json.dumps(found, indent=1))
    good = {"complete", "failed with a message"}
    sys.exit(0 if set(found["ended"]) <= good and not found["orphans"] and not found["wrong"] else 1)


if __name__ == "__main__":
    main()
