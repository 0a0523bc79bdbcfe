"""The way to a Ray cluster: a process beside the server, which itself never imports ray.

The server has a pipe to this process, on which it hears:
    ("at", address)        where lines are answered
    ("nodes", nodes)       what the cluster has, every BEAT
    ("engine", engine)     what a step costs there, once warm
    ("trouble", reason)    the cluster cannot be used; the process ends
and a line, a connection to that address, for each run under way. Its first word is what a job takes of the cluster, or
which of the processes beside the training (BESIDE) it goes to; then come jobs, pickled. A job is a task of Ray
(core/runs/tasks.py) that streams the messages of core/runs/worker.py. They are passed on unread; beside them come:
    ("started",)           it has begun on a node: its time counts from here
    ("refused", code, detail)   it may not run there, or no further
    ("lost", reason)       its process or node went away
STOP on a line interrupts its task. Hanging up does so too, and kills the process that does not hear. Nothing is
tried again here: who asked knows what has been seen (core/runs/manager.py).
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import random
import socket
import threading
import time
from functools import cache
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from core.runs import tasks
from core.runs.engines import FUSED, Engine, wanted
from core.runs.worker import die_with_parent

log = logging.getLogger("lab.broker")
ROOT = Path(__file__).resolve().parents[2]
BEAT = 1.0  # seconds between looks at the cluster
PATIENCE = 1.0  # seconds in which an interrupted task must have ended, else its process is killed
REACH = 3.0  # seconds in which the head of the cluster must answer
STOP = b"stop"
LOOPBACK = ("127.0.0.1", "localhost")
SHARES: dict[str, dict[str, float]] = {"cpu": {"num_cpus": 1}, "cuda": {"num_cpus": 0, "num_gpus": 1}}
SIZES = {"cpus": "CPU", "gpus": "GPU", "memory": "memory"}
MOMENT: dict[str, float] = {"num_cpus": 0}  # the share of what takes a moment, and waits for no run
BESIDE = ("questions", "moments")  # what takes a moment has a process for each of these on every node
Beside = dict[str, dict[str, Any]]  # of BESIDE: node → actor


def serve(pipe: Connection, address: str, source: Path) -> None:
    """The life of the broker. source: the folder whose core/ travels to the nodes."""
    die_with_parent()
    try:
        _join(address, source)
    except Exception as error:  # whatever Ray says, it is for whoever runs the server to read
        pipe.send(("trouble", f"{type(error).__name__}: {error}"))
        return
    answerers: Beside = {kind: {} for kind in BESIDE}
    with Listener(backlog=64, authkey=multiprocessing.current_process().authkey) as listener:
        threading.Thread(target=_accept, args=(listener, answerers), daemon=True).start()
        pipe.send(("at", listener.address))
        with contextlib.suppress(EOFError, OSError):
            _watch(pipe, answerers)


def _join(address: str, source: Path) -> None:
    """Become a driver of the cluster."""
    host, _, port = address.rpartition(":")
    if port.isdigit():  # ray itself would try for minutes
        socket.create_connection((host, int(port)), REACH).close()
    if host in LOOPBACK:  # else ray looks for the cluster at this machine's outer address, where it does not listen
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES"] = ""  # it would warn of each; ours are stricter
    import ray

    settings = {name: os.environ[name] for name in ("LAB_FUSED", "LAB_KERNELS") if name in os.environ}
    settings["RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES"] = "1"  # a warm process may get another GPU than before
    ray.init(
        address=address,
        namespace="lab",
        log_to_driver=False,
        logging_level=logging.WARNING,
        runtime_env={
            "working_dir": str(source),
            "excludes": ["*", "!.", "!core", "!core/**", "__pycache__"],
            "env_vars": settings,
        },
    )


def _watch(pipe: Connection, answerers: Beside) -> None:
    """Tell what the cluster has, and warm what is new there, until the server is gone."""
    import ray

    here = ray.get_runtime_context().get_node_id()
    warming: dict[Any, str] = {}  # a task under way → its node
    known: set[str] = set()
    built: set[str] = set()  # nodes that have the fused kernel
    troubles: dict[str, str] = {}
    while True:
        said = ray.nodes()
        if not _answers(here, said):  # the cluster takes its time to notice; a new broker gets another node at once
            pipe.send(("trouble", "the node by which the server belongs to the cluster went away"))
            return
        nodes = _nodes(said)
        cold = {node["id"] for node in nodes} - (known - set(warming.values()))
        pipe.send(("nodes", [n | {"trouble": troubles.get(n["id"], ""), "warm": n["id"] not in cold} for n in nodes]))
        if pipe.poll(BEAT):
            return
        # only now, so that after a restart the runs that wait come first
        for there in answerers.values():
            for gone in set(there) - {node["id"] for node in nodes}:
                del there[gone]
        for node in nodes:
            if node["id"] not in known and (node["cpus"] or node["gpus"]):
                known.add(node["id"])
                started, actors = _warm_up(node)
                for kind, actor in zip(BESIDE, actors):
                    answerers[kind][node["id"]] = actor
                warming |= dict.fromkeys(started, node["id"])
        for task in ray.wait(list(warming), num_returns=len(warming), timeout=0)[0] if warming else []:
            name = warming.pop(task)
            try:
                engine: Engine = ray.get(task)
            except ray.exceptions.RayError as error:
                troubles[name] = str(error).strip().splitlines()[-1]
                log.warning("a node could not be made warm: %s", error)
                continue
            if engine.device == FUSED:
                built.add(name)
            if engine.device != FUSED or built >= set(answerers[BESIDE[0]]):
                pipe.send(("engine", engine))


def _answers(name: str, said: list[dict[str, Any]]) -> bool:
    """Whether the node of this name is there, whatever is said of it."""
    found = [(node["NodeManagerAddress"], node["NodeManagerPort"]) for node in said if node["NodeID"] == name]
    try:
        socket.create_connection(found[0], REACH).close()
    except (OSError, IndexError):
        return False
    return True


def _nodes(said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The nodes that are alive: CPUs and GPUs in whole numbers, memory in bytes."""
    found = []
    for node in said:
        has = node["Resources"]
        if node["Alive"]:
            kind = next((name.split(":")[1] for name in has if name.startswith("accelerator_type:")), "")
            counts = {name: int(has.get(key, 0)) for name, key in SIZES.items()}
            found.append({"id": node["NodeID"], "kind": kind} | counts)
    return found


def _warm_up(node: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Start what a first run on this node would wait for: a process per place, and the kernel. The tasks that give
    their Engines, and the actors of BESIDE here."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = {"scheduling_strategy": NodeAffinitySchedulingStrategy(node["id"], soft=False)}
    places = ["cpu"] * node["cpus"] + ["cuda"] * node["gpus"]
    started = [_remote(tasks.warm).options(**SHARES[d], **here, max_retries=0).remote(d) for d in places]
    actors = [_remote(tasks.Answerer).options(**MOMENT, **here, max_restarts=-1).remote() for _ in BESIDE]
    for actor in actors:
        actor.prepare.remote(*started)  # not in the constructor: begun anew it could not have what it waits for
    if wanted():
        started.append(_remote(tasks.compile_kernel).options(**MOMENT, **here, max_retries=0).remote(*started))
    return started, actors


@cache
def _remote(what: Any) -> Any:
    """As a task or actor of Ray; once, as each time sends the code to the cluster."""
    import ray

    return ray.remote(what)


# Lines


def _accept(listener: Listener, answerers: Beside) -> None:
    while True:
        with contextlib.suppress(OSError, EOFError, AuthenticationError):
            threading.Thread(target=_answer, args=(listener.accept(), answerers), daemon=True).start()


def _answer(line: Connection, answerers: Beside) -> None:
    """One line: its jobs one after the other, until it hangs up."""
    import ray

    actor = stream = None
    try:
        share = line.recv()
        while True:
            said = line.recv_bytes()
            if said == STOP:
                ray.cancel(stream, force=False)
                continue
            line.send(("taken",))
            if isinstance(share, str):
                while not answerers[share]:  # no node is there just now
                    time.sleep(BEAT)
                actor = random.choice(list(answerers[share].values()))
                stream = actor.carry_out.options(num_returns="streaming").remote(said)
            else:
                task = _remote(tasks.carry_out).options(**share, num_returns="streaming", max_retries=0)
                stream = task.remote(said)
            threading.Thread(target=_pass_on, args=(stream, line), daemon=True).start()
    except (EOFError, OSError, IndexError):  # hung up, or the last node just went
        line.close()
    if stream is not None:
        ray.cancel(stream, force=False)
        if not ray.wait([stream.completed()], timeout=PATIENCE)[0]:
            ray.kill(actor, no_restart=False) if actor else ray.cancel(stream, force=True)


def _pass_on(stream: Any, line: Connection) -> None:
    """What a task says, until it ends; how it ended if it cannot say so itself."""
    import ray
    from ray.exceptions import LocalRayletDiedError, OutOfMemoryError, RayError, RayTaskError, TaskCancelledError

    said: tuple[Any, ...]
    try:
        for message in stream:
            line.send_bytes(ray.get(message))
        return
    except OSError:  # hung up
        return
    except LocalRayletDiedError:  # the node by which this process belongs to the cluster: begin anew by another
        os._exit(4)
    except TaskCancelledError:
        said = "done", "stopped", None, None
    except OutOfMemoryError:
        said = "refused", "too_much_memory", ""
    except RayTaskError as error:
        said = "failed", str(error.cause), str(error)
    except RayError as error:
        said = "lost", f"{type(error).__name__}: {error}"
    with contextlib.suppress(OSError):
        line.send(said)
