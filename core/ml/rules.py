"""The optimizers a reader can choose, with their settings and bounds. No torch: the updates are in `optimizers.py`."""

from __future__ import annotations

from dataclasses import dataclass

from core.concept.params import BaseParams, choice, flag, number

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
    "lion",
)
ADAM_LIKE = ("adam", "adamw", "nadam", "radam", "amsgrad")
CORRECTED = ("adam", "adamw", "amsgrad")  # those whose bias correction can be switched off

# PyTorch's default rates; SGD and its relatives have none that fits all, 0.01 is the customary first try.
DEFAULT_LR = {"sgd": 0.01, "momentum": 0.01, "nesterov": 0.01, "adagrad": 0.01, "adadelta": 1.0, "rmsprop": 0.01}
DEFAULT_LR |= dict.fromkeys(ADAM_LIKE, 0.001) | {"lion": 0.0001}


@dataclass(frozen=True)
class Contender(BaseParams):
    """An optimizer with its settings, named as in torch.optim; `l2` is its coupled `weight_decay`, `correction` the
    division of both averages by 1 − βᵗ, which torch always does."""

    rule: str = choice("adam", RULES)
    lr: float = number(0.001, 1e-7, 100.0, log=True)
    momentum: float = number(0.9, 0.0, 0.999, applies=lambda c: c.rule in ("momentum", "nesterov"))
    beta1: float = number(0.9, 0.0, 0.999, applies=lambda c: c.rule in (*ADAM_LIKE, "lion"))
    beta2: float = number(0.999, 0.0, 0.99999, applies=lambda c: c.rule in (*ADAM_LIKE, "lion"))
    correction: bool = flag(True, applies=lambda c: c.rule in CORRECTED)
    alpha: float = number(0.99, 0.0, 0.9999, applies=lambda c: c.rule == "rmsprop")
    rho: float = number(0.9, 0.0, 0.9999, applies=lambda c: c.rule == "adadelta")
    eps: float = number(1e-8, 1e-12, 1.0, log=True, applies=lambda c: c.rule in (*ADAM_LIKE, "rmsprop"))
    weight_decay: float = number(0.01, 0.0, 10.0, applies=lambda c: c.rule == "adamw")
    l2: float = number(0.0, 0.0, 10.0, applies=lambda c: c.rule != "adamw")


def usual(rule: str, lr: float | None = None) -> Contender:
    """A rule with its customary settings: those of torch.optim, for Lion those of its authors."""
    beta2 = 0.99 if rule == "lion" else 0.999
    return Contender(rule=rule, lr=DEFAULT_LR[rule] if lr is None else lr, beta2=beta2)
