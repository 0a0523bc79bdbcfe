"""Reinforcement learning against gymnasium, dynamic programming, autograd and brute force."""

from __future__ import annotations

from functools import cache
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

from core.concept.catalog import LANGUAGES
from core.concept.parts import Experiment, load, train_module
from core.concepts.reinforcement_learning import claims, figures
from core.concepts.reinforcement_learning.cliff.params import BESIDE, LEARNERS
from core.concepts.reinforcement_learning.cliff.params import LONGEST as TRIP
from core.concepts.reinforcement_learning.cliff.params import Result as Trips
from core.concepts.reinforcement_learning.cliff.train import beside
from core.concepts.reinforcement_learning.game import board
from core.concepts.reinforcement_learning.game.params import PLAYERS as GAMERS
from core.concepts.reinforcement_learning.game.params import Moves
from core.concepts.reinforcement_learning.game.params import Result as Games
from core.concepts.reinforcement_learning.params import CELLS, HIGH, LETTERS, TINY, WAYS, WIDE, Params, Result
from core.concepts.reinforcement_learning.pole.params import BASELINES, LONGEST, PLAYERS, SAMPLES, SOLVED, Pushes
from core.concepts.reinforcement_learning.pole.params import Result as Poles
from core.concepts.reinforcement_learning.pole.train import (
    FIRM,
    RULE,
    discounted,
    drawn,
    gradients,
    less_baseline,
    played,
)
from core.concepts.reinforcement_learning.train import learn
from core.concepts.reinforcement_learning.worlds import (
    CLIFF_START,
    by_rule,
    cliff_step,
    distances,
    greedy,
    neighbours,
    pole_step,
    policy_values,
    start_and_goal,
    uniform,
    walker,
    walls_of,
)
from core.ml.random import stream
from core.takeaway.export import script
from tests.known import known

# That the texts repeat: threshold and length of a pole's episode, gradients at a fixed policy, trips, penalties
CONSTANTS = {SOLVED, LONGEST, TRIP, SAMPLES, 100, 20, 10, figures.BLOCK, claims.LATE, claims.TAIL, 0.01, 0.1, 3}


@cache
def last(name: str, params: Params) -> Any:
    *_, result = train_module(name).train(params)
    return result


def state_of(name: str, params: Params) -> tuple[Any, dict[str, np.ndarray]]:
    run, result = train_module(name).train(params), None
    while True:
        try:
            result = next(run)
        except StopIteration as end:
            return result, end.value


# Worlds


def test_the_cliff_steps_as_gymnasiums() -> None:
    env: Any = gymnasium.make("CliffWalking-v1").unwrapped
    rng = np.random.default_rng(0)
    state, env_state = np.full(1, CLIFF_START), env.reset(seed=0)[0]
    for _ in range(3000):
        assert state[0] == env_state
        move = int(rng.integers(4))
        after, gained, over = cliff_step(state, np.array([move]))
        env_state, reward, done, _, _ = env.step(move)
        assert (gained[0], over[0]) == (reward, done)
        state = after
        if done:
            state, env_state = np.full(1, CLIFF_START), env.reset()[0]


def test_poles_all_at_once_step_as_gymnasiums() -> None:
    """Ten poles beside each other, each against an environment of its own, to the end of its episode."""
    rng, env = np.random.default_rng(0), gymnasium.make("CartPole-v1")
    start, pushes = rng.uniform(-0.05, 0.05, (4, 10)), rng.random((200, 10)) < 0.5
    for i in range(10):
        env.reset(seed=i)
        env.unwrapped.state = start[:, i]  # type: ignore[attr-defined]
    together, fallen = [start], []
    for push in pushes:
        after, down = pole_step(together[-1], push)
        together.append(after)
        fallen.append(down)
    for i in range(10):
        env.reset(seed=i)
        env.unwrapped.state = start[:, i]  # type: ignore[attr-defined]
        for t in range(200):
            seen, reward, done, _, _ = env.step(int(pushes[t, i]))
            np.testing.assert_array_equal(seen, together[t + 1][:, i].astype(np.float32))
            assert (done, reward) == (fallen[t][i], 1)
            if done:
                break


def test_an_episode_of_the_pole_is_as_long_as_gymnasiums() -> None:
    start, draws = drawn([stream("test", 0)], 3, 2)
    _, right, alive = played(np.stack([0 * RULE, FIRM * RULE]), start, draws)
    env = gymnasium.make("CartPole-v1")
    for m in range(2):
        for n in range(3):
            env.reset(seed=0)
            env.unwrapped.state = start[:, m, n]  # type: ignore[attr-defined]
            steps, over = 0, False
            while not over:
                _, _, done, cut, _ = env.step(int(right[steps, m, n]))
                steps, over = steps + 1, done or cut
            assert steps == alive[:, m, n].sum()
    assert (alive[:, 1].sum(0) == LONGEST).all() and (alive[:, 0].sum(0) < 100).all()


# The grid


@pytest.mark.parametrize("walls", ["", LETTERS[14:40:12] + LETTERS[30:33]])
def test_grid_values_are_those_of_dynamic_programming(walls: str) -> None:
    params = Params(walls=walls, noise=0.4, gamma=0.8)
    start, goal = start_and_goal(params)
    to = neighbours(HIGH, WIDE, walls_of(params))
    for chance in (walker(params, to, goal), uniform(), by_rule(to, goal)):
        np.testing.assert_allclose(chance.sum(1), 1)
        values = np.zeros(CELLS)
        for _ in range(300):
            values = (chance * np.where(to == goal, 1, 0.8 * values[to])).sum(1)
            values[goal] = 0
        np.testing.assert_allclose(policy_values(chance, to, goal, 0.8), values, atol=1e-12)
    result = last("reinforcement_learning", params.replace(episodes=40, seeds=1))
    best = np.where(np.isfinite(result.away) & (result.away > 0), 0.8 ** (result.away - 1.0), 0)
    np.testing.assert_allclose(result.values[WAYS.index("planning"), 0, -1], best, rtol=1e-5)
    assert result.returned[WAYS.index("planning"), 0, -1] == pytest.approx(best[start], rel=1e-5)


def test_one_step_and_many_come_to_the_values_of_the_policy() -> None:
    params = Params(distance=3, noise=0.3, rate=0.1, episodes=150, seeds=2, gamma=0.8)
    result = last("reinforcement_learning", params)
    start, _ = start_and_goal(params)
    found = result.values[:3, :, -5:, start].mean((1, 2))
    np.testing.assert_allclose(found, result.truth[start], rtol=0.12)


def test_learning_is_the_rule_of_the_books() -> None:
    """A single straight episode of four moves, by hand; and one that was broken off."""
    params = Params(distance=4, rate=0.5, gamma=0.9, n=2, limit=10)
    path, length = np.array([[48], [49], [50], [51], [39]]), np.array([4])
    for n, expected in ((1, [0, 0, 0, 0.5]), (2, [0, 0, 0.45, 0.5]), (9, [0.3645, 0.405, 0.45, 0.5])):
        values = np.zeros((1, CELLS))
        learn(values, path, length, np.array([True]), n, params)
        np.testing.assert_allclose(values[0, path[:4, 0]], expected)
    for cut, expected in (("goes_on", 0.5 * 0.9**2), ("end", 0.0)):
        values = np.zeros((1, CELLS))
        values[0, 50] = 1
        learn(values, path[:3], np.array([2]), np.array([False]), 9, params.replace(cut=cut))
        assert values[0, 48] == pytest.approx(expected)


def test_arrows_go_to_the_best_and_walls_are_gone_round() -> None:
    params = Params(walls=LETTERS[26] + LETTERS[38])
    start, goal = start_and_goal(params)
    to = neighbours(HIGH, WIDE, walls_of(params))
    away = distances(to, goal)
    assert away[start] == 10 and (to[25] == 25).sum() == 1 and (to == 26).sum() == 4
    chance = greedy(np.where(np.isfinite(away), 0.9**away, 0), to, goal)
    cells = np.flatnonzero(np.isfinite(away) & (away > 0))
    assert all(away[to[cell][chance[cell] > 0]].max() < away[cell] for cell in cells)
    assert (greedy(np.zeros(CELLS), to, goal) == 0.25).all()


def test_a_goal_behind_walls_is_never_reached_and_that_is_said() -> None:
    _, goal = start_and_goal(TINY)
    around = "".join(LETTERS[c] for c in (goal - 1, goal + 1, goal - WIDE, goal + WIDE))
    result = last("reinforcement_learning", TINY.replace(walls=around))
    assert not result.arrived.any() and not result.values.any() and not result.truth.any()
    for figure in figures.FIGURES[:3]:
        for language in LANGUAGES:
            assert "nan" not in figure.summary(result, language)


# The cliff, the pole, the game


def test_what_stands_beside_the_cliff_is_known() -> None:
    best, soft, chance, rule = beside(0.1)
    assert (best, rule) == (-13, -17) and chance < -1000
    rng, total = np.random.default_rng(0), np.zeros(300)
    state, going = np.full(300, CLIFF_START), np.ones(300, bool)
    for _ in range(TRIP):
        state, gained, over = cliff_step(state, rng.integers(0, 4, 300))
        total += going * gained
        going &= ~over
    assert total.mean() == pytest.approx(chance, rel=0.06)
    assert beside(0.0)[1] == best > soft > -30


def test_gradients_are_autograds() -> None:
    luck = [stream("test", i) for i in range(2)]
    rows = np.tile(0.3 * np.random.default_rng(0).standard_normal((1, 5)), (8, 1))
    states, right, alive = played(rows, *drawn(luck, 3, len(BASELINES)))
    better = less_baseline(discounted(alive), states, alive, np.ones((2, 9)))
    found = gradients(rows, states, right, better)
    for m, n in ((0, 0), (3, 1), (5, 2), (7, 2)):
        w = torch.tensor(rows[m], requires_grad=True)
        z = torch.tensor(states[..., m, n]) @ w[:4] + w[4]
        likely = torch.distributions.Bernoulli(logits=z).log_prob(torch.tensor(right[:, m, n], dtype=torch.float64))
        (likely * torch.tensor(better[:, m, n])).sum().backward()
        np.testing.assert_allclose(found[m, :, n], w.grad, rtol=1e-9)  # type: ignore[arg-type]


def test_returns_and_baselines_are_what_they_are_called() -> None:
    alive = np.zeros((4, 4, 2), bool)
    alive[:3, :, 0], alive[:, :, 1] = True, True
    returns = discounted(alive)
    by_hand = [sum(0.99**k for k in range(n)) for n in (3, 2, 1, 0)]
    np.testing.assert_allclose(returns[:, 0, 0], by_hand)
    states = np.zeros((4, 4, 4, 2))
    better = less_baseline(returns, states, alive, np.full((1, 9), 0.25))
    np.testing.assert_allclose(better[:, 0], returns[:, 0])
    np.testing.assert_allclose(better[:3, 1, 0], (returns[:, 1, 0] - returns[:, 1, 1])[:3])
    np.testing.assert_allclose(better[:3, 2, 0], returns[:3, 2, 0] - 0.25)
    np.testing.assert_allclose(better[:3, 3, 0].sum(), 0, atol=1e-12)


def test_strength_is_what_games_show() -> None:
    """Of random moves, of the rule and of perfect play, against known numbers and played games."""
    perfect = np.zeros(3**9)
    for boards in reversed(board.by_stones()):  # what a board is worth to who has moved to it
        after, free = board.moved(boards)
        best = np.where(free, np.where(board.WON[after], 1, perfect[after]), -2).max(-1)
        perfect[board.SWAPPED[boards]] = -best
    perfect[board.WON] = 1
    chance = board.strength(np.stack([np.zeros(3**9), board.rule_values(), perfect]))
    first, second = 0.5849206, 0.2880952  # of random games won by who begins, lost by who begins: counted many times
    np.testing.assert_allclose(chance[0, 0], (first + second) / 2, atol=1e-6)
    assert chance[2, 1].tolist() == [0, 0] and chance[2, 0, 1] == 0 and chance[1, 1, 1] > 0
    assert chance[1, 0, 0] > 0.85
    assert len(np.unique(board.symmetric()[np.concatenate(board.by_stones())])) < 765
    assert sum(map(len, board.by_stones())) == 4520  # of 5,478 boards those that nobody has won and that are not full


def test_through_max_pooling_moves_that_lose_look_like_moves_that_do_not() -> None:
    """By brute force: on how many boards the best move cannot be told from a worse one."""
    perfect, seen, blind, count = np.zeros(3**9), board.pooled(), 0, 0
    for boards in reversed(board.by_stones()):
        after, free = board.moved(boards)
        worth = np.where(free, np.where(board.WON[after], 1, perfect[after]), -2)
        perfect[board.SWAPPED[boards]] = -worth.max(-1)
        best = worth == worth.max(-1, keepdims=True)
        alike = (seen[after][:, :, None] == seen[after][:, None, :]) & free[:, :, None] & free[:, None, :]
        blind += (alike & best[:, :, None] & ~best[:, None, :]).any((1, 2)).sum()
        count += len(boards)
    assert blind / count > 0.1


def test_a_game_and_a_pole_answer() -> None:
    result, state = state_of("reinforcement_learning.game", TINY)
    ask = train_module("reinforcement_learning.game").answer
    found = ask(TINY, result, state, Moves(moves="4"))
    assert (found.cells == 1).sum() == (found.cells == 2).sum() == 1 and found.over == -1
    assert ask(TINY, result, state, Moves(moves="", begins=False)).cells.sum() == 2
    assert ask(TINY, result, state, Moves(moves="44")).cells.tolist() == found.cells.tolist()
    result, state = state_of("reinforcement_learning.pole", TINY)
    ask = train_module("reinforcement_learning.pole").answer
    balance = ask(TINY, result, state, Pushes(pushes="r" * 60))
    assert balance.fallen and len(balance.path) < 20 and balance.steps[PLAYERS.index("rule")] == LONGEST
    for language in LANGUAGES:
        assert "nan" not in figures.summary_balance(balance, language) and figures.summary_board(found, language)
        assert figures.draw_balance(balance, language).data and figures.draw_board(found, language).data
    weights = load("reinforcement_learning").experiments[2].weights
    assert weights is not None and weights(result, state)["0.weight"].shape == (len(BASELINES), 2, 1, 4)


@pytest.mark.parametrize("part", load("reinforcement_learning").experiments, ids=lambda part: part.name)
def test_every_experiment_fits_into_one_script(part: Experiment) -> None:
    compile(script(part.name, part.tiny), part.name, "exec")


# Measures

SEEDS = 40


def made(id: str, kind: type, **given: np.ndarray) -> Any:
    found: Any = next(m for m in (*claims.CLAIMS, *claims.MISTAKES) if m.id == id)
    return known(kind, found.params.replace(seeds=SEEDS), **given)


def rows(names: tuple[str, ...], values: dict[str, float], *more: int) -> np.ndarray:
    found = np.full((len(names), SEEDS, *more), 0.1)
    for name, value in values.items():
        found[names.index(name)] = value
    return found


def spreading(id: str, way: str, first: int, end: int, **returned: float) -> Any:
    """Credit that has come so far after the first episode and in the end."""
    away = np.arange(12.0)
    values = np.zeros((len(WAYS), SEEDS, 3, 12))
    values[WAYS.index(way), :, 1, 1 : first + 1] = 1
    values[WAYS.index(way), :, 2, 1 : end + 1] = 1
    brings = rows((*WAYS, "random", "rule"), returned, 3)
    return made(id, Result, values=values, away=away, truth=away / 12, returned=brings, tick=np.array([0, 1, 6]))


def near_truth(id: str, **off: float) -> Any:
    """Values that are off by so much everywhere, as a share of the truth."""
    truth, away = np.full(12, 0.5), np.arange(12.0)
    values = np.repeat(rows(WAYS, {k: 0.5 * (1 + v) for k, v in off.items()}, 3)[..., None], 12, -1)
    return made(id, Result, values=values, away=away, truth=truth, tick=np.array([0, 1, 100]))


def tripping(id: str, online: dict[str, float], greedy_: dict[str, float] | None = None) -> Any:
    reward, along = rows(LEARNERS, online, 300), rows(LEARNERS, greedy_ or {}, 3)
    return made(id, Trips, reward=reward, greedy=along, beside=np.full(len(BESIDE), -13.0))


def balancing(
    id: str, noise: dict[str, float] | None = None, along: dict[str, float] | None = None, **steps: float
) -> Any:
    reward = rows(PLAYERS, steps, 40, 8)
    found = {name: np.stack([rows(BASELINES, v or {})] * 2) for name, v in (("noise", noise), ("along", along))}
    return made(id, Poles, reward=reward, tick=np.arange(40), **found)


def lucky(id: str, first: float, others: float) -> Any:
    result = balancing(id, others=others)
    result.reward[PLAYERS.index("others"), ..., 0] = first
    return result


def playing(id: str, against: int, outcome: int, **chances: float) -> Any:
    chance = np.zeros((len(GAMERS), SEEDS, 2, 2, 2))
    chance[..., against, outcome] = rows(GAMERS, chances, 2)
    return made(id, Games, chance=chance, tick=np.arange(2))


def pairs(of: Any, id: str, *each: Any, **both: Any) -> tuple[Any, Any]:
    return tuple(of(id, **both, **one) for one in each)  # type: ignore[return-value]


KNOWN: dict[str, tuple[Any, Any]] = {
    "one_step": (spreading("one_step", "td", 1, 6), spreading("one_step", "td", 5, 10)),
    "at_once": (spreading("at_once", "mc", 10, 10), spreading("at_once", "mc", 1, 10)),
    "sweeps": (spreading("sweeps", "planning", 1, 6), spreading("sweeps", "planning", 5, 10)),
    "way_found": tuple(spreading("way_found", "td", 1, 6, mc=v) for v in (0.4, 0.1)),
    "td_closer": pairs(near_truth, "td_closer", {"mc": 0.5}, {"mc": 0.1}, td=0.1),
    "too_low": pairs(near_truth, "too_low", {"mc": -0.5}, {"mc": 0.0}),
    "online": tuple(tripping("online", {"sarsa": v, "q_learning": -50}) for v in (-25, -50)),
    "shortest": tuple(tripping("shortest", {}, {"q_learning": v}) for v in (-13, -17)),
    "detour": tuple(tripping("detour", {}, {"sarsa": v}) for v in (-17, -13)),
    "careless": tuple(tripping("careless", {"sarsa": v, "q_learning": -16}) for v in (-16, -50)),
    "solves": pairs(balancing, "solves", {"others": 480}, {"others": 300}),
    "learns": pairs(balancing, "learns", {"none": 300}, {"none": 22}, random=22),
    "baseline": pairs(balancing, "baseline", {"others": 490}, {"others": 300}, none=300),
    "critic": pairs(balancing, "critic", {"state": 490}, {"state": 300}, none=300),
    "quieter_random": pairs(balancing, "quieter_random", {"noise": {"none": 1}}, {"noise": {"none": 0.1}}),
    "quieter_rule": pairs(balancing, "quieter_rule", {"noise": {"none": 1}}, {"noise": {"none": 0.1}}),
    "unbiased": pairs(balancing, "unbiased", {"along": {"none": 0.1}}, {"along": {"none": 1}}),
    "inside_biased": pairs(balancing, "inside_biased", {"along": {"inside": 0.5}}, {"along": {"inside": 1}}),
    "inside_slower": pairs(balancing, "inside_slower", {"others": 490}, {"others": 300}, inside=300),
    "inside": pairs(balancing, "inside", {"along": {"inside": 0.5}}, {"along": {"inside": 1}}),
    "one_episode": (lucky("one_episode", 500, 300), lucky("one_episode", 500, 500)),
    "last_result": tuple(playing("last_result", 0, 0, board=v, random=0.4) for v in (0.9, 0.5)),
    "other_results": tuple(playing("other_results", 0, 0, shuffled=v, random=0.4) for v in (0.4, 0.9)),
    "never_loses": tuple(playing("never_loses", 1, 1, symmetric=v) for v in (0, 0.5)),
    "pooling": tuple(playing("pooling", 1, 1, pooled=v, board=0.3) for v in (0.9, 0.3)),
    "not_rule": tuple(playing("not_rule", 1, 1, rule=v, symmetric=0) for v in (0.5, 0)),
    "limit_as_end": pairs(near_truth, "limit_as_end", {"mc": -0.5}, {"mc": 0.0}),
}  # type: ignore[dict-item]
