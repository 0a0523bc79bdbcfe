"""scikit-learn's perceptrons as its users train them: one `fit` per model. It has four of the rules, draws weights and
batches itself, its losses are means over an epoch, not after it, and its squared error has a factor ½."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from core.ml.rules import Contender
from tests.peers.works import Work, data

RULES = ("sgd", "momentum", "nesterov", "adam")

warnings.simplefilter("ignore", ConvergenceWarning)  # a given number of epochs never "converges"


def prepare(work: Work, seeds: int, epochs: int) -> Callable[[], np.ndarray]:
    x, y = data(work)
    kind, activation = (MLPRegressor, "tanh") if work.kind == "points" else (MLPClassifier, "relu")

    half = work.kind == "points"

    def train(c: Contender, seed: int) -> list[float]:
        model = kind(
            hidden_layer_sizes=work.sizes[1:-1],
            activation=activation,
            solver="adam" if c.rule == "adam" else "sgd",
            alpha=0,
            batch_size=work.batch,
            learning_rate_init=2 * c.lr if half and c.rule != "adam" else c.lr,
            max_iter=epochs,
            momentum=0.0 if c.rule == "sgd" else c.momentum,
            nesterovs_momentum=c.rule == "nesterov",
            tol=0,
            n_iter_no_change=10**6,
            random_state=seed,
        )
        model.fit(x, y.ravel())
        return [np.nan, *model.loss_curve_]

    return lambda: np.array([train(c, s) for c in work.contenders for s in range(seeds)])
