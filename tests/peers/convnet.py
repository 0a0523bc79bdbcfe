"""ConvNetJS (Karpathy, 2014) under Node, whose engine is that of a browser; the training is in `convnet.js`.

The folder with the installed package comes in the environment as CONVNETJS. The package has five of the rules (RMSProp
and Adagrad with ε under the root) and no recurrent layers; it computes in doubles, example by example. Its squared
error has a factor ½, which twice the rate makes up for (the adaptive rules do not mind).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.peers.works import Work, data, orders, weights

RULES = ("sgd", "momentum", "adagrad", "adadelta", "rmsprop")


@cache
def node() -> subprocess.Popen:
    script = Path(__file__).with_suffix(".js")
    return subprocess.Popen(["node", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(message: dict[str, Any]) -> Any:
    child = node()
    assert child.stdin and child.stdout
    child.stdin.write(json.dumps(message) + "\n")
    child.stdin.flush()
    return json.loads(child.stdout.readline())


def cpu_seconds() -> float:
    return ask({"do": "seconds"})


def prepare(work: Work, seeds: int, epochs: int) -> Callable[[], np.ndarray]:
    assert os.environ["CONVNETJS"]
    x, y = data(work)
    number = ask(
        {
            "do": "prepare",
            "kind": work.kind,
            "sizes": work.sizes,
            "batch": work.batch,
            "contenders": [asdict(c) for c in work.contenders],
            "x": x.reshape(len(x), -1).tolist(),
            "y": y.ravel().tolist(),
            "orders": orders(work, seeds, epochs).reshape(seeds, epochs, -1).tolist(),
            "weights": weights(work, seeds).tolist(),
        }
    )
    return lambda: np.array(ask({"do": "train", "prepared": number}))
