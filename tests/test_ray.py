"""The way to a Ray cluster: what is said when it is not there, what may not run on it, and that a lost run is whole.

tests/test_runs.py holds all that a page may rely on, there as here. What needs no Ray is tested without it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.concept.parts import train_module
from core.concept.result import same
from core.concept.text import words
from core.concepts.optimizer_race.params import TINY
from core.runs import cluster, limits
from core.runs.cluster import Cluster
from core.runs.key import run_key
from core.runs.manager import Manager
from core.runs.queue import FairQueue
from core.runs.run import COMPLETE, FAILED, WAITING, Run
from core.runs.store import Store
from tests.test_runs import LONG, RACE, ROOT, done, fresh, until

STRANGER = """
import ray
ray.init(address={address!r}, logging_level="ERROR")
print("let in", ray.get(ray.remote(lambda: 1).remote()))
"""


# Without Ray


def test_a_server_for_a_cluster_imports_neither_ray_nor_torch() -> None:
    code = """
import sys
import core.server, core.runs.manager, core.runs.broker, core.runs.cluster
print(*(name for name in ("ray", "torch", "streamlit") if name in sys.modules))
"""
    command = [sys.executable, "-c", code]
    found = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"RAY_ADDRESS": "auto"}, capture_output=True, text=True, timeout=120
    )
    assert found.returncode == 0 and found.stdout.split() == [], found.stderr


def test_without_the_package_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    monkeypatch.setattr(cluster, "installed", lambda: False)
    manager = Manager(Store(tmp_path)).start()
    assert manager.ready.wait(10) and "requirements-ray.txt" in manager.places.trouble
    run = manager.ask(RACE, TINY)
    assert done(run) == FAILED and run.error == "no_worker"
    manager.close()


def test_a_run_waits_for_a_cluster_that_cannot_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.setattr(cluster, "installed", lambda: True)
        manager = Manager(Store(tmp_path)).start()
        try:
            run = manager.ask(RACE, TINY)
            until(lambda: manager.unreachable)
            assert run.status == WAITING and manager.status()["cluster"] == {"reachable": False, "nodes": []}
            manager.stop(run)
            assert run.done.is_set()
        finally:
            manager.close()


def test_a_run_that_was_lost_goes_first() -> None:
    queue, lost = FairQueue(), Run("", RACE, TINY, "cpu", 0.0, people={"one"})
    others = [Run("", RACE, TINY, "cpu", 0.0, people={"other"}) for _ in range(3)]
    lost.started = 1.0
    for run in (*others, lost):
        queue.put(run)
    assert queue.get() is lost and queue.get() is others[0]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_all_that_can_go_wrong_there_has_words(language: str) -> None:
    text = words("", language)
    assert text.say("failures.other_code") and text.say("run.unreachable") and text.say("status.unreachable")


# With Ray


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    pytest.importorskip("ray", reason="Ray is optional; `make test-ray` installs it")
    from tests.ray_cluster import Nodes

    nodes = Nodes(2)
    yield nodes
    nodes.close()


@pytest.fixture(scope="module")
def manager(nodes: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    manager = Manager(Store(tmp_path_factory.mktemp("store")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", nodes.address)
        manager.start()
    assert manager.ready.wait(120) and not manager.places.trouble
    until(lambda: manager.places.cluster and len(manager.places.cluster.nodes) == 2)
    yield manager
    manager.close()


@pytest.mark.ray
def test_nodes_are_shown(manager: Manager) -> None:
    until(lambda: {node["state"] for node in manager.status()["cluster"]["nodes"]} == {"usable"})
    shown = manager.status()["cluster"]
    assert shown["reachable"] and [node["cpus"] for node in shown["nodes"]] == [1, 1]
    assert manager.status()["workers"] == 6  # two that train, two for moments, two that answer


@pytest.mark.ray
def test_changed_source_is_refused(manager: Manager, tmp_path: Path) -> None:
    """A node on which train is not what the key says does not compute under that key."""
    shutil.copytree(ROOT / "core", tmp_path / "core", ignore=shutil.ignore_patterns("__pycache__"))
    train = tmp_path / "core/concepts/optimizer_race/train.py"
    before = train.read_text("utf-8")
    train.write_text(before.replace("FRAMES + 1", "1 + FRAMES"), "utf-8")
    assert train.read_text("utf-8") != before
    assert manager.places.cluster
    other = Cluster(manager.places.cluster.address, lambda kind, content: None, source=tmp_path).start()
    try:
        line = other.line({"num_cpus": 1})
        job = {"key": run_key(RACE, TINY, "cpu"), "name": RACE, "params": TINY, "device": "cpu"}
        assert line.takes(job | {"chunk": 1, "own": {}, "bytes": 2**40})
        assert line.pipe.poll(200) and line.pipe.recv() == ("started",)
        assert line.pipe.poll(60) and line.pipe.recv() == ("refused", "other_code", "")
    finally:
        other.close()


@pytest.mark.ray
@pytest.mark.parametrize("given", [{}, {"RAY_AUTH_TOKEN": "0" * 64}])
def test_a_stranger_is_refused(nodes: Any, tmp_path: Path, given: dict[str, str]) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    mode = {"HOME": str(tmp_path), "RAY_AUTH_MODE": "token" if given else "disabled"}
    command = [sys.executable, "-c", STRANGER.format(address=nodes.address)]
    said = subprocess.run(command, env=env | mode | given, capture_output=True, text=True, timeout=60)
    assert said.returncode != 0 and "let in" not in said.stdout and "uthenticat" in said.stderr


@pytest.mark.ray
def test_a_run_outlives_its_broker_with_the_same_bits(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    assert manager.places.cluster
    short = fresh(LONG.replace(epochs=6))
    run = manager.ask(RACE, short)
    until(lambda: run.updates > 1)
    steps = [run.result.step] if run.result else []
    manager.places.cluster.process.kill()
    until(lambda: manager.unreachable and run.status == WAITING)
    assert run.result and run.result.step >= steps[0]  # what it has stays in sight
    assert done(run, 120) == COMPLETE and not run.losses
    *_, expected = train_module(RACE).train(short)
    assert run.result and same(run.result, expected)


@pytest.mark.ray
def test_a_run_outlives_its_node(nodes: Any, manager: Manager) -> None:
    until(lambda: not manager.unreachable and len(manager.places.cluster.nodes) == 2)  # type: ignore[union-attr]
    both = [manager.ask(RACE, fresh(LONG.replace(epochs=40))) for _ in range(2)]
    until(lambda: all(run.updates for run in both))
    nodes.kill(nodes.nodes.pop())
    assert [done(run, 240) for run in both] == [COMPLETE, COMPLETE]
    assert sum(run.losses for run in both) >= 1
    for run in both:
        *_, expected = train_module(RACE).train(run.params)
        assert run.result and same(run.result, expected)


@pytest.mark.ray
def test_the_broker_ends_with_the_server(manager: Manager) -> None:
    assert manager.places.cluster and limits.CHECKPOINT
    process = psutil.Process(manager.places.cluster.process.pid)
    manager.close()
    until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, 10)
