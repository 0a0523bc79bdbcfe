"""REINFORCE (Williams, 1992) on the pole with four baselines, from the same weights and on the same chance."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from core.concepts.reinforcement_learning.params import Params
from core.concepts.reinforcement_learning.pole.params import (
    BASELINES,
    FIXED,
    LONGEST,
    PLAYERS,
    SAMPLES,
    Balance,
    Pushes,
    Result,
)
from core.concepts.reinforcement_learning.worlds import pole_step
from core.ml.random import stream
from core.ml.recording import Recording, schedule

DISCOUNT = 0.99
BETA1, BETA2, EPS = 0.9, 0.999, 1e-8  # of Adam (Kingma and Ba, 2015)
SOFT = 2.0  # the fixed policy follows the rule with probability σ(SOFT · its margin)
FIRM = 1e4  # the player does always
RIDGE = 1e-3
RULE = np.array([0.0, 0.0, 2.0, 1.0, 0.0])  # push to where the pole falls: 2 · angle + its speed; the last is the bias


def train(params: Params, device: str = "cpu", chunk: int = 1) -> Generator[Result, None, dict]:
    """Results, each some updates fuller; in the end the policies [baselines, seeds, 5]."""
    seeds, batch = params.seeds, params.batch
    first = [0.1 * stream("policy", params.weight_seed + i).standard_normal(5) for i in range(seeds)]
    luck = [stream("pole", params.data_seed + i) for i in range(seeds)]
    frozen = np.repeat([0 * RULE, FIRM * RULE], seeds, 0)
    rows = np.concatenate([np.tile(first, (len(BASELINES), 1)), frozen])
    learners = len(BASELINES) * seeds
    m, v = np.zeros((learners, 5)), np.zeros((learners, 5))
    critic = np.zeros((seeds, 9))
    axes = {"player": len(PLAYERS), "seed": seeds, "tick": params.updates, "episode": batch}
    record = Recording(
        Result, params, params.updates, axes | {"baseline": len(BASELINES), "fixed": len(FIXED)},
        tick=1 + np.arange(params.updates),
    )  # fmt: skip
    for moment in schedule(params.updates, chunk):
        for step in moment.steps:
            states, right, alive = played(rows, *drawn(luck, batch, len(PLAYERS)))
            returns = discounted(alive[:, :learners])
            better = less_baseline(returns, states[:, :, :learners], alive[:, :learners], critic)
            g = gradients(rows[:learners], states[:, :, :learners], right[:, :learners], better).mean(-1)
            m, v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g**2
            ahead = m / (1 - BETA1 ** (step + 1)) / (np.sqrt(v / (1 - BETA2 ** (step + 1))) + EPS)
            rows[:learners] += params.lr * ahead
            which = slice(*(seeds * (BASELINES.index("state") + k) for k in (0, 1)))
            critic = fitted_critic(states[:, :, which], returns[:, which], alive[:, which])
            record.append("tick", reward=alive.sum(0))
        if moment.last:
            for policy in (0 * RULE, SOFT * RULE):
                record.append("fixed", **at_fixed(policy, luck, batch))
        yield record.result(moment.step)
    return {"weights": rows[:learners].reshape(len(BASELINES), seeds, 5)}


def drawn(luck: list[np.random.Generator], count: int, copies: int) -> tuple[np.ndarray, np.ndarray]:
    """First states [4, copies × seeds, count], as CartPole-v1 draws them, and uniform numbers for the pushes [step,
    copies × seeds, count]: the same for all copies."""
    start = np.stack([rng.uniform(-0.05, 0.05, (4, count)) for rng in luck], 1)
    draws = np.stack([rng.random((LONGEST, count)) for rng in luck], 1)
    return np.tile(start, (1, copies, 1)), np.tile(draws, (1, copies, 1))


def probability(rows: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Of a push to the right by policies [m, 5] in states [4, m, …]."""
    w = rows.T.reshape(5, len(rows), *[1] * (states.ndim - 2))
    return 1 / (
        1 + np.exp(-np.clip(w[0] * states[0] + w[1] * states[1] + w[2] * states[2] + w[3] * states[3] + w[4], -50, 50))
    )


def played(rows: np.ndarray, start: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Episodes of policies [m, 5] from first states [4, m, n]: states [step, 4, m, n], whether the push went to the
    right and whether the pole still stood, [step, m, n] each, up to the longest."""
    steps = len(draws)
    states, right = np.zeros((steps, *start.shape)), np.zeros(draws.shape, bool)
    alive, now, going = np.zeros(draws.shape, bool), start, np.ones(draws.shape[1:], bool)
    for t in range(steps):
        right[t] = draws[t] < probability(rows, now)
        states[t], alive[t] = now, going
        now, fallen = pole_step(now, right[t])
        going = going & ~fallen
        now = np.where(going, now, 0)
        if not going.any():
            return states[: t + 1], right[: t + 1], alive[: t + 1]
    return states, right, alive


def discounted(alive: np.ndarray) -> np.ndarray:
    """What every push is followed by, its own step included, discounted: [step, m, n]. The limit of 500 steps counts
    as the end here, as nothing is known of what would come behind it."""
    found = np.zeros(alive.shape)
    after = np.zeros(alive.shape[1:])
    for t in reversed(range(len(alive))):
        after = found[t] = alive[t] * (1 + DISCOUNT * after)
    return found


def seen(states: np.ndarray) -> np.ndarray:
    """What the critic sees of states [step, 4, m, n]: 1, the four numbers and their squares, [step, 9, m, n]."""
    return np.concatenate([np.ones_like(states[:, :1]), states, states**2], 1)


def fitted_critic(states: np.ndarray, returns: np.ndarray, alive: np.ndarray) -> np.ndarray:
    """Least squares of the returns by what is seen of the states, for each of m: [m, 9]."""
    x = seen(states) * alive[:, None]
    flat = x.transpose(2, 1, 0, 3).reshape(x.shape[2], 9, -1)
    y = returns.transpose(1, 0, 2).reshape(x.shape[2], -1, 1)
    return np.linalg.solve(flat @ flat.transpose(0, 2, 1) + RIDGE * np.eye(9), flat @ y)[..., 0]


def less_baseline(returns: np.ndarray, states: np.ndarray, alive: np.ndarray, critic: np.ndarray) -> np.ndarray:
    """Returns [step, baselines × m, n] less the baseline of each: none; the mean at the same step of the other
    episodes, of which no push of this one is a cause; what a critic, fitted to the update before, expects of the state;
    and, a mistake, the mean inside the same episode."""
    none, others, state, inside = np.split(returns, len(BASELINES), 1)
    count = others.shape[-1]
    others = others - (others.sum(-1, keepdims=True) - others) / (count - 1)
    expected = np.einsum("tfmn,mf->tmn", seen(np.split(states, len(BASELINES), 2)[2]), critic)
    steps = np.split(alive, len(BASELINES), 1)[3].sum(0)
    inside = inside - inside.sum(0) / np.maximum(steps, 1)
    return np.concatenate([none, others, state - expected, inside], 1) * alive


def gradients(rows: np.ndarray, states: np.ndarray, right: np.ndarray, better: np.ndarray) -> np.ndarray:
    """Σ ∇ log π · better over the steps of every episode, by the weights of policies [m, 5]: [m, 5, n]. For the
    logistic function ∇ log π is (push − probability) · (state, 1)."""
    pull = (right - probability(rows, states.swapaxes(0, 1).swapaxes(1, 2)).swapaxes(0, 1)) * better
    return np.concatenate([np.einsum("tfmn,tmn->mfn", states, pull), pull.sum(0)[:, None]], 1)


def at_fixed(policy: np.ndarray, luck: list[np.random.Generator], batch: int) -> dict[str, np.ndarray]:
    """Noise and direction of the gradients of all baselines from the same episodes of one policy: see Result."""
    seeds, copies = len(luck), len(BASELINES)
    rows = np.tile(policy, (seeds, 1))
    fit = played(rows, *drawn(luck, batch, 1))
    critic = fitted_critic(fit[0], discounted(fit[2]), fit[2])
    states, right, alive = played(rows, *drawn(luck, SAMPLES * batch, 1))
    found = np.zeros((SAMPLES, copies, seeds, 5))
    for k in range(SAMPLES):
        part = slice(k * batch, (k + 1) * batch)
        one, push, stood = states[..., part], right[..., part], alive[..., part]
        returns = np.tile(discounted(stood), (1, copies, 1))
        repeated = np.tile(one, (1, 1, copies, 1))
        better = less_baseline(returns, repeated, np.tile(stood, (1, copies, 1)), critic)
        g = gradients(np.tile(rows, (copies, 1)), repeated, np.tile(push, (1, copies, 1)), better).mean(-1)
        found[k] = g.reshape(copies, seeds, 5)
    mean = found.mean(0)
    reference = mean[BASELINES.index("others")]
    length = (reference**2).sum(-1)
    return {"noise": found.var(0, ddof=1).sum(-1) / length, "along": (mean * reference).sum(-1) / length}


def answer(params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Pushes) -> Balance:
    """A reader's pushes from one of the starts, and the players of the first seed from the same start."""
    assert state is not None
    rows = np.concatenate([state["weights"][:, 0], [0 * RULE, FIRM * RULE]])
    luck = [stream("balance", question.start)]
    start, draws = drawn(luck, 1, len(rows))
    path, fallen = [start[:, 0, 0]], False
    for push in question.pushes:
        after, down = pole_step(path[-1], np.array(push == "r"))
        path.append(after)
        fallen = bool(down)
        if fallen:
            break
    steps = played(rows, start, draws)[2].sum(0)[:, 0]
    now = np.repeat(path[-1][:, None], len(rows), 1)
    found: dict[str, Any] = {"path": np.array(path, np.float32), "fallen": int(fallen), "steps": steps}
    return Balance(question, 1, 1, right=probability(rows, now).astype(np.float32), **found)
