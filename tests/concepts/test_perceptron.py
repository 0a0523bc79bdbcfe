"""The perceptron against scikit-learn, a plain loop, and Novikoff's theorem."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Perceptron
from sklearn.svm import SVC

from core.concept.params import read, write
from core.concept.result import arrays, axes, same
from core.concepts.perceptron import claims, figures
from core.concepts.perceptron import train as module
from core.concepts.perceptron.claims import CLAIMS
from core.concepts.perceptron.figures import MOMENTS
from core.concepts.perceptron.params import TINY, Params, Point, Result, Spot
from core.concepts.perceptron.train import answer, best_direction, examples, first_weights, train
from core.conclusions.stats import interval, verdict
from tests.known import known

# Numbers of the code that the texts repeat.
CONSTANTS = {MOMENTS}


@cache
def last(**changes: object) -> Result:
    *_, result = train(Params(**changes))
    return result


def plain(params: Params, seed: int, rate: float) -> tuple[list[int], np.ndarray]:
    """The rule as a textbook has it, example by example: the examples corrected, and the last weights."""
    x, y = examples(params, params.data_seed + seed)
    w = first_weights(params, params.weight_seed + seed)
    corrected = []
    for _ in range(params.passes):
        clean = True
        for i in range(len(y)):
            signed = y[i] * (w[0] * x[i, 0] + w[1] * x[i, 1] + w[2])
            if signed < 0 or (signed == 0 and params.comparison == "at_most"):
                w = w + rate * y[i] * np.array([x[i, 0], x[i, 1], 1.0])
                corrected.append(i)
                clean = False
        if clean:
            break
    return corrected, w


@pytest.mark.parametrize("data", ["blobs", "overlap", "xor", "moons", "rings"])
@pytest.mark.parametrize("initial", ["zero", "random"])
def test_the_textbook_loop_corrects_the_same_examples(data: str, initial: str) -> None:
    params = Params(data=data, n=40, initial=initial, passes=7, seeds=3, rate=0.5, other_rate=3.0)
    *_, result = run = list(train(params))
    assert len(run) > 1
    corrected, w = plain(params, 0, 0.5)
    assert result.corrected[1:].tolist() == corrected
    np.testing.assert_allclose(result.path[-1], w, rtol=1e-12)
    for rate, value in enumerate((0.5, 3.0)):
        for seed in range(3):
            assert len(plain(params, seed, value)[0]) == result.mistakes[rate, seed].sum()


Weights = tuple[Fraction, Fraction, Fraction]


def decimal(value: float) -> Fraction:
    """What a reader means who types it: 0.1 is a tenth."""
    return Fraction(str(value))


def by_fractions(params: Params, first: Weights, rate: float) -> dict[str, list]:
    """The rule in exact arithmetic, and what is recorded of every update."""
    points = [(1 if p.label == "plus" else -1, decimal(p.x), decimal(p.y)) for p in params.added]
    w, eta = first, decimal(rate)
    found: dict[str, list] = {"corrected": [-1], "missed": [], "loss": [], "back": [], "fewer": [], "smaller": []}
    side = 0

    def signed() -> list[Fraction]:
        return [y * (w[0] * u + w[1] * v + w[2]) for y, u, v in points]

    def look() -> tuple[int, Fraction]:
        now = signed()
        return sum(s <= 0 for s in now), -sum((s for s in now if s < 0), Fraction(0))

    def correct(i: int) -> None:
        nonlocal w, side
        before, was = w, look()
        y, u, v = points[i]
        w = (w[0] + eta * y * u, w[1] + eta * y * v, w[2] + eta * y)
        turn = before[0] * w[1] - before[1] * w[0]
        turned = (turn > 0) - (turn < 0)
        missed, loss = look()
        found["corrected"].append(i)
        found["back"].append(turned * side < 0)
        found["fewer"].append(missed < was[0])
        found["smaller"].append(missed < was[0] and loss < was[1])
        side = turned or side
        record(missed, loss)

    def record(missed: int, loss: Fraction) -> None:
        found["missed"].append(missed)
        found["loss"].append(loss)

    record(*look())
    for _ in range(params.passes):
        done = 0
        for k in range(len(points)):
            now = signed()
            wrong = [s < 0 or (s == 0 and params.comparison == "at_most") for s in now]
            if params.order == "largest_mistake":
                if any(wrong):
                    correct(min((i for i in range(len(points)) if wrong[i]), key=lambda i: now[i]))
                    done += 1
            elif wrong[k]:
                correct(k)
                done += 1
        if not done:
            break
    return found


coordinates = st.sampled_from([0.0, 1.0, -1.0, 0.1, 0.2, 0.3, -0.1, -0.3, 0.7, 0.45, 1.5])
placed = st.lists(
    st.builds(Point, label=st.sampled_from(["plus", "minus"]), x=coordinates, y=coordinates), min_size=1, max_size=6
)
steps = st.sampled_from(
    [0.001, 0.003, 0.07, 0.1, 0.2, 0.3, 0.7, 1.0, 1.1, 3.3, 10.0, 137.7, 1000.0, 1 / 3, 0.123456789]
)


@settings(max_examples=150, deadline=None)
@given(
    added=placed,
    rate=steps,
    other_rate=steps,
    first=st.sampled_from(
        [(0.0, 0.0, 0.0), (0.3, -0.1, 0.2), (1.0, 1.0, -1.0), (-0.7, 0.7, 0.0), (0.1, 0.2, 0.30000000000000004)]
    ),
    order=st.sampled_from(["cyclic", "largest_mistake"]),
    comparison=st.sampled_from(["at_most", "below"]),
)
def test_ties_are_those_of_exact_arithmetic(added, rate, other_rate, first, order, comparison) -> None:
    params = Params(
        data="placed", added=tuple(added), rate=rate, other_rate=other_rate, order=order, comparison=comparison,
        initial="random", passes=12, seeds=1,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "first_weights", lambda params, seed: np.array(first))
        *_, result = train(params)
    exact = tuple(map(decimal, first))
    found, other = by_fractions(params, exact, rate), by_fractions(params, exact, other_rate)
    assert result.corrected.tolist() == found["corrected"]
    assert result.missed.tolist() == found["missed"]
    np.testing.assert_allclose(result.loss, np.array(found["loss"], float), rtol=1e-9, atol=1e-12)
    assert result.mistakes[:, 0].sum(-1).tolist() == [len(side["back"]) for side in (found, other)]
    assert result.turned_back[:, 0].sum(-1).tolist() == [sum(side["back"]) for side in (found, other)]
    assert result.fewer.sum() == sum(found["fewer"])
    if not any(first):  # from others two losses that are equal are so by chance, which no drawn weights meet
        assert result.fewer_smaller.sum() == sum(found["smaller"])
        assert (found["corrected"] == other["corrected"]) == bool(result.alike[0, -1])
        assert result.alike.all()


AND = tuple(Point(label="plus" if x + y == 2 else "minus", x=float(x), y=float(y)) for x in (0, 1) for y in (0, 1))


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.3, 1 / 3, 0.7, 7.77, 1000.0])
def test_from_zero_weights_the_step_size_only_scales(rate: float) -> None:
    """The classes of AND, on a grid where updates meet zero exactly."""
    result = last(data="placed", added=AND, rate=1.0, other_rate=rate, seeds=1)
    assert result.mistakes.sum(-1).ravel().tolist() == [18, 18]
    assert result.alike.all()


def test_what_lies_on_the_line_has_its_ring_and_is_said_to_lie_there() -> None:
    added = (Point(label="plus", x=0.3, y=0.1), Point(label="minus", x=0.1, y=0.3), Point(label="plus", x=0.2, y=0.2))
    for rate in (0.1, 0.3, 0.7):
        result = last(data="placed", added=added, rate=rate, order="by_hand", moves="mmm", seeds=1)
        drawn = figures.draw_line(result, "en")
        ring = next(trace for trace in drawn.data if trace.name == "misclassified")
        assert np.isfinite(np.array(ring.x, float)).sum() == result.missed[-1]
    two = last(data="placed", added=added[:2], rate=0.1, order="by_hand", moves="mm", seeds=1)
    assert answer(two.params, two, None, Spot(x=0.7, y=0.7)).label == 0  # w = 0.02, −0.02, b = 0


def test_a_single_point_keeps_within_its_bound() -> None:
    """R = γ: the bound is one update, and one it takes."""
    for x in np.round(np.arange(-1.5, 1.5, 0.07), 2).tolist():
        result = last(data="placed", added=(Point(label="minus", x=x, y=-0.31),), seeds=1)
        assert (result.mistakes.sum(-1) <= result.bound).all()
        assert claims.within_bound(result) == [1.0]


@pytest.mark.parametrize("data", ["blobs", "xor", "moons"])
def test_scikit_learn_learns_the_same_weights(data: str) -> None:
    params = Params(data=data, n=50, passes=9, seeds=1, rate=0.7)
    *_, result = train(params)
    x, y = examples(params, 0)
    theirs = Perceptron(eta0=0.7, shuffle=False, tol=None, max_iter=9, penalty=None).fit(x, y)
    np.testing.assert_allclose(result.path[-1], [*theirs.coef_[0], *theirs.intercept_], rtol=1e-12)


def test_largest_mistake_first_corrects_the_worst() -> None:
    result = last(order="largest_mistake", data="overlap", passes=2, seeds=1, initial="random")
    x = np.c_[result.x, np.ones(len(result.x))]
    for before, i in zip(result.path, result.corrected[1:]):
        signed = result.y * (x @ before)
        assert signed[i] == signed.min() <= 0


def test_shuffled_passes_differ_but_look_at_every_example() -> None:
    result = last(order="shuffled", data="xor", passes=30, seeds=1)
    cyclic = last(order="cyclic", data="xor", passes=30, seeds=1)
    assert result.corrected.tolist() != cyclic.corrected.tolist()
    assert len(np.unique(result.corrected[1:])) > 50


def test_moves_by_hand_add_up_to_passes() -> None:
    by_pass = last(data="xor", n=20, passes=3)
    for moves in ("ppp", "n" * 60, "pp" + "n" * 20):
        by_move = last(data="xor", n=20, order="by_hand", moves=moves)
        assert by_move.path.tobytes() == by_pass.path.tobytes()
    mistakes = last(data="xor", n=20, order="by_hand", moves="m" * 10)
    assert mistakes.path.tobytes() == by_pass.path[:11].tobytes()
    assert (mistakes.mistakes == 1).all()


@pytest.mark.parametrize("margin", [0.3, 0.1, 0.01])
def test_the_clouds_have_the_margin_they_promise(margin: float) -> None:
    for seed in range(10):
        x, y = examples(Params(margin=margin), seed)
        widest = SVC(kernel="linear", C=1e10).fit(x, y)
        assert widest.score(x, y) == 1
        assert 1 / np.linalg.norm(widest.coef_) >= margin * (1 - 1e-3)
    assert sorted(set(y)) == [-1, 1]


def test_gamma_is_the_hard_margin_of_a_support_vector_machine() -> None:
    result = last(seeds=12, margin=0.05)
    for seed, gamma in enumerate(result.gamma):
        x, y = examples(result.params, seed)
        z = y[:, None] * np.c_[x, np.ones(len(x))]
        both = SVC(kernel="linear", C=1e10, tol=1e-6).fit(
            np.r_[z, -z], np.r_[y * 0 + 1, y * 0 - 1]
        )  # no bias, by symmetry
        assert gamma == pytest.approx(1 / np.linalg.norm(both.coef_), rel=1e-3)
        assert result.radius[seed] == pytest.approx(np.sqrt((x**2).sum(1).max() + 1))


def test_gamma_is_nan_exactly_where_no_line_separates() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        z = rng.standard_normal((rng.integers(1, 9), 3))
        u = best_direction(z)
        if not np.isfinite(u).all():  # then a point of the convex hull is the origin (Gordan, 1873)
            from scipy.optimize import linprog

            found = linprog(np.zeros(len(z)), A_eq=np.r_[z.T, np.ones((1, len(z)))], b_eq=[0, 0, 0, 1])
            assert found.status == 0
            continue
        assert np.linalg.norm(u) == pytest.approx(1, abs=1e-11)
        tries = rng.standard_normal((20_000, 3))
        tries /= np.linalg.norm(tries, axis=1, keepdims=True)
        assert (z @ u).min() >= (tries @ z.T).min(1).max() - 1e-9


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 9_000),
    margin=st.floats(0.005, 0.5),
    rate=st.floats(0.01, 100),
    order=st.sampled_from(["cyclic", "shuffled", "largest_mistake"]),
    initial=st.sampled_from(["zero", "random"]),
)
def test_novikoff(seed: int, margin: float, rate: float, order: str, initial: str) -> None:
    *_, result = train(
        Params(
            data_seed=seed,
            weight_seed=seed,
            margin=margin,
            rate=rate,
            order=order,
            initial=initial,
            n=20,
            passes=500,
            seeds=2,
        )
    )
    assert np.isfinite(result.gamma).all()
    assert (result.mistakes.sum(-1) <= result.bound * (1 + 1e-9)).all()
    if initial == "zero":
        np.testing.assert_allclose(result.bound, np.tile((result.radius / result.gamma) ** 2, (2, 1)))


def test_recorded_loss_and_counts_follow_from_the_path() -> None:
    result = last(data="overlap", passes=4, seeds=2, initial="random")
    signed = result.y * (result.path[:, :2] @ result.x.T + result.path[:, 2:])
    np.testing.assert_array_equal(result.missed, (signed <= 0).sum(1))
    np.testing.assert_allclose(result.loss, np.maximum(-signed, 0).sum(1), atol=1e-12)
    fall = np.diff(result.missed.astype(int)) < 0
    assert result.fewer[0].sum() == fall.sum()
    assert result.fewer_smaller[0].sum() == (fall & (np.diff(result.loss) < 0)).sum()
    turn = np.sign(result.path[:-1, 0] * result.path[1:, 1] - result.path[:-1, 1] * result.path[1:, 0])
    turn = turn[turn != 0]
    assert result.turned_back[0, 0].sum() == (turn[1:] != turn[:-1]).sum()


def test_a_second_seed_does_not_change_the_first() -> None:
    one, many = last(seeds=1, data="xor", passes=5), last(seeds=6, data="xor", passes=5)
    assert one.path.tobytes() == many.path.tobytes()


def test_results_only_grow_and_chunks_change_nothing() -> None:
    *partial, end = train(TINY)
    assert end.complete
    for one, next_one in zip(partial, [*partial[1:], end]):
        assert one.step <= next_one.step
        for name in ("path", "corrected", "missed", "loss", "other_path"):
            assert getattr(next_one, name)[: len(getattr(one, name))].tobytes() == getattr(one, name).tobytes()
    for chunk in (2, 7, 1000):
        *_, other = train(TINY, chunk=chunk)
        assert same(end, other)


def test_placed_points_belong_to_every_seed_and_travel_in_a_link() -> None:
    corners = tuple(Point(label="plus" if x * y > 0 else "minus", x=x, y=y) for x in (-0.5, 0.5) for y in (-0.5, 0.5))
    params = Params(data="placed", added=corners, seeds=2, passes=10)
    assert read(Params, write(params)) == (params, [])
    *_, result = train(params)
    assert result.x.shape == (4, 2) and np.isnan(result.gamma).all()  # XOR
    assert (result.mistakes[..., -1] > 0).all()


@pytest.mark.parametrize("params", [Params(data="placed"), Params(order="by_hand", moves="")])
def test_nothing_to_do_ends_at_once(params: Params) -> None:
    *_, result = train(params)
    assert result.complete and len(result.path) == 1
    assert all(claim.measure(result) is None for claim in CLAIMS)


def test_the_answer_is_the_activation_and_its_distance() -> None:
    params = Params(seeds=2)
    run = train(params)
    try:
        while True:
            result = next(run)
    except StopIteration as end:
        state = end.value
    w = result.path[-1]
    for x, y in ((0.3, -0.8), (-1.2, 0.4)):
        found = answer(params, result, state, Spot(x=x, y=y))
        assert found.complete and same(found, answer(params, result, None, Spot(x=x, y=y)))
        assert found.activation == pytest.approx(w @ [x, y, 1])
        assert found.label == np.sign(w @ [x, y, 1])
        foot = np.array([x, y]) - found.distance * w[:2] / np.linalg.norm(w[:2])
        assert foot @ w[:2] + w[2] == pytest.approx(0, abs=1e-12)
    *_, idle = train(Params(comparison="below"))
    nowhere = answer(idle.params, idle, None, Spot())
    assert nowhere.label == 0 and np.isnan(nowhere.distance)


def test_a_result_fits_its_limit() -> None:
    """Paths grow with the number of updates: at most one per example and pass."""
    *_, result = train(Params(data="rings", n=200, order="largest_mistake", passes=20, seeds=1))
    assert len(result.path) == 20 * 200 + 1
    assert 500 / 20 * sum(a.nbytes for a in arrays(result).values()) < 16 * 1024**2


# Claims: every measure on a Result known to bear it out, and on one known not to

SIZES = {"rate": 2, "seed": 40, "pass": 1}


def made(data: str = "blobs", **given: object) -> Result:
    """A run of one pass that stopped; what is given is so of every seed."""
    stopped = {"mistakes": 5, "pending": 0, "misclassified": 0, "turned_back": 0, "gamma": 0.1, "radius": 1.0}
    values = stopped | {"alike": 1, "apart": 0.0, "fewer": 4, "fewer_smaller": 4} | given
    sizes = {name: [SIZES[axis.rstrip("+")] for axis in axes(Result)[name]] for name in values}
    return known(
        Result, Params(data=data, seeds=SIZES["seed"]), **{n: np.broadcast_to(v, sizes[n]) for n, v in values.items()}
    )


STOPS, IDLE, MANY, APART = made(), made(mistakes=0, misclassified=3), made(mistakes=500), made(apart=0.1)
LARGER, SMALLER = ([[[large]], [[small]]] for large, small in ((4, 1), (1, 4)))  # at η, at η′
KNOWN = {
    "stops": (STOPS, made(pending=1)),
    "xor_never": (made("xor", pending=1), made("xor")),
    "bound_zero": (STOPS, MANY),
    "bound_random": (STOPS, MANY),
    "scale_zero": (STOPS, APART),
    "scale_random": (STOPS, APART),
    "idle_below": (IDLE, STOPS),
    "starts_at_most": (STOPS, IDLE),
    "swings_zero": (made(turned_back=LARGER), made(turned_back=SMALLER)),
    "swings_random": (made(turned_back=LARGER), made(turned_back=SMALLER)),
    "slower_random": (made(mistakes=LARGER), made(mistakes=SMALLER)),
    "fewer_smaller": (STOPS, made(fewer_smaller=3)),
}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_verdict_can_come_out_either_way(claim: claims.Claim) -> None:
    positive, negative = (verdict(claim, interval(claim.measure(r), claim.share)) for r in KNOWN[claim.id])
    assert (positive, negative) == ("holds", "fails")


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    first, *_ = train(TINY)
    assert all(claim.measure(first) is None for claim in CLAIMS)
    alone = last(rate=1.0, other_rate=1.0, data="moons")
    assert claims.only_scale(alone) is claims.more_swings(alone) is claims.more_updates(alone) is None
    assert claims.never_stops(alone) is claims.within_bound(alone) is claims.stops_right(alone) is None
