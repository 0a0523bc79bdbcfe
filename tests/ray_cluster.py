"""A small Ray cluster on this machine, for tests: a head and further nodes with one place each, on loopback, behind a
token of its own. It leaves alone whatever other cluster runs here."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

import psutil

STORE = 100 * 2**20  # bytes of Ray's object store on each node


class Nodes:
    """The cluster, until `close`. Sets this process's environment for it, except for RAY_ADDRESS."""

    def __init__(self, nodes: int = 1, head_cpus: int = 1):
        self.folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short: there are sockets in it
        (self.folder / "token").write_text(secrets.token_hex(32))
        wanted = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.folder / "token"),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_health_check_period_ms": "1000",  # a lost node is noticed in 5 s instead of 15
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's way to say: stay on loopback
        }
        self._before = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        import ray._private.utils
        from ray._private.authentication_test_utils import reset_auth_token_state
        from ray.cluster_utils import Cluster

        reset_auth_token_state()  # ray may have been imported before

        ray._private.utils.write_ray_address = lambda *_: None  # what `ray` commands of others would find
        self.cluster = Cluster()
        self.nodes = [self.add(head_cpus)] + [self.add() for _ in range(nodes - 1)]
        self.address = self.cluster.address

    def add(self, cpus: int = 1) -> Any:
        return self.cluster.add_node(
            num_cpus=cpus,
            object_store_memory=STORE,
            include_dashboard=False,
            node_ip_address="127.0.0.1",
            temp_dir=str(self.folder / "r"),
        )

    def kill(self, node: Any) -> None:
        """As when the power goes: every process of a node at once."""
        self.cluster.remove_node(node, allow_graceful=False)

    def workers(self) -> list[psutil.Process]:
        """The processes that carry out runs, the one with the most processor time first."""
        found: dict[psutil.Process, float] = {}
        for node in (self.cluster.head_node, *self.cluster.worker_nodes):
            for process in psutil.Process(raylet(node)).children():
                with contextlib.suppress(psutil.Error):
                    if process.cmdline()[:1] and process.cmdline()[0] in ("ray::carry_out", "ray::IDLE"):
                        found[process] = sum(process.cpu_times()[:2])
        return sorted(found, key=found.__getitem__, reverse=True)

    def close(self) -> None:
        for node in (*self.cluster.worker_nodes, self.cluster.head_node):
            self.kill(node)
        for name, value in self._before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        shutil.rmtree(self.folder, ignore_errors=True)


def raylet(node: Any) -> int:
    """The process id of a node's raylet."""
    return node.all_processes["raylet"][0].process.pid
