"""Penalties on a table whose target is a number: what comes back, what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.concept.parts import Cost
from core.concept.result import BaseResult, array
from core.concepts.regularization.params import BOUNDARY, LOOKS, NETS, POINTS, Params, columns

WITHOUT = (*BOUNDARY, *POINTS, *LOOKS, *NETS, "weight_seed")
METHODS = ("ridge", "lasso", "elastic", "gradient", "sgd", "adam")
PENALTIES = tuple(10.0 ** (k / 5) for k in range(3, -18, -1))
WAYS = ("validation", "folds", "fresh")  # by which a penalty is chosen; the last one is what nobody has
SHARES = (0.25, 0.15, 0.6)  # of the rows: to fit, to choose by, fresh


@dataclass(frozen=True)
class Result(BaseResult):
    """Linear models under every penalty. Columns and target are standardised by the rows that are fitted; errors are
    mean squares, in variances of the target."""

    penalty: np.ndarray = array("penalty", dtype="float64")
    # When all steps are done
    coefficient: np.ndarray = array("method seed end+ penalty column", dtype="float64")
    error: np.ndarray = array("method seed end+ penalty", dtype="float64")  # on fresh rows
    # By the spread of the data in a direction: the share of least squares that ridge keeps there, and so many steps of
    # gradient descent, of the widest direction and the narrowest one.
    kept: np.ndarray = array("filter seed end+ penalty direction", dtype="float64")
    stopped: np.ndarray = array("filter seed end+ penalty", dtype="float64")  # their errors on fresh rows
    chosen: np.ndarray = array("way seed end+", dtype="float64")  # penalties of ridge
    reached: np.ndarray = array("way seed end+", dtype="float64")  # error on fresh rows of what was chosen


def cost(params: Params) -> Cost:
    models = len(METHODS) * params.seeds * len(PENALTIES)
    return Cost(params.table_steps, 6.0 * models * columns(params) ** 2 + 1e5)
