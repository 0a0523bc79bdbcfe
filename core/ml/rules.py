"""The optimizers a reader can choose, with their settings and bounds. No torch: the updates are in `optimizers.py`."""

from __future__ import annotations

from dataclasses import dataclass

from core.params import BaseParams, choice, number

RULES = (
    "sgd",
    "momentum",
    "nesterov",
    "adagrad",
    "adadelta",
    "rmsprop",
    "adam",
    "adamw",
    "nadam",
    "radam",
    "amsgrad",
)
ADAM_LIKE = ("adam", "adamw", "nadam", "radam", "amsgrad")

# PyTorch's default rates; SGD and its relatives have none that fits all, 0.01 is the customary first try.
DEFAULT_LR = {"sgd": 0.01, "momentum": 0.01, "nesterov": 0.01, "adagrad": 0.01, "adadelta": 1.0, "rmsprop": 0.01}
DEFAULT_LR |= dict.fromkeys(ADAM_LIKE, 0.001)


@dataclass(frozen=True)
class Contender(BaseParams):
    """An optimizer with its settings, named as in torch.optim; `l2` is its coupled `weight_decay`."""

    rule: str = choice("adam", RULES)
    lr: float = number(0.001, 1e-7, 100.0, log=True)
    momentum: float = number(0.9, 0.0, 0.999, applies=lambda c: c.rule in ("momentum", "nesterov"))
    beta1: float = number(0.9, 0.0, 0.999, applies=lambda c: c.rule in ADAM_LIKE)
    beta2: float = number(0.999, 0.0, 0.99999, applies=lambda c: c.rule in ADAM_LIKE)
    alpha: float = number(0.99, 0.0, 0.9999, applies=lambda c: c.rule == "rmsprop")
    rho: float = number(0.9, 0.0, 0.9999, applies=lambda c: c.rule == "adadelta")
    eps: float = number(1e-8, 1e-12, 1.0, log=True, applies=lambda c: c.rule in (*ADAM_LIKE, "rmsprop"))
    weight_decay: float = number(0.01, 0.0, 10.0, applies=lambda c: c.rule == "adamw")
    l2: float = number(0.0, 0.0, 10.0, applies=lambda c: c.rule != "adamw")
