"""What is said of data augmentation, each with the measurement that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.concept.parts import Claim, Mistake, Prediction
from core.concepts.data_augmentation.params import PRESETS, Params, generated, image, used
from core.concepts.data_augmentation.sizes.params import compared
from core.conclusions.measures import Contenders, Fits, Measure, difference, final, more_or_less, preset, ruled, unseen

EARLY = 0.1  # of all steps
FEW, MANY = 50, 1600  # examples between which gains are compared
TIMES = 4  # as many examples
SWAPPED, ROUND = (2, 5), (0, 8)  # digits that a mirror turns into each other, more or less; that it leaves
SAME = (0, 3, 6, 8)  # signals that it leaves
FLIPPED = (0, 1, 3, 6, 7, 8)  # classes that look like another one of them upside down

WAYS, PAIR = Contenders(used), Contenders(compared)
none, move, noise, mirror, upside, chain, fresh = map(
    ruled, ("none", "move", "noise", "mirror", "upside", "chain", "fresh")
)
test, met, fitted, validation = final("test"), final("met"), final("train"), final("validation")


def on_classes(which: tuple[int, ...]) -> Callable[[Any], np.ndarray]:
    """Mean test accuracy over these classes, [way, seed]."""
    return lambda r: r.by_class[:, :, -1, list(which)].astype(float).mean(2)


def early(result: Any) -> np.ndarray:
    """Test accuracy at the first moment after EARLY of the steps."""
    return result.test[:, :, int(np.argmax(result.tick >= EARLY * result.total))]


def at(count: int) -> Callable[[Any], np.ndarray]:
    """Test accuracy with so many examples, [way, seed]."""
    return lambda r: r.test[:, list(r.count).index(count), :, -1].astype(float)


def signals(**wanted: Any) -> Fits:
    """Whether a run is on signals, by the perceptron unless it is said, and otherwise as it is meant."""
    meant = {"network": "perceptron"} | wanted
    return lambda p: generated(p) and all(getattr(p, name) == value for name, value in meant.items())


def digits(params: Params) -> bool:
    return image(params) and params.network == "perceptron" and params.count == 100


def moved_digits(params: Params) -> bool:
    return digits(params) and params.met == "move"


def noisy(strength: float) -> Callable[[Any], bool]:
    """Noise up to exactly this."""
    return ruled("noise", lambda way: way.strength == strength)


def gain(count: int) -> Measure:
    """What the chain gains with so many examples."""
    return PAIR.more(at(count), chain, none, signals())


def swaps(result: Any) -> np.ndarray:
    """Test accuracy over FLIPPED less that over all other classes."""
    others = tuple(k for k in range(result.by_class.shape[-1]) if k not in FLIPPED)
    return on_classes(FLIPPED)(result) - on_classes(others)(result)


def claim(id: str, measure: Measure, smallest: float, at: str = "few", direction: str = "above", of: str = "") -> Claim:
    """At the setting of a preset, on the seeds that decide."""
    return Claim(id, measure, unseen(preset(Params(), PRESETS, at), 20), smallest, direction, of=of)


few, some, convolution = signals(count=100), signals(count=400), signals(network="convolution", count=400)
WORTH = PAIR.more(at(FEW), chain, none, signals(), over=at(TIMES * FEW))
UNJUST = WAYS.more(test, noisy(1.0), noisy(1.0), lambda p: digits(p) and p.judged == "augmented", over=validation)
TURNED = WAYS.more(test, none, upside, some)
CLAIMS = (
    claim("move", WAYS.more(test, move, none, few), 0.05),
    claim("chain", WAYS.more(test, chain, move, few), 0.02, direction="below"),
    claim("fits", WAYS.more(fitted, none, move, few), 0.2),
    claim("late", WAYS.more(lambda r: test(r) - early(r), move, none, few), 0.05),
    claim("fresh", WAYS.more(test, fresh, move, few), 0.1),
    claim("few_many", difference(gain(FEW), gain(MANY)), 0.1, "sizes", of="sizes"),
    claim("costs_many", PAIR.more(at(MANY), none, chain, signals()), 0.03, "sizes", of="sizes"),
    claim("worth", WORTH, 0.02, "sizes", of="sizes"),
    claim("upside", TURNED, 0.05, "upside"),
    claim("upside_classes", WAYS.more(swaps, none, upside, some), 0.05, "upside"),
    claim("mirror_signals", WAYS.more(on_classes(SAME), mirror, none, some), 0.03, "upside"),
    claim("convolution", WAYS.more(test, move, none, convolution), 0.02, "convolution", "below"),
    claim("digits_cost", WAYS.more(test, none, move, moved_digits), 0.01, "digits"),
    claim("digits_buy", WAYS.more(met, move, none, moved_digits), 0.2, "digits"),
    claim("digits_noise", WAYS.more(test, noisy(0.3), none, digits), 0.01, "digits"),
    claim("mirror", WAYS.more(on_classes(SWAPPED), none, mirror, digits), 0.03, "digits"),
    claim("mirror_same", WAYS.more(on_classes(ROUND), mirror, none, digits), 0.03, "digits", "within"),
    claim("robust", WAYS.more(met, noisy(0.6), noisy(0.0), lambda p: digits(p) and p.met == "noise"), 0.05, "too_much"),
    claim("validated", UNJUST, 0.1, "validated"),
)

MISTAKES = (
    Mistake("label", "worse", preset(Params(), PRESETS, "upside"), WAYS.more(test, none, upside), 0.03, "classes"),
    Mistake(
        "validated",
        "measure",
        preset(Params(), PRESETS, "validated"),
        WAYS.more(test, noisy(1.0), noisy(1.0), over=validation),
        0.1,
        "validated",
    ),
)

TRIED = {"move": move, "stretch": ruled("stretch"), "noise": noise, "mirror": mirror}


def best(result: Any) -> tuple[str, dict[str, Any]] | None:
    """Which change of the four ends highest."""
    found = {name: WAYS.alone(test, way)(result) for name, way in {"none": none, **TRIED}.items()}
    if any(values is None for values in found.values()):
        return None
    means = {name: float(values.mean()) for name, values in found.items() if values is not None}
    said = {name: f"{mean:.3f}" for name, mean in means.items()}
    option = max(TRIED, key=means.__getitem__)
    if sum(said[name] == said[option] for name in TRIED) > 1:
        return None
    return option, said | {"seeds": result.params.seeds}


ENDS = {"changed": PAIR.alone(at(100), chain, signals()), "plain": PAIR.alone(at(400), none, signals())}
PREDICTIONS = (
    Prediction("best", tuple(TRIED), best),
    more_or_less("worth", ENDS, "{:.3f}".format, of="sizes"),
)
