"""Data augmentation against scipy, torchvision, torch.nn and a plain loop."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn
from torchvision.transforms import v2

from core.concept.parts import load, train_module
from core.concepts.data_augmentation import figures
from core.concepts.data_augmentation.claims import CLAIMS, FLIPPED, MISTAKES, ROUND, SAME, SWAPPED, TIMES
from core.concepts.data_augmentation.networks import Population, batches, by_class, loaded, visits
from core.concepts.data_augmentation.params import (
    DIGITS,
    HELD,
    MOST,
    PRESETS,
    TESTED,
    TINY,
    Params,
    Result,
    Way,
    architecture,
    cost,
    counted,
    fresh,
    of,
    used,
    weights,
)
from core.concepts.data_augmentation.picture.params import ALPHA, COPIES, RULES, SIDE
from core.concepts.data_augmentation.picture.train import change, pca_colour, photograph, to_tensor
from core.concepts.data_augmentation.sizes.params import COUNTS, compared, counts
from core.concepts.data_augmentation.sizes.params import Result as Sizes
from core.concepts.data_augmentation.transforms import CHANGES, augmented, sampled, warped
from core.ml.architecture import parameter_count
from core.ml.own import CONTENTS
from core.ml.signals import signals
from tests.known import DIGITS as IMAGES
from tests.known import known

# That the texts repeat: the sizes of an image and of a signal; classes that claims and the lesson name; examples of
# claims and presets; levels of a pixel; three convolutions
CONSTANTS = {40, *IMAGES, *SWAPPED, *ROUND, *SAME, *FLIPPED, TIMES, 50, 100, 200, 400, 1600, 255, 3}
SHORT = Params(steps=25, count=60, batch=8, width=6, seeds=2)


@cache
def last(params: Params, name: str = "data_augmentation") -> Any:
    *_, result = train_module(name).train(params)
    return result


def some(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


class Fixed:
    """Draws that are said beforehand, in order."""

    def __init__(self, *draws: Any):
        self.draws = list(draws)

    def __getattr__(self, name: str) -> Any:
        return lambda *args: np.asarray(self.draws.pop(0))


# Changes


def test_signals_are_read_between_their_numbers_as_scipy_reads_them() -> None:
    x, places = some(6, 40), np.random.default_rng(1).uniform(-60, 90, (6, 40))
    theirs = [ndimage.map_coordinates(row, [at], order=1, mode="grid-wrap") for row, at in zip(x.astype(float), places)]
    np.testing.assert_allclose(sampled(x, places), theirs, atol=1e-6)


def test_images_are_warped_as_scipy_warps_them() -> None:
    x, rng = some(5, 8, 8), np.random.default_rng(2)
    matrix, shift = np.eye(2) + 0.4 * rng.standard_normal((5, 2, 2)), rng.uniform(-3, 3, (5, 2))
    for picture, m, by, mine in zip(x.astype(float), matrix, shift, warped(x, matrix, shift)):
        offset = 3.5 + by - m @ [3.5, 3.5]
        theirs = ndimage.affine_transform(picture, m, offset, order=1, mode="grid-constant")
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_moves_are_rolls_and_shifts() -> None:
    x, y = some(3, 40), some(3, 8, 8)
    by = np.array([[3], [-5], [0]])
    for row, k, mine in zip(x, by[:, 0], CHANGES["move"](x, 0.5, Fixed(by))):  # type: ignore[arg-type]
        np.testing.assert_array_equal(mine, np.roll(row, k))
    down = np.array([[1, -2], [0, 3], [-1, 0]])
    for picture, k, mine in zip(y, down, CHANGES["move"](y, 0.5, Fixed(down))):  # type: ignore[arg-type]
        np.testing.assert_allclose(mine, ndimage.shift(picture, k, order=1, mode="constant"), atol=1e-6)


def test_a_rotation_is_torchvisions() -> None:
    x = np.zeros((2, 9, 9), np.float32)
    x[:, 2:7, 2:7] = some(2, 5, 5)
    drawn = np.array([0.5, -0.8])
    mine = CHANGES["rotate"](x, 0.1, Fixed(drawn))  # type: ignore[arg-type]
    for picture, angle, turned in zip(x, 18 * drawn, mine):
        at = torch.tensor(picture)[None]
        smooth = v2.InterpolationMode.BILINEAR
        theirs = min(
            np.abs(v2.functional.rotate(at, sign * angle, smooth)[0].numpy() - turned).max() for sign in (1, -1)
        )
        assert theirs < 1e-4


def test_a_stretched_signal_keeps_its_middle_and_its_order() -> None:
    x = np.tile(np.arange(41.0), (2, 1))
    mine = CHANGES["stretch"](x, 0.5, Fixed([1, -1]))  # type: ignore[arg-type]
    np.testing.assert_allclose(mine[0], 20 + (np.arange(41) - 20) / 1.5, atol=1e-9)
    np.testing.assert_allclose(mine[1][10:31], 20 + (np.arange(10, 31) - 20) * 1.5, atol=1e-9)


def test_other_changes_are_what_they_are_called() -> None:
    x, y, rng = some(400, 40), some(400, 8, 8), np.random.default_rng(3)
    for z in (x, y):
        flipped = CHANGES["mirror"](z, 0.5, rng)
        backwards = np.array([np.array_equal(a, b[..., ::-1]) for a, b in zip(flipped, z)])
        assert all(np.array_equal(a, b) for a, b in zip(flipped[~backwards], z[~backwards]))
        assert 0.4 < backwards.mean() < 0.6
        gone = CHANGES["cut"](z, 0.25, rng) == 0
        wide = round(0.25 * z.shape[1])
        assert (gone.reshape(400, -1).sum(1) == wide ** (z.ndim - 1)).all()
        assert all(np.ptp(np.nonzero(g)[-1]) == wide - 1 for g in gone)
        ratio = CHANGES["scale"](z, 0.3, rng) / z
        assert np.abs(ratio - 1).max() < 0.3 + 1e-4 and ratio.reshape(400, -1).std(1).max() < 1e-4
        assert (CHANGES["noise"](z, 0.2, rng) - z).std() == pytest.approx(0.2, rel=0.05)
        assert all(
            np.array_equal(CHANGES[rule](z, 0.0, rng), z) for rule in ("move", "scale", "noise", "cut", "mirror")
        )
    np.testing.assert_array_equal(CHANGES["upside"](x, 1.0, rng), -x)
    np.testing.assert_array_equal(CHANGES["upside"](y, 1.0, rng), y[:, ::-1])


def test_a_chain_is_all_above_it_and_draws_do_not_depend_on_company() -> None:
    x, ways = some(30, 40), of("none", "noise", "fresh", "mirror", "chain", "move")
    step = augmented(augmented(x, ways, 1, 7, 3), ways, 3, 7, 3)
    np.testing.assert_array_equal(augmented(x, ways, 4, 7, 3), step)
    np.testing.assert_array_equal(augmented(x, ways, 0, 7, 3), x)
    np.testing.assert_array_equal(augmented(x, of("move"), 0, 7, 3), augmented(x, ways, 5, 7, 3))
    assert not np.array_equal(augmented(x, ways, 5, 7, 4), augmented(x, ways, 5, 7, 3))


# Examples


@pytest.mark.parametrize(("n", "batch"), [(60, 8), (16, 16), (5, 16)])
def test_every_pass_visits_every_example_once(n: int, batch: int) -> None:
    order = visits(n, batch, 30, 1)
    assert order.shape == (30, batch) and order.max() < n
    each = n // batch * batch or n
    for k in range(0, order.size - each, each):
        assert len(set(order.ravel()[k : k + each])) == each


def test_all_ways_see_the_same_examples_at_the_same_steps() -> None:
    ways = of("none", "upside", "fresh", "chain", "noise", upside=1.0)
    params = SHORT.replace(ways=ways)
    training, _, _ = loaded(params)
    steps = list(batches(params, ways, training, 60))
    assert len(steps) == params.steps
    for k, (x, y) in enumerate(steps):
        for s in range(params.seeds):
            at = visits(60, 8, params.steps, s)[k]
            np.testing.assert_array_equal(x[0, s], training[0][s][at])
            np.testing.assert_array_equal(x[1, s], -training[0][s][at])
            np.testing.assert_array_equal(x[3, s], x[1, s])
            for way in (0, 1, 3, 4):
                np.testing.assert_array_equal(y[way, s], training[1][s][at])
    drawn = np.concatenate([x[2].reshape(-1, 40) for x, _ in steps])
    assert len(np.unique(drawn, axis=0)) == len(drawn)  # never twice
    noisy = np.concatenate([(x[4] - x[0]).ravel() for x, _ in steps])
    assert noisy.std() == pytest.approx(0.5, rel=0.05)


def test_validation_and_test_examples_are_never_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every way is measured on one and the same set, which is the one that is drawn; with the mistake it is not."""
    module, seen = train_module("data_augmentation"), list[tuple[np.ndarray, np.ndarray]]()

    class Spy(Population):
        def right(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
            seen.append((x, y))
            return super().right(x, y)

    monkeypatch.setattr(module, "Population", Spy)
    params = SHORT.replace(ways=of("none", "noise", "upside", upside=1.0), steps=10)
    for judged in ("clean", "augmented"):
        seen.clear()
        *_, result = module.train(params.replace(judged=judged))
        sets = [signals(MOST + HELD + TESTED, s) for s in range(2)]
        held, tested = ([(x[a:b], y[a:b]) for x, y in sets] for a, b in ((MOST, MOST + HELD), (MOST + HELD, None)))
        for first in range(0, len(seen), 4):
            (test, _), (train, _), (validation, labels), (met, _) = seen[first : first + 4]
            np.testing.assert_array_equal(test[0], [x for x, _ in tested])
            np.testing.assert_array_equal(train[0], [x[:60] for x, _ in sets])
            np.testing.assert_array_equal(labels, [y for _, y in held])
            np.testing.assert_array_equal(validation[0], [x for x, _ in held])
            assert len(validation) == (1 if judged == "clean" else 3)
            assert judged == "clean" or np.array_equal(validation[2], -validation[0])
            assert (met[0] - test[0]).std() == pytest.approx(1, rel=0.02)
    assert result.complete


# Networks


@pytest.mark.parametrize(
    ("network", "data"), [("perceptron", "signals"), ("convolution", "signals"), ("convolution", "digits")]
)
def test_every_member_is_torchs_alone(network: str, data: str) -> None:
    params = SHORT.replace(network=network, data=data, ways=of("none", "noise"), steps=10)
    training, _, test = loaded(params)
    nets, start = Population(params, 2), Population(params, 2).state()
    steps = list(batches(params, params.ways, training, 60))
    for x, y in steps:
        nets.learn(x, y)
    named, first = (weights(last(params), state) for state in (nets.state(), start))
    kind: Any = nn.Conv2d if data == "digits" else nn.Conv1d
    pool: Any = nn.MaxPool2d if data == "digits" else nn.MaxPool1d
    k = 3 if data == "digits" else 5
    for way, s in ((0, 1), (1, 0)):
        if network == "perceptron":
            alone = nn.Sequential(nn.Linear(40, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 10))
        else:
            parts = [kind(1, 8, k, padding=k // 2), nn.ReLU(), pool(2), kind(8, 16, k, padding=k // 2), nn.ReLU()]
            parts += [pool(2), kind(16, 16, k, padding=k // 2), nn.ReLU()]
            alone = nn.Sequential(*parts, nn.AdaptiveAvgPool1d(1) if data == "signals" else nn.AdaptiveAvgPool2d(1))
            alone = nn.Sequential(*alone, nn.Flatten(), nn.Linear(16, 10))
        own = [f"{name.replace('10.', '9.')}" for name in alone.state_dict()]  # Mean takes the place of two
        alone.load_state_dict({name: torch.tensor(first[mine][way, s]) for name, mine in zip(alone.state_dict(), own)})
        optimizer = torch.optim.Adam(alone.parameters(), params.rate)
        for x, y in steps:
            optimizer.zero_grad()
            inputs = torch.tensor(x[way, s])
            z = alone(inputs[:, None] if network == "convolution" else inputs.flatten(1))
            nn.functional.cross_entropy(z, torch.tensor(y[way, s])).backward()
            optimizer.step()
        for name, mine in zip(alone.state_dict(), own):
            np.testing.assert_allclose(named[mine][way, s], alone.state_dict()[name], atol=2e-5)
        inputs = torch.tensor(test[0][s])
        said = alone(inputs[:, None] if network == "convolution" else inputs).argmax(1).numpy() == test[1][s]
        assert np.mean(said == nets.right(test[0][None], test[1])[way, s]) > 0.995


def test_by_class_is_a_plain_mean() -> None:
    rng = np.random.default_rng(0)
    right, y = rng.integers(2, size=(3, 2, 50)).astype(float), rng.integers(0, 9, (2, 50))
    found = by_class(right, y, Params())
    for k in range(9):
        assert found[1, 0, k] == pytest.approx(right[1, 0, y[0] == k].mean())
    assert np.isnan(found[:, :, 9]).all()


def test_costs_and_sizes() -> None:
    for params in (TINY, SHORT.replace(network="convolution", data="digits", ways=of("none"))):
        result = last(params)
        assert cost(params).steps == result.step == result.total
        layers, shape = architecture(params)
        state = np.zeros((1, 2, parameter_count(layers, shape)))
        assert sum(part[0, 0].size for part in weights(result, {"weights": state}).values()) == state.shape[2]
    assert np.allclose(result.test, result.by_class[..., :].mean(-1), atol=0.05)
    assert round(0.6 * DIGITS) == counted(Params(data="digits", count=3000))


def test_which_ways_data_allow() -> None:
    ways = of("none", "rotate", "fresh")
    assert [way.rule for way in used(Params(ways=ways))] == ["none", "fresh"]
    assert [way.rule for way in used(Params(ways=ways, data="digits"))] == ["none", "rotate"]
    assert used(Params(ways=of("rotate"))) == (Way(),)
    assert fresh("noise", None).strength == 0.5 and fresh("mirror", Way(strength=0.1)).strength == 0.5
    assert all(used(Params(**p.changes)) == Params(**p.changes).ways for p in PRESETS)


def test_own_series(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = [",".join(f"{v:.3f}" for v in rng.standard_normal(9) + i % 2) + f",k{i % 2}" for i in range(50)]
    content = ",".join("abcdefghi") + ",label\n" + "\n".join(rows) + "\n"
    name = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}:50x9x2"
    monkeypatch.setitem(CONTENTS, name, content.encode())
    params = SHORT.replace(own=name, ways=of("none", "move", "fresh"), steps=10)
    *_, result = train_module("data_augmentation").train(params)
    assert result.by_class.shape[-1] == 2 and counted(params) == 30 and len(result.test) == 2
    *_, sizes = train_module("data_augmentation.sizes").train(params)
    assert counts(params) == (25,) == tuple(sizes.count)
    for figure in figures.FIGURES[:2]:
        assert figure.draw(result, "zh").to_json() and "平移" in figure.summary(result, "zh")


def test_sizes_are_runs_of_their_own() -> None:
    """At every number of examples the networks are those that are trained with this number alone."""
    params = TINY.replace(ways=of("none", "noise", "chain"), count=100)
    alone, sizes = last(params), last(params, "data_augmentation.sizes")
    at = list(sizes.count).index(100)
    np.testing.assert_allclose(sizes.test[:, at], alone.test[[0, 2]], atol=0.005)
    assert [way.rule for way in compared(Params())] == ["none", "chain"]


# A photograph


def test_photographs_are_changed_by_torchvision() -> None:
    result = last(Params(), "data_augmentation.picture")
    assert result.pictures.shape[:2] == (len(RULES), COPIES) and max(result.original.shape) == SIDE
    np.testing.assert_array_equal(result.pictures[0, 0], result.original[:, ::-1])
    picture = to_tensor(photograph(Params()))
    torch.manual_seed(0)
    assert change("crop", picture)(picture).shape == picture.shape
    assert change("chain", picture)(picture).shape == picture.shape
    np.testing.assert_array_equal(to_tensor(photograph(Params())).numpy() * 255, result.original.transpose(2, 0, 1))


def test_pca_colour_lies_along_the_directions_of_the_colours() -> None:
    picture = to_tensor(photograph(Params()))
    torch.manual_seed(0)
    by = torch.stack([(pca_colour(picture) - picture)[:, 5, 5] for _ in range(600)]).numpy()
    pixels = picture.flatten(1).numpy()
    np.testing.assert_allclose(np.cov(by.T) / ALPHA**2, np.cov(pixels), atol=0.15 * np.cov(pixels).max())
    assert np.ptp((pca_colour(picture) - picture).numpy(), (1, 2)).max() < 1e-5  # the same for all pixels


# Claims: every measure on a Result known to bear it out, and on one known not to


PARAMS = {each.id: each.params for each in (*CLAIMS, *MISTAKES)}


def gains(params: Params, name: str, values: list[float], which: tuple[int, ...]) -> Result:
    """A finished run in which accuracies `name` of the ways are as given in the end (of classes, on `which`); all else
    is ½."""
    shape = (len(used(params)), params.seeds, 3)
    given = {field: np.full(shape, 0.5) for field in ("train", "validation", "test", "met")}
    given["by_class"] = np.full((*shape, 10), 0.5)
    if which:
        given[name][:, :, -1, list(which)] = np.array(values)[:, None, None]
    else:
        given[name][:, :, -1] = np.array(values)[:, None]
    return known(Result, params, tick=np.array([0, 1, 10]), total=10, step=10, **given)


def both(id: str, name: str, yes: list[float], no: list[float], which: tuple[int, ...] = ()) -> tuple[Result, Result]:
    return gains(PARAMS[id], name, yes, which), gains(PARAMS[id], name, no, which)


def sized(id: str, **chain: tuple[float, float]) -> tuple[Sizes, Sizes]:
    """Accuracies of the chain by number of examples, for and against; all else is ½."""
    made = []
    for side in (0, 1):
        test = np.full((2, len(COUNTS), PARAMS[id].seeds, 2), 0.5)
        for count, values in chain.items():
            test[1, COUNTS.index(int(count[1:]))] = values[side]
        made.append(known(Sizes, PARAMS[id], count=np.array(COUNTS), test=test))
    return made[0], made[1]


def seven(**values: float) -> list[float]:
    """Accuracies of the ways of the default; ½ where nothing is said."""
    return [values.get(way.rule, 0.5) for way in Params().ways]


DIGIT_WAYS = [way.rule for way in next(p for p in PRESETS if p.id == "digits").changes["ways"]]


def on_digits(**values: float) -> list[float]:
    return [values.get(rule, 0.5) for rule in DIGIT_WAYS]


KNOWN = {
    "move": both("move", "test", seven(move=0.6), seven(move=0.52)),
    "chain": both("chain", "test", seven(move=0.6, chain=0.55), seven(move=0.5, chain=0.55)),
    "fits": both("fits", "train", seven(none=0.9), seven(none=0.9, move=0.9)),
    "late": both("late", "test", seven(move=0.6), seven(move=0.5)),
    "fresh": both("fresh", "test", seven(fresh=0.7), seven(fresh=0.55)),
    "few_many": sized("few_many", n50=(0.7, 0.5), n1600=(0.5, 0.5)),
    "costs_many": sized("costs_many", n1600=(0.4, 0.5)),
    "worth": sized("worth", n50=(0.6, 0.5), n100=(0.6, 0.4)),
    "upside": both("upside", "test", [0.5, 0.5, 0.5, 0.3], [0.5, 0.5, 0.5, 0.5]),
    "upside_classes": both("upside_classes", "by_class", [0.5, 0.5, 0.5, 0.3], [0.5] * 4, FLIPPED),
    "mirror_signals": both("mirror_signals", "by_class", [0.5, 0.5, 0.6, 0.3], [0.5] * 4, SAME),
    "convolution": both("convolution", "test", [0.5] * 4, [0.5, 0.6, 0.5, 0.5]),
    "digits_cost": both("digits_cost", "test", on_digits(none=0.6), on_digits()),
    "digits_buy": both("digits_buy", "met", on_digits(move=0.8), on_digits()),
    "digits_noise": both("digits_noise", "test", on_digits(noise=0.6), on_digits()),
    "mirror": both("mirror", "by_class", on_digits(mirror=0.4), on_digits(), SWAPPED),
    "mirror_same": both("mirror_same", "by_class", on_digits(), on_digits(mirror=0.3), ROUND),
    "robust": both("robust", "met", [0.4, 0.4, 0.4, 0.5, 0.5], [0.5] * 5),
    "validated": both("validated", "validation", [0.5, 0.5, 0.5, 0.4, 0.2], [0.5] * 5),
    "label": both("label", "test", [0.5, 0.5, 0.5, 0.3], [0.5] * 4),
}


def test_what_the_prediction_says() -> None:
    """The highest of the four; nothing where two read the same, or one is missing."""
    best = load("data_augmentation").predictions[0].answer
    said = best(gains(Params(), "test", seven(stretch=0.6, fresh=0.9), ()))
    assert said is not None and said[0] == "stretch" and said[1]["stretch"] == "0.600"
    assert best(gains(Params(), "test", seven(), ())) is None
    assert best(gains(Params(ways=of("none", "move")), "test", [0.5, 0.6], ())) is None


def test_gains_class_by_class_are_those_of_the_accuracies() -> None:
    result = gains(Params(), "by_class", seven(move=0.75, mirror=0.4), (3,))
    mean, half = figures.gained(result)
    assert mean[1, -1, 3] == pytest.approx(25) and mean[5, -1, 3] == pytest.approx(-10) and (half == 0).all()
    assert (
        figures.whole(-0.3) == "0"
        and figures.cell(25.0, 3.2) == "<b>+25</b><br>±3"
        and figures.cell(np.nan, 1.0) == "–"
    )
    assert figures.CLASSES.draw(gains(Params(ways=of("none")), "test", [0.5], ()), "en").to_json()
