"""Which knob moves which bar: every move from where the game stands, all as one population."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.error_analysis.knobs.params import Result, setups
from core.concepts.error_analysis.networks import Game, lowest, moments, played
from core.concepts.error_analysis.params import Params
from core.ml.population import Stacked
from core.ml.recording import Recording


def train(
    params: Params, device: str = "cpu", chunk: int = 100, population: Any = Stacked
) -> Generator[Result, None, dict]:
    """Results, each fuller than the last; in the end the weights [seeds, copies, D] of every row."""
    game = Game(params, setups(params), population, device)
    ticks = moments(game.total)
    axes = {"knob": len(game.setups), "seed": params.seeds, "bar": 4}
    record = Recording(Result, params, game.total, axes, tick=ticks, bayes=lowest(params).astype(np.float32))
    yield from played(game, record, chunk, ticks)
    yield record.result(game.total)
    return game.state()
