"""All paths of a small case, and how often the likeliest of them says something else than the likeliest text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator

import numpy as np
import torch

from core.concepts.ctc.lattice import summed
from core.concepts.ctc.params import Params
from core.concepts.ctc.paths.params import CASES, FRAMES, LETTERS, WIDTHS, Result
from core.concepts.ctc.reading import beam, every_path, said_by
from core.ml.random import stream
from core.ml.recording import Recording, schedule


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, None]:
    """Results, each with random cases of more frames."""
    p = np.array(params.chances)
    total = p.sum(1, keepdims=True)
    p = np.where(total > 0, p / np.where(total > 0, total, 1), 1 / 3)[:, [1, 2, 0]]
    path, chance = every_path(p)
    order = np.argsort(-chance, kind="stable")
    text = torch.tensor([[LETTERS.index(letter) for letter in params.text]], dtype=torch.long)
    log_p = summed(torch.as_tensor(p).log()[None], text).log_p.numpy()[0]
    about = {"p": p.astype(np.float32), "path": path[order], "chance": chance[order], "log_p": np.array(log_p)}
    sizes = {"seed": params.seeds, "frames": len(FRAMES), "width": len(WIDTHS)}
    record = Recording(Result, params, len(FRAMES), sizes, **about)
    lucks = [stream("random chances", params.data_seed + i) for i in range(params.seeds)]
    for moment in schedule(len(FRAMES), chunk):
        for step in moment.steps:
            found = np.array([compared(luck.dirichlet(np.ones(3), (CASES, FRAMES[step]))) for luck in lucks])
            record.append("frames", differs=found[:, 0], misses=found[:, 1:].T)
        yield record.result(moment.step)


def texts_of(path: np.ndarray, chance: np.ndarray) -> dict[tuple[int, ...], float]:
    """The probability of every text."""
    found: dict[tuple[int, ...], float] = defaultdict(float)
    for row, share in zip(path.tolist(), chance.tolist()):
        found[said_by(row, len(LETTERS))] += share
    return found


def compared(cases: np.ndarray) -> list[float]:
    """Of probabilities [case, frame, symbol] the share in which the likeliest path, and each beam, says another text
    than the likeliest."""
    wrong = []
    for p in cases:
        path, chance = every_path(p)
        texts = texts_of(path, chance)
        best = max(texts, key=lambda text: texts[text])
        found = [said_by(path[chance.argmax()].tolist(), len(LETTERS))]
        found += [next(iter(beam(p, width))) for width in WIDTHS]
        wrong.append([text != best for text in found])
    return list(np.mean(wrong, 0))
