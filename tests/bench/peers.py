"""The lab's populations beside what people use elsewhere: `tests/peers` has a script for each.

Every contender is a process that waits, so that they can take turns. A further one is a module of `tests/peers` and a
line of CONTENDERS.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from tests.bench.report import ROOT, Row, Section
from tests.peers.works import POPULATIONS, WIDTHS, WORKS, Work

CONVNETJS = "convnetjs@0.3.0"
PATIENCE = 120  # seconds for one answer


@dataclass(frozen=True)
class Contender:
    """A module of tests/peers: its name in words, the kinds of work it can do, and whether it takes models one by one
    (then it trains few of them, for fewer epochs). `swept`: it takes part in the sweeps over sizes."""

    name: str
    kinds: tuple[str, ...] = ("points", "digits", "images", "text", "surface")
    one_by_one: bool = False
    swept: bool = False


CONTENDERS = {
    "population": Contender("population (stacked torch)", swept=True),
    "fused": Contender("population (fused kernel)", ("points", "digits"), swept=True),
    "jax_vmap": Contender("JAX, jit of vmap of scan", swept=True),
    "loop": Contender("loop over models, eager torch", one_by_one=True),
    "scikit": Contender("scikit-learn, `fit` per model", ("points", "digits"), one_by_one=True),
    "convnet": Contender("ConvNetJS under Node", ("points", "digits", "images"), one_by_one=True),
}
LAB = ("population", "fused")  # what the others are compared with
OWN_DRAWS = ("scikit",)  # draws weights and batches itself, so its losses say nothing about sameness

TITLES = {
    "scenario": "8 optimizers × 8 seeds, 2-8-8-1 tanh, batch 10, 200 epochs of 25 steps",
    "one": "one 2-8-8-1 network, momentum, batch 10, 200 epochs",
    "same rule": "64 such networks, all momentum",
    "digits": "digits race: 8 optimizers × 5 seeds, 64-32-10, batch 32, 30 epochs",
    "images": "64 convolutional networks (8 and 16 filters 3 × 3) on 8 × 8 digits, SGD, batch 10",
    "text × 8": "8 LSTMs of 32 units, 20 characters × 10, Adam",
    "text × 32": "32 LSTMs of 32 units, 20 characters × 10, Adam",
    "surface": "Himmelblau's function: 10 rules × 400 starts × 500 steps",
}
BUDGETS = {("images", "convnet"): "≥ 12"}


METHODS = {
    "points": "Two rings of 250 points, squared error.",
    "digits": "1,056 of scikit-learn's digits, cross-entropy.",
    "images": "640 of scikit-learn's digits, cross-entropy; ReLU and 2 × 2 max pooling after each convolution.",
    "text": "200 pieces of the licence's text, cross-entropy.",
    "surface": "Starts of one rule are one tensor for eager torch too.",
}


def themes(rounds: int, quick: bool) -> Iterator[Section]:
    rounds = min(rounds, 1 if quick else 3)
    with contenders() as (peers, absent):
        yield Section(
            "Populations beside other tools",
            "In the sections that follow: CPU microseconds per member and training step (all threads of the process "
            "that trains, the loss of all examples after every epoch included), one thread each where that can be "
            f"said, {rounds} rounds. Same data, batches and first weights; each contender is a script of tests/peers. "
            "Those that take models one by one train some of the models for some of the epochs, scikit-learn and "
            "ConvNetJS only the rules they have. A first training of each is not counted: there JAX compiles, which "
            "has a row of its own for those who run a thing once.",
            remarks=absent,
        )
        for work in WORKS:
            yield same_work(peers, work, rounds)
        yield sweep(peers, rounds)


class Peer:
    """The process of a contender."""

    def __init__(self, module: str, environment: dict[str, str]):
        self.module = module
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tests.peers.serve", module],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def train(self, work: Work) -> dict[str, Any]:
        """CPU seconds, microseconds per member and step, and losses. Raises RuntimeError when no answer comes."""
        one_by_one = CONTENDERS[self.module].one_by_one
        seeds, epochs = (work.few, work.check) if one_by_one else (work.seeds, work.epochs)
        assert self.child.stdin and self.child.stdout
        self.child.stdin.write(json.dumps({"work": work.name, "seeds": seeds, "epochs": epochs}) + "\n")
        self.child.stdin.flush()
        answered, _, _ = select.select([self.child.stdout], [], [], PATIENCE)
        line = self.child.stdout.readline() if answered else ""
        if not line:
            raise RuntimeError(f"{self.module} gave no answer to {work.name}")
        found = json.loads(line)
        found["each"] = 1e6 * found["seconds"] / (found["members"] * epochs * work.steps_per_epoch)
        return found


@contextmanager
def contenders() -> Iterator[tuple[dict[str, Peer], list[str]]]:
    """The contenders that can run here, and a line about each that cannot."""
    absent, environment = [], {}
    with tempfile.TemporaryDirectory() as folder:
        modules = list(CONTENDERS)
        if not (shutil.which("node") and shutil.which("npm")):
            absent.append("ConvNetJS was skipped: node and npm are not here.")
        else:
            command = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", folder, CONVNETJS]
            if subprocess.run(command, timeout=PATIENCE, capture_output=True).returncode:
                absent.append(f"ConvNetJS was skipped: npm could not install {CONVNETJS}.")
            environment["CONVNETJS"] = folder
        if absent:
            modules.remove("convnet")
        if not find_spec("jax"):
            absent.append("JAX was skipped: it is not installed (`make bench` does, from requirements-bench.txt).")
            modules.remove("jax_vmap")
        peers = {module: Peer(module, environment) for module in modules}
        try:
            yield peers, absent
        finally:
            for peer in peers.values():
                peer.child.stdin.close()
                try:
                    peer.child.wait(10)
                except subprocess.TimeoutExpired:
                    peer.child.kill()


def same_work(peers: dict[str, Peer], work: Work, rounds: int) -> Section:
    able = [module for module in peers if work.kind in CONTENDERS[module].kinds]
    first = {module: peers[module].train(work) for module in able}
    each: dict[str, list[float]] = {module: [] for module in able}
    for _ in range(rounds):
        for module in able:
            each[module].append(peers[module].train(work)["each"])
    found = Section(TITLES[work.name], METHODS[work.kind])
    for module in able:
        found.rows.append(Row(CONTENDERS[module].name, "µs", each[module]))
        if module == "jax_vmap":
            found.rows.append(Row("JAX, its first run, with compiling", "µs", [first[module]["each"]]))
    for lab in [module for module in LAB if module in able]:
        for module in able:
            if module not in LAB:
                ratios = [a / b for a, b in zip(each[module], each[lab])]
                found.rows.append(Row(f"{module} / {lab}", "×", ratios, BUDGETS.get((work.name, module), "")))
    compare(found, work, {module: first[module]["losses"] for module in able if module not in OWN_DRAWS})
    return found


def compare(found: Section, work: Work, losses: dict[str, dict[str, list[float]]]) -> None:
    """Say how far the losses at the epoch of comparison are from the population's, and fail where it is another work:
    half of the models may drift apart by rounding, not more."""
    gaps = {}
    for module, theirs in losses.items():
        pairs = [(np.array(losses[LAB[0]][rule]), np.array(values)) for rule, values in theirs.items()]
        gaps[module] = float(np.median(np.concatenate([abs(a - b) / np.maximum(1, abs(a)) for a, b in pairs])))
        if not gaps[module] < 0.01:
            found.failures.append(f"{module} did not do the same work: its losses are {gaps[module]:.1g} away")
    mean = np.mean([value for values in losses[LAB[0]].values() for value in values])
    apart = ", ".join(f"{module} {gap:.0e}" for module, gap in gaps.items() if module != LAB[0])
    found.remarks.append(f"Mean loss after epoch {work.check}: {mean:.4f}; median distance to those losses: {apart}.")


def sweep(peers: dict[str, Peer], rounds: int) -> Section:
    found = Section(
        "Cost against population and width",
        "CPU microseconds per member and step of SGD at batch 10: 1 to 4,096 networks of 2-8-8-1, and 16 networks with "
        "two hidden layers of 4 to 512 units.",
    )
    for work in (*POPULATIONS, *WIDTHS):
        able = [module for module in peers if CONTENDERS[module].swept]
        each: dict[str, list[float]] = {module: [] for module in able}
        for turn in range(rounds + 1):
            for module in able:
                taken = peers[module].train(work)["each"]
                if turn:  # the first compiles
                    each[module].append(taken)
        found.rows += [Row(f"{work.name}: {CONTENDERS[module].name}", "µs", each[module]) for module in able]
    return found
