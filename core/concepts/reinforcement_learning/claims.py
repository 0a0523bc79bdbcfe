"""What is said of learning from rewards, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake
from core.concepts.reinforcement_learning.cliff.params import LEARNERS
from core.concepts.reinforcement_learning.game.params import PLAYERS as GAMERS
from core.concepts.reinforcement_learning.params import PRESETS, WAYS, Params
from core.concepts.reinforcement_learning.pole.params import BASELINES, FIXED, PLAYERS, SOLVED
from core.conclusions.measures import Contenders, Measure, more_or_less, preset, unseen

LATE = 100  # last trips along the cliff that count
TAIL = 20  # last updates of the pole that count
GRID = Contenders(lambda params: WAYS)
TRIPS = Contenders(lambda params: LEARNERS)
POLES = Contenders(lambda params: PLAYERS)
SLOPES = Contenders(lambda params: BASELINES)
GAMES = Contenders(lambda params: GAMERS)
Number = Callable[[Any], np.ndarray]


# Values, [row, seed]


def reach(result: Any) -> np.ndarray:
    """How many moves from the goal the farthest cell is that has a value: [way, seed, tick]."""
    away = np.where(np.isfinite(result.away), result.away, 0)
    return np.where(result.values > 0, away, 0).max(-1)


def per_episode(result: Any) -> np.ndarray:
    """By how many moves credit has come farther in each episode."""
    return reach(result)[..., -1] / result.tick[-1]


def at_first(result: Any) -> np.ndarray:
    """How far credit has come after the first episode, as a share of the way."""
    return np.minimum(reach(result)[..., 1] / result.params.distance, 1)


def found_way(result: Any) -> np.ndarray:
    """What the arrows bring from the start in the end."""
    return result.returned[..., -1].astype(float)


def too_low(result: Any) -> np.ndarray:
    """By which share the mean value is below the truth, over the cells no farther than the start: [way, seed, tick]."""
    near = np.isfinite(result.away) & (result.away > 0) & (result.away <= result.params.distance)
    if not near.any():
        return np.full(result.values.shape[:-1], np.nan)
    truth = result.truth[near].astype(float)
    return (truth - result.values[..., near]).mean(-1) / max(truth.mean(), 1e-12)


def off(result: Any) -> np.ndarray:
    """Root mean square of value less truth, as a share of the mean truth."""
    near = np.isfinite(result.away) & (result.away > 0)
    truth = result.truth[near].astype(float)
    return np.sqrt(((result.values[:, :, -1, near] - truth) ** 2).mean(-1)) / max(truth.mean(), 1e-12)


def trip_reward(result: Any) -> np.ndarray:
    """Reward of a trip, the mean of the last ones."""
    return result.reward[..., -LATE:].astype(float).mean(-1)


def best_way(result: Any) -> np.ndarray:
    """Reward of a trip without exploring, less that of the best."""
    return result.greedy[..., -1].astype(float) - float(result.beside[0])


def takes_detour(result: Any) -> np.ndarray:
    """Whether a trip without exploring costs more than the best one."""
    return best_way(result) < -0.5


def late(result: Any) -> np.ndarray:
    """Steps of an episode in the last updates."""
    return result.reward[:, :, -TAIL:].astype(float).mean((2, 3))


def reached_now(reward: np.ndarray) -> Any:
    return np.greater_equal(reward, SOLVED)


def solved(result: Any) -> np.ndarray:
    """Whether the mean of an update's episodes has reached the threshold."""
    return reached_now(result.reward.mean(-1)).any(-1)


def overstated(result: Any) -> np.ndarray:
    """When the first episode of an update has reached the threshold, by how many steps it is above the others' mean;
    0 where that never happens."""
    first, others = result.reward[..., 0].astype(float), result.reward[..., 1:].astype(float).mean(-1)
    hit = reached_now(first)
    when = hit.argmax(-1)[..., None]
    more = np.take_along_axis(first - others, when, -1)[..., 0]
    return np.where(hit.any(-1), more, 0)


def noise(fixed: str) -> Number:
    """log₁₀ of the gradient's noise at a fixed policy."""
    return lambda result: np.log10(result.noise[FIXED.index(fixed)].astype(float))


def along(fixed: str) -> Number:
    return lambda result: result.along[FIXED.index(fixed)].astype(float)


def turned(result: Any) -> np.ndarray:
    """By which share the mean gradient falls short along the true one, at the hand-written policy."""
    return 1 - along("rule")(result)


def unbeaten(result: Any) -> np.ndarray:
    """Whether no opponent can win: [player, seed, tick]."""
    return result.chance[:, :, :, 1, 1] < 1e-6


def never_loses(result: Any) -> np.ndarray:
    return unbeaten(result)[..., -1]


def loses(result: Any) -> np.ndarray:
    """Games lost against the worst opponent."""
    return result.chance[:, :, -1, 1, 1].astype(float)


def wins(result: Any) -> np.ndarray:
    """Games won against moves by chance."""
    return result.chance[:, :, -1, 0, 0].astype(float)


# Claims


def claim(
    id: str, measure: Measure, smallest: float, direction: str = "above", at: str = "straight", **more: Any
) -> Claim:
    """At the setting of a preset, on the seeds that decide."""
    return Claim(id, measure, unseen(preset(Params(), PRESETS, at), 20), smallest, direction, **more)


def straight(params: Params) -> bool:
    return params.noise == 0 and params.rate == 1 and not params.walls and params.episodes < params.distance


def wandering(params: Params) -> bool:
    return params.noise == 1 and params.distance == 10 and params.episodes == 100 and not params.walls


def short(params: Params) -> bool:
    return params.noise == 1 and params.limit == 10 and params.distance == 3 and not params.walls


def exploring(epsilon: float) -> Callable[[Params], bool]:
    return lambda params: params.epsilon == epsilon and params.trips == 300


def pole(params: Params) -> bool:
    return params.updates == 80 and params.batch == 8


def played(params: Params) -> bool:
    return params.games == 51_200


def cliff(
    id: str, measure: Measure, smallest: float, direction: str = "above", at: str = "cliff", **more: Any
) -> Claim:
    return claim(id, measure, smallest, direction, at, of="cliff", **more)


def balance(id: str, measure: Measure, smallest: float, direction: str = "above", **more: Any) -> Claim:
    return claim(id, measure, smallest, direction, "pole", of="pole", **more)


def game(id: str, measure: Measure, smallest: float, direction: str = "above", **more: Any) -> Claim:
    return claim(id, measure, smallest, direction, "game", of="game", **more)


def cut_short(how: str) -> Measure:
    """By which share Monte Carlo's values are too low in short episodes."""
    return GRID.alone(lambda r: too_low(r)[..., -1], "mc", lambda p: short(p) and p.cut == how)


CLAIMS = (
    claim("one_step", GRID.alone(per_episode, "td", straight), 1.01, "below", unit="moves"),
    claim("at_once", GRID.alone(at_first, "mc", straight), 0.99),
    claim("sweeps", GRID.alone(per_episode, "planning", straight), 1.01, "below", unit="moves"),
    claim("way_found", GRID.more(found_way, "mc", "td", straight), 0.1),
    claim("td_closer", GRID.more(off, "mc", "td", wandering), 0.1, at="wander"),
    claim("too_low", cut_short("end"), 0.3, at="limit"),
    cliff("online", TRIPS.more(trip_reward, "sarsa", "q_learning", exploring(0.1)), 5),
    cliff("shortest", TRIPS.alone(best_way, "q_learning", exploring(0.1)), 0.5, "within"),
    cliff("detour", TRIPS.alone(takes_detour, "sarsa", exploring(0.1)), 0.7, share=True),
    cliff("careless", TRIPS.more(trip_reward, "sarsa", "q_learning", exploring(0.01)), 5, "within", at="careless"),
    balance("solves", POLES.alone(solved, "others", pole), 0.7, share=True),
    balance("learns", POLES.more(late, "none", "random", pole), 50, unit="steps"),
    balance("baseline", POLES.more(late, "others", "none", pole), 50, unit="steps"),
    balance("critic", POLES.more(late, "state", "none", pole), 50, unit="steps"),
    balance("quieter_random", SLOPES.more(noise("random"), "none", "others", pole), 0.05, unit="log₁₀"),
    balance("quieter_rule", SLOPES.more(noise("rule"), "none", "others", pole), 0.05, unit="log₁₀"),
    balance("unbiased", SLOPES.more(along("rule"), "none", "others", pole), 0.1, "within"),
    balance("inside_biased", SLOPES.alone(along("rule"), "inside", pole), 0.8, "below"),
    balance("inside_slower", POLES.more(late, "others", "inside", pole), 50, unit="steps"),
    balance("one_episode", POLES.alone(overstated, "others", pole), 25, unit="steps"),
    game("last_result", GAMES.more(wins, "board", "random", played), 0.3),
    game("other_results", GAMES.more(wins, "shuffled", "random", played), 0.1, "below"),
    game("never_loses", GAMES.alone(never_loses, "symmetric", played), 0.6, share=True),
    game("pooling", GAMES.more(loses, "pooled", "board", played), 0.2),
    game("not_rule", GAMES.more(loses, "rule", "symmetric", played), 0.2),
)

PREDICTIONS = (
    more_or_less(
        "credit",
        {"mc": GRID.alone(at_first, "mc"), "td": GRID.alone(at_first, "td")},
        lambda share: f"{100 * share:.0f}",
        distance=lambda p: p.distance,
    ),
    more_or_less(
        "cliff",
        {"q_learning": TRIPS.alone(trip_reward, "q_learning"), "sarsa": TRIPS.alone(trip_reward, "sarsa")},
        lambda reward: f"{reward:.1f}".replace("-", "−"),
        of="cliff",
    ),
    more_or_less(
        "pooled",
        {"pooled": GAMES.alone(wins, "pooled"), "board": GAMES.alone(wins, "board")},
        lambda share: f"{100 * share:.0f}",
        of="game",
    ),
)


def mistake(id: str, sign: str, at: str, measure: Measure, symptom: float, figure: str) -> Mistake:
    return Mistake(id, sign, preset(Params(), PRESETS, at), measure, symptom, figure)


MISTAKES = (
    mistake("limit_as_end", "measure", "limit", GRID.alone(lambda r: too_low(r)[..., -1], "mc"), 0.3, "error"),
    mistake("inside", "slow", "pole", SLOPES.alone(turned, "inside"), 0.15, "along"),
    mistake("one_episode", "flattering", "pole", POLES.alone(overstated, "others"), 25, "solved"),
)
