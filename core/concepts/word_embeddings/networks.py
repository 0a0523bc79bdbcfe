"""Word vectors by skip-gram with negative sampling (Mikolov et al., 2013) and by counting, and how they are judged."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse.linalg import svds
from torch import Tensor
from torch.nn import functional

from core.concepts.word_embeddings.corpora import OFTEN
from core.ml.random import stream


def first_tables(words: int, dimension: int, seed: int) -> np.ndarray:
    """Input and output vectors [2, word, unit] as word2vec draws them: uniform in ±1/2d, and 0."""
    drawn = stream("word vectors", seed).random((words, dimension)) - 0.5
    return np.stack([drawn / dimension, np.zeros_like(drawn)]).astype(np.float32)


def noise_of(count: np.ndarray, power: float) -> np.ndarray:
    """Chances of the words as negatives: their frequencies to this power."""
    raised = np.maximum(count, 1e-9) ** power
    return raised / raised.sum()


def rows_of(tables: Tensor, which: int, words: Tensor) -> Tensor:
    """Rows of the input (0) or output (1) table of every member, [members, n, unit]: what one-hot rows times the table
    would give."""
    members, _, size, units = tables.shape
    first = size * (2 * torch.arange(members, device=words.device)[:, None] + which)
    return functional.embedding(words + first, tables.view(-1, units))


def skipgram_loss(tables: Tensor, pairs: Tensor, negatives: Tensor, k: int) -> Tensor:
    """−log σ(u·v) − k · mean of log σ(−u·n), mean over pairs: [members]. tables [members, 2, word, unit]; pairs
    [members, 2, n], word and context; negatives [members, m], the same for all pairs."""
    u, v, n = rows_of(tables, 0, pairs[:, 0]), rows_of(tables, 1, pairs[:, 1]), rows_of(tables, 1, negatives)
    beside = functional.logsigmoid((u * v).sum(-1)).mean(1)
    return -beside - k * functional.logsigmoid(-(u @ n.mT)).mean((1, 2))


class SkipGram:
    """A population in training by Adam. pairs: of every member, [2, n]. noise: [members, word]."""

    def __init__(self, tables: np.ndarray, pairs: list[np.ndarray], noise: np.ndarray, k: int, device: str):
        self.tables = torch.tensor(tables, device=device).requires_grad_()
        self.pairs, self.ends, self.k, self.device = pairs, noise.cumsum(1), k, device
        self.optimizer = torch.optim.Adam([self.tables], fused=True)  # number by number: members do not meet

    def learn(self, luck: np.ndarray, bad_luck: np.ndarray, lr: float) -> None:
        """One step; luck [members, n] and bad_luck [members, m] from 0 to 1 say which pairs and which negatives."""
        at = [(one * own.shape[1]).astype(np.int64) for one, own in zip(luck, self.pairs)]
        pairs = np.stack([own[:, i] for own, i in zip(self.pairs, at)]).astype(np.int64)
        drawn = np.stack([np.searchsorted(ends / ends[-1], one, "right") for ends, one in zip(self.ends, bad_luck)])
        batch, negatives = (torch.as_tensor(x, device=self.device) for x in (pairs, drawn))
        loss = skipgram_loss(self.tables, batch, negatives, self.k).sum()
        (self.tables.grad,) = torch.autograd.grad(loss, self.tables)
        self.optimizer.param_groups[0]["lr"] = lr
        self.optimizer.step()

    def found(self) -> np.ndarray:
        """Both tables [members, 2, word, unit]."""
        return self.tables.detach().cpu().numpy().copy()


def counts_of(pairs: np.ndarray, words: int) -> np.ndarray:
    """How often each word has each context, [word, context]."""
    return np.bincount(pairs[0].astype(np.int64) * words + pairs[1], minlength=words**2).reshape(words, words)


def shifted_pmi(counts: np.ndarray, noise: np.ndarray, k: int) -> np.ndarray:
    """log P(c | w) / q(c) − log k, with q the chances of negatives: the score u·v at which skip-gram has its minimum
    (Levy & Goldberg, 2014; with q = P(c) the first part is the PMI). −∞ where a pair never comes."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(counts / counts.sum(1, keepdims=True) / noise) - np.log(k)


def decomposed(counts: np.ndarray, noise: np.ndarray, k: int, dimension: int) -> np.ndarray:
    """Vectors U √Σ and V √Σ [2, word, unit] from the singular value decomposition of the positive part of the shifted
    PMI (Levy & Goldberg, 2014); units beyond its rank are 0."""
    positive = np.nan_to_num(shifted_pmi(counts, noise, k), nan=0.0, neginf=0.0).clip(0)
    kept = min(dimension, len(counts) - 1)
    u, s, v = svds(positive, kept, v0=np.ones(len(counts)))
    largest = u[np.abs(u).argmax(0), np.arange(kept)]  # signs are anyone's: this one is positive
    found = np.zeros((2, len(counts), dimension), np.float32)
    found[:, :, :kept] = (np.stack([u, v.T]) * np.where(largest < 0, -1, 1) * np.sqrt(s))[:, :, ::-1]
    return found


def unit(vectors: np.ndarray) -> np.ndarray:
    """Every vector [..., unit] over its length; one of no length stays."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def nearest(closeness: np.ndarray, n: int) -> np.ndarray:
    """The n largest of every row, the largest first."""
    return np.argsort(-closeness, axis=-1, kind="stable")[..., :n]


def of_one_kind(cosines: np.ndarray, kinds: np.ndarray) -> float:
    """Share of words [n] whose nearest other word is of their kind; NaN where there is only one kind."""
    others = np.where(np.eye(len(kinds), dtype=bool), -np.inf, cosines)
    return float((kinds[others.argmax(1)] == kinds).mean()) if len(set(kinds)) > 1 else float("nan")


def on_map(vectors: np.ndarray, before: np.ndarray | None) -> np.ndarray:
    """Vectors [n, unit] in the plane of their two first principal components, [n, 2], turned and mirrored to lie as
    close as they can to where they were `before` (Schönemann, 1966)."""
    u, s, _ = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    places = u[:, :2] * s[:2]
    if before is None:
        return places
    left, _, right = np.linalg.svd(places.T @ before)
    return places @ left @ right


def solved(units: np.ndarray, questions: np.ndarray) -> np.ndarray:
    """Share of “a is to b as c is to d” [n, 4] that come out in every way of WAYS, by unit vectors; NaN where there are
    none."""
    a, b, c, d = questions.T
    found = []
    for wanted, allowed in (
        (units[b] - units[a] + units[c], False),
        (units[b] + units[c], False),
        (units[c], False),
        (units[b] - units[a] + units[c], True),
    ):
        cosines = wanted @ units.T
        if not allowed:
            np.put_along_axis(cosines, questions[:, :3], -np.inf, 1)
        found.append((cosines.argmax(1) == d).mean() if len(d) else np.nan)
    return np.array(found)


def against_pmi(both: np.ndarray, wanted: np.ndarray, often: np.ndarray, noise: np.ndarray) -> dict[str, float]:
    """Scores u·v of vectors [2, word, unit] against the shifted PMI `wanted`, over all pairs that come OFTEN:
    correlation, root mean square of the difference, and its slope on the logarithm of q(c)."""
    word, context = np.nonzero(often >= OFTEN)
    if len(set(context)) < 2:
        return dict.fromkeys(("follows", "off", "tilt"), np.nan)
    score, right = (both[0] @ both[1].T)[word, context].astype(float), wanted[word, context]
    frequency = np.log(noise[context]) - np.log(noise[context]).mean()
    tilt = ((score - right) * frequency).sum() / (frequency**2).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        follows = np.corrcoef(score, right)[0, 1]
    return {"follows": follows, "off": np.sqrt(np.square(score - right).mean()), "tilt": tilt}
