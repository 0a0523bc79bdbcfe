"""What runs on the nodes of a Ray cluster: runs and questions, and what makes a node warm for them."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace

from core.runs.engines import FUSED, Engine, build, compiled, measure
from core.runs.worker import THREADS, messages


def carry_out(job: bytes) -> Iterator[bytes]:
    """A run or a question: what a worker would say, pickled. Refuses where its key would be another one."""
    import psutil
    import ray
    import torch

    from core.runs.key import run_key

    torch.set_num_threads(THREADS)
    yield pickle.dumps(("started",))
    given = pickle.loads(job)
    if run_key(given["name"], given["params"], given["device"]) != given["key"]:
        yield pickle.dumps(("refused", "other_code", ""))
        return
    if given["device"] == "cuda":
        given["device"] = f"cuda:{ray.get_gpu_ids()[0]}"
    here = psutil.Process()
    before = here.memory_info().rss  # it may hold what earlier tasks left
    for message in messages(given, lambda: False):
        if here.memory_info().rss - before > given["bytes"]:
            yield pickle.dumps(("refused", "too_much_memory", ""))
            return
        yield pickle.dumps(message)


class Answerer:
    """A warm process for what takes a moment, questions or runs: it shall not wait for torch, nor for a training."""

    def prepare(self, *after: Engine) -> None:
        prepare()

    def carry_out(self, job: bytes) -> Iterator[bytes]:
        yield from carry_out(job)


def warm(device: str) -> Engine:
    """Do once what a first run would wait for; what a step costs here."""
    import ray

    prepare()
    engine = measure(device if device == "cpu" else f"cuda:{ray.get_gpu_ids()[0]}")
    if device == "cpu" and compiled():
        measure(FUSED)  # loads the kernel
    return replace(engine, device=device)


def prepare() -> None:
    """Import what all concepts need, and read their sources, of which a run's key is made."""
    import torch
    import torch._dynamo  # the first optimizer of a process imports it, which takes seconds

    from core.concept.catalog import CONCEPTS
    from core.concept.parts import load, train_module
    from core.runs.key import source_digest

    torch.set_num_threads(THREADS)
    for entry in CONCEPTS:
        for each in load(entry.stem).experiments:
            train_module(each.name)
            source_digest(each.name)


def compile_kernel(*after: Engine) -> Engine:
    """Compile the fused kernel on this node, once it is warm; what a step costs in it."""
    import torch

    torch.set_num_threads(THREADS)
    return build()
