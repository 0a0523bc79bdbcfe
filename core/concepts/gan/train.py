"""Generative adversarial networks: a generator and a discriminator learn against each other, many seeds at once.

The seeds of a version are one population: weights [seeds, D], examples [seeds, features, n].
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from scipy.spatial import cKDTree
from scipy.special import rel_entr
from torch import Tensor
from torch.nn import functional

from core.concepts.gan.params import (
    ALONE,
    BOUT,
    CODES,
    GAMES,
    LOGISTIC,
    STARTS,
    TICKS,
    Codes,
    Params,
    Result,
    Version,
    Walk,
    made_up,
    mode_count,
    on_points,
    plan,
    units,
)
from core.ml.data import Data, digits, into_square, split
from core.ml.networks import forward, initial_weights
from core.ml.optimizers import Optimizer, Settings
from core.ml.own import table
from core.ml.random import stream
from core.ml.recording import Recording, schedule, stacked

REACH = 3.0  # the plane shown, and searched by D alone, is [-REACH, REACH]²
GRID = 32  # pixels along a side of D's field
BINS = 24  # cells along a side of the histograms of which the divergence is taken
SAMPLED = 1024  # samples that are measured at a tick
POINTS, IMAGES = 256, 16  # samples that are kept
LINES, ARROWS = 17, 64  # lines of the folded square each way; samples with an arrow
SQUARE = 2.0  # the square of codes reaches from −SQUARE to SQUARE
COVERED = 0.02  # a mode has at least this share of the samples, all of them good
CLIMB = 0.1  # step size of the climb on D's output
STOPS = 12  # codes along a walk
ACTIVATION = "relu"
BETA2 = 0.9  # of Adam
JUDGE, JUDGE_STEPS = (64, 64, 16, 10), 250  # units of the classifier that measures digits; its training steps
FAR = 1e3  # where a sample that has diverged is put


@dataclass
class Arm:
    """A version with its players: weights of G, D and the encoder E, each [seeds, D], and its own random numbers."""

    version: Version
    sizes: dict[str, tuple[int, ...]]
    weights: dict[str, Tensor]
    optimizers: dict[str, Optimizer]
    codes: Tensor | None  # fixed random codes of the training examples [seeds, z, n]
    batches: list[np.random.Generator]  # one per seed
    noises: list[np.random.Generator]
    step: int = 0


def train(params: Params, device: str = "cpu", chunk: int = 20) -> Generator[Result, None, dict]:
    """Results, each fuller than the last: at least one every `chunk` steps, which says when, never what."""
    seeds, modes = params.seeds, mode_count(params)
    sets = [training_set(params, params.data_seed + i) for i in range(seeds)]
    x = torch.as_tensor(np.stack([inputs.T for inputs, _ in sets]), device=device)  # [seeds, features, n]
    y = torch.as_tensor(np.stack([labels for _, labels in sets]), device=device)  # [seeds, n]
    one_hot = (y[:, None] == torch.arange(modes, device=device)[:, None]).float()  # [seeds, modes, n]
    arms = [begin(params, version, x.shape[2], device) for version in params.versions]
    ruler = Ruler(params, sets)

    steps = plan(params)
    total = max(1, len(steps))
    early = np.linspace(0, 1, min(TICKS, len(steps) // 4) + 1) ** 1.5  # ticks are closer together at first
    ticks = np.unique((len(steps) * early).round().astype(int))
    if params.order == "by_hand":
        ticks = np.cumsum([0, *(1 if move.islower() else BOUT for move in params.moves)])
    pictures = min(seeds, 6 if len(arms) == 1 else 3)
    # Codes are the same at every tick, so that samples move and do not flicker.
    looks = [noise(arm, SAMPLED, params) for arm in arms]

    grid, lines = (GRID, LINES) if on_points(params) else (0, 0)
    kept = POINTS if grid else IMAGES
    axes = {"version": len(arms), "seed": seeds, "mode": modes, "sample": kept, "row": grid, "column": grid}
    axes |= {"line": lines, "node": lines, "arrow": ARROWS if grid else 0}
    real = np.stack([inputs[:kept] for inputs, _ in sets[:pictures]])
    record = Recording(Result, params, total, axes, tick=ticks, floor=ruler.floor, real=real)

    def look(arm: Arm, z: Tensor, asked: Tensor) -> dict[str, np.ndarray]:
        """What a version makes of codes now, and what D says of it."""
        made = generate(arm, z, asked, params)
        numbers = made.numpy(force=True).transpose(0, 2, 1)  # [seeds, SAMPLED, features]
        found = ruler.measure(numbers, asked.argmax(1).numpy(force=True) if asked.shape[1] else None)
        found["d_real"] = output(arm, x[:, :, :SAMPLED], one_hot[:, :, :SAMPLED])
        found |= {"d_fake": output(arm, made, asked), "samples": numbers[:pictures, :kept]}
        if on_points(params):
            pushes = pushed(arm, made[:, :, :ARROWS], asked[:, :, :ARROWS])
            found |= {"field": landscape(arm, pictures), "fold": folded(arm, params), "push": pushes}
        return found

    for moment in schedule(len(steps), chunk, tick=ticks):
        for step in moment.steps:
            for arm in arms:
                advance(arm, steps[step], x, one_hot, params)
        if "tick" in moment.due:
            record.append("tick", **stacked(look(arm, *codes) for arm, codes in zip(arms, looks)))
        yield record.result(total if moment.last else moment.step)
    return {f"{a}.{player}": w.numpy(force=True) for a, arm in enumerate(arms) for player, w in arm.weights.items()}


def advance(arm: Arm, move: str, x: Tensor, one_hot: Tensor, params: Params) -> None:
    """One step: d is an update of D, g one of G, b as many of both as the version says."""
    v = arm.version
    if v.rule in CODES or (v.rule in GAMES and arm.step < v.g_first):
        if move != "d":
            update_decoder(arm, x, params)
    elif v.rule in ALONE or arm.step < v.g_first + v.d_first:
        if move != "g":
            update_d(arm, x, one_hot, params)
    else:
        for _ in range(v.d_steps if move == "b" else move == "d"):
            update_d(arm, x, one_hot, params)
        for _ in range(v.g_steps if move == "b" else move == "g"):
            update_g(arm, params)
    arm.step += 1


def update_d(arm: Arm, x: Tensor, one_hot: Tensor, params: Params) -> None:
    """D learns to tell real examples from made ones."""
    real, label = draw(arm, [x, one_hot], params.batch)
    z, asked = noise(arm, params.batch, params)
    label = label[:, : asked.shape[1]]
    made = z if arm.version.rule == "d_noise" else generate(arm, z, asked, params)
    leaf = arm.weights["d"].detach().requires_grad_()
    d = score(arm, leaf, torch.cat([real, made], 2), torch.cat([label, asked], 2))
    loss = d_loss(arm.version.rule, *d.split(params.batch, 1)).mean(1)
    if arm.version.rule == "wgan_gp":
        mix = uniform(arm, (1, params.batch), x.device)
        between = (mix * real + (1 - mix) * made).requires_grad_()
        slope = torch.autograd.grad(score(arm, leaf, between, label).sum(), between, create_graph=True)[0]
        # Gulrajani et al. (2017): the critic's gradient shall have length 1 between real and made examples
        loss = loss + arm.version.penalty * ((slope.square().sum(1) + 1e-12).sqrt() - 1).square().mean(1)
    arm.optimizers["d"].step(torch.autograd.grad(loss.sum(), leaf)[0])


def update_g(arm: Arm, params: Params) -> None:
    """G learns to make what D takes for real."""
    z, asked = noise(arm, params.batch, params)
    leaf = arm.weights["g"].detach().requires_grad_()
    d = score(arm, arm.weights["d"], decode(arm, leaf, z, asked, params), asked)
    loss = g_loss(arm.version.rule, d).mean(1)
    arm.optimizers["g"].step(torch.autograd.grad(loss.sum(), leaf)[0])


def update_decoder(arm: Arm, x: Tensor, params: Params) -> None:
    """G learns by least squares to make each example from its code: a random one, or the encoder's."""
    g, e = (arm.weights[player].detach().requires_grad_() for player in "ge")
    if arm.codes is not None:
        real, code = draw(arm, [x, arm.codes], params.batch)
    else:
        (real,) = draw(arm, [x], params.batch)
        code = forward(e, real, arm.sizes["e"], ACTIVATION)
        code = (code - code.mean(2, keepdim=True)) / (code.std(2, keepdim=True) + 1e-4)  # so that noise may replace it
    none = code.new_zeros(len(code), arm.sizes["g"][0] - code.shape[1], code.shape[2])  # no condition yet
    loss = (decode(arm, g, code, none, params) - real).square().mean((1, 2)).sum()
    if arm.codes is not None:
        arm.optimizers["g"].step(torch.autograd.grad(loss, g)[0])
    else:
        for player, gradient in zip("ge", torch.autograd.grad(loss, (g, e))):
            arm.optimizers[player].step(gradient)


def d_loss(rule: str, real: Tensor, made: Tensor) -> Tensor:
    """What D lowers, from its outputs on real and made examples (before any sigmoid)."""
    if rule == "least_squares":  # Mao et al. (2017)
        return ((real - 1).square() + made.square()) / 2
    if rule == "hinge":  # Lim and Ye (2017)
        return functional.relu(1 - real) + functional.relu(1 + made)
    if rule == "wgan_gp":  # Arjovsky, Chintala and Bottou (2017)
        return made - real
    return functional.softplus(-real) + functional.softplus(made)  # −log D(x) − log(1 − D(G(z))): Goodfellow (2014)


def g_loss(rule: str, made: Tensor) -> Tensor:
    """What G lowers, from D's outputs on what it makes; D alone climbs down it too."""
    if rule == "minimax":
        return -functional.softplus(made)  # log(1 − D(G(z)))
    if rule == "least_squares":
        return (made - 1).square() / 2
    if rule in ("hinge", "wgan_gp", *ALONE):
        return -made
    return functional.softplus(-made)  # −log D(G(z))


# The players


def begin(params: Params, version: Version, n: int, device: str | torch.device) -> Arm:
    """A version before its first step, for n training examples. Weights have variance 1/fan-in (LeCun et al., 1998), or
    a third of it, as torch.nn.Linear draws them."""
    sizes, seeds = units(params, version), range(params.seeds)
    weights, optimizers = {}, {}
    for i, player in enumerate("gde"):
        start = [STARTS[version.init] * initial_weights(sizes[player], 3 * (params.weight_seed + s) + i) for s in seeds]
        weights[player] = torch.as_tensor(np.stack(start), dtype=torch.float32, device=device)
        rate = version.d_rate if player == "d" and version.rule in GAMES else version.rate
        settings = Settings("adam", rate, beta1=version.beta1, beta2=BETA2)
        most = {"g": version.g_steps, "d": version.d_steps, "e": 1}[player]
        optimizers[player] = Optimizer(weights[player], [settings] * params.seeds, most * max(1, len(plan(params))))
    codes, batches, noises = (
        [stream(f"gan {name}", params.data_seed + s) for s in seeds] for name in ("codes", "batches", "noises")
    )
    fixed = [rng.standard_normal((version.z, n), np.float32) for rng in codes if version.rule == "random_codes"]
    fixed_codes = torch.as_tensor(np.stack(fixed), device=device) if fixed else None
    return Arm(version, sizes, weights, optimizers, fixed_codes, batches, noises)


def draw(arm: Arm, sources: list[Tensor], batch: int) -> list[Tensor]:
    """The same random columns of every source [seeds, ·, n], with replacement."""
    n, device = sources[0].shape[2], sources[0].device
    chosen = torch.as_tensor(np.stack([rng.integers(n, size=batch) for rng in arm.batches]), device=device)
    return [source.gather(2, chosen.unsqueeze(1).expand(-1, source.shape[1], -1)) for source in sources]


def uniform(arm: Arm, shape: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.as_tensor(np.stack([rng.random(shape, np.float32) for rng in arm.noises]), device=device)


def noise(arm: Arm, n: int, params: Params) -> tuple[Tensor, Tensor]:
    """Codes [seeds, z, n] (for D alone: starting points), and what is asked for, one-hot [seeds, modes or 0, n]."""
    device, code = arm.weights["g"].device, arm.sizes["e"][-1]
    if arm.version.rule in ALONE:
        z = edge(params) * (2 * uniform(arm, (code, n), device) - 1)
    else:
        normal = [rng.standard_normal((code, n), np.float32) for rng in arm.noises]
        z = torch.as_tensor(np.stack(normal), device=device)
    modes = arm.sizes["d"][0] - arm.sizes["e"][0]
    if not modes:
        return z, z[:, :0]
    asked = torch.as_tensor(np.stack([rng.integers(modes, size=n) for rng in arm.noises]), device=device)
    return z, functional.one_hot(asked, modes).transpose(1, 2).float()


def edge(params: Params) -> float:
    """Examples lie within ± this."""
    return REACH if on_points(params) else 1.0


def score(arm: Arm, weights: Tensor, x: Tensor, asked: Tensor) -> Tensor:
    """Output of D before any sigmoid: [seeds, n]."""
    return forward(weights, torch.cat([x, asked], 1), arm.sizes["d"], ACTIVATION)[:, 0]


def decode(arm: Arm, weights: Tensor, z: Tensor, asked: Tensor, params: Params) -> Tensor:
    """What G makes of codes: [seeds, features, n]."""
    x = forward(weights, torch.cat([z, asked], 1), arm.sizes["g"], ACTIVATION)
    return x if on_points(params) else x.tanh()


def generate(arm: Arm, z: Tensor, asked: Tensor, params: Params) -> Tensor:
    """Samples [seeds, features, n]: by G, or, if D is alone, by climbing its output from the points z."""
    if arm.version.rule not in ALONE:
        with torch.no_grad():
            return decode(arm, arm.weights["g"], z, asked, params)
    for _ in range(arm.version.climb):
        z = (z + CLIMB * uphill(arm, z, asked)).clamp(-edge(params), edge(params))
    return z


def uphill(arm: Arm, x: Tensor, asked: Tensor) -> Tensor:
    """The direction in which G's loss falls fastest, at samples x."""
    leaf = x.detach().requires_grad_()
    loss = g_loss(arm.version.rule, score(arm, arm.weights["d"], leaf, asked))
    return -torch.autograd.grad(loss.sum(), leaf)[0]


# What is looked at


def output(arm: Arm, x: Tensor, asked: Tensor) -> np.ndarray:
    """Mean output of D, a probability under a logistic loss; NaN without a D: [seeds]."""
    with torch.no_grad():
        d = score(arm, arm.weights["d"], x, asked[:, : arm.sizes["d"][0] - x.shape[1]])
    if arm.version.rule in CODES:
        return np.full(len(d), np.nan)
    return (d.sigmoid() if arm.version.rule in (*LOGISTIC, *ALONE) else d).mean(1).numpy(force=True)


@torch.no_grad()
def landscape(arm: Arm, pictures: int) -> np.ndarray:
    """D over the plane, uint8 [pictures, GRID, GRID], rows upward, from certainly made to certainly real; with a
    condition the mean over all that can be asked for. A critic without bounds is stretched to its range."""
    weights, rule = arm.weights["d"][:pictures], arm.version.rule
    axis = torch.linspace(-REACH, REACH, GRID, device=weights.device)
    plane = torch.cartesian_prod(axis, axis).flip(1).T.expand(pictures, -1, -1)
    modes = arm.sizes["d"][0] - 2
    asked = torch.eye(modes, device=weights.device)[:, None, :, None].expand(-1, pictures, -1, plane.shape[2])
    found = [score(arm, weights, plane, label) for label in (asked if modes else [plane[:, :0]])]
    d = torch.stack([d.sigmoid() if rule in (*LOGISTIC, *ALONE) else d for d in found]).mean(0)
    if rule == "hinge":
        d = (d + 1) / 2
    if rule == "wgan_gp":
        low, high = d.amin(1, keepdim=True), d.amax(1, keepdim=True)
        d = (d - low) / (high - low + 1e-12)
    if rule in CODES:
        d = torch.full_like(d, 0.5)
    return (255 * d.nan_to_num(0.5).clamp(0, 1)).round().to(torch.uint8).view(-1, GRID, GRID).numpy(force=True)


def folded(arm: Arm, params: Params) -> np.ndarray:
    """Where a square of codes goes, for the first seed: [LINES, LINES, features]. The third and further numbers of a
    code are zero; with a condition the first mode is asked for. D alone: where climbs end that begin on a grid."""
    device, code = arm.weights["g"].device, arm.sizes["e"][-1]
    axis = torch.linspace(-1, 1, LINES, device=device) * (edge(params) if arm.version.rule in ALONE else SQUARE)
    square = torch.cartesian_prod(axis, axis).T
    z = torch.cat([square, square.new_zeros(max(0, code - 2), square.shape[1])])[:code]
    asked = z.new_zeros(arm.sizes["d"][0] - arm.sizes["e"][0], z.shape[1])
    asked[:1] = 1
    seeds = params.seeds
    made = generate(arm, z.expand(seeds, -1, -1), asked.expand(seeds, -1, -1), params)[0]
    return made.T.reshape(LINES, LINES, -1).numpy(force=True)


def pushed(arm: Arm, made: Tensor, asked: Tensor) -> np.ndarray:
    """The direction in which G's loss pushes samples [seeds, features, n], of the first seed: [n, features]."""
    found = uphill(arm, made, asked)[0].T.numpy(force=True)
    return np.full_like(found, np.nan) if arm.version.rule in CODES else found


# Data


def training_set(params: Params, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Examples float32 [n, features] and their modes [n]; of own points 0, as nobody knows them."""
    if made_up(params):
        return sample(params, params.points, stream("gan points", seed))
    data = files(params, seed)
    return data.x[0], data.y[0]


def files(params: Params, seed: int) -> Data:
    """The splits of one seed of the reader's own points, stretched to fill [-2, 2]², or of the digits, in −1…1."""
    if params.own:
        x, none = table(params.own)
        return split((2 * into_square(x)).astype(np.float32), none, seed)
    images, labels = digits()
    return split(2 * images - 1, labels, seed)


def sample(params: Params, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Fresh points float32 [n, 2] and their modes [n]."""
    mode = rng.integers(mode_count(params), size=n)
    x = place(params, mode, rng.random(n)) + params.noise * rng.standard_normal((n, 2))
    return x.astype(np.float32), mode


def place(params: Params, mode: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Points without noise [n, 2], at t in 0…1 along their mode (a Gaussian is a single point)."""
    data, along = params.data, (mode + t) / mode_count(params)
    if data == "drawn":
        return np.array([[centre.x, centre.y] for centre in params.centres])[mode]
    if data == "ring":
        angle = np.pi * mode / 4
        return 2 * np.stack([np.cos(angle), np.sin(angle)], 1)
    if data == "grid":
        return np.stack([mode % 5 - 2.0, mode // 5 - 2.0], 1)
    if data == "spiral":
        radius, angle = 2.2 * np.sqrt(along), 3 * np.pi * np.sqrt(along)
        return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    angle = 2 * np.pi * (along % 0.5)
    upper = np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], 1)
    return 1.4 * np.where(along[:, None] < 0.5, upper, -upper)


# How samples are measured


class Ruler:
    """Measures samples of every seed against real data that the players never see. Points are measured as they are,
    digits by the features of a small classifier. Of the reader's own points the distance alone can be measured."""

    def __init__(self, params: Params, sets: list[tuple[np.ndarray, np.ndarray]]):
        self.on_points, self.modes = on_points(params), mode_count(params)
        self.judge = None if self.on_points else judge()
        seeds = [params.data_seed + s for s in range(len(sets))]
        if made_up(params):
            t = (np.arange(25) + 0.5) / 25
            self.mode = np.repeat(np.arange(self.modes), len(t))
            clean = cKDTree(place(params, self.mode, np.tile(t, self.modes)))
            self.near, self.radius = [clean] * len(sets), [3 * params.noise] * len(sets)
            unseen = [sample(params, 8 * SAMPLED, stream("gan unseen", s))[0] for s in seeds]
            again = [sample(params, SAMPLED, stream("gan again", s))[0] for s in seeds]
        else:
            unseen = [np.concatenate(files(params, s).x[1:]) for s in seeds]
            again = [inputs for inputs, _ in sets]
        if self.judge is not None:
            self.near = [cKDTree(self.features(inputs)) for inputs in again]
            self.radius = [np.quantile(tree.query(self.features(x))[0], 0.95) for tree, x in zip(self.near, unseen)]
        self.unseen = [self.described(x) for x in unseen]
        self.floor = np.array([self.apart(self.described(x), s) for x, s in zip(again, range(len(sets)))], np.float32)

    def measure(self, samples: np.ndarray, wanted: np.ndarray | None) -> dict[str, np.ndarray]:
        """Of samples [seeds, n, features], and the modes asked for [seeds, n] if any: what is known of one tick."""
        found: dict[str, list] = {name: [] for name in ("covered", "good", "share", "obeyed", "distance")}
        for s, x in enumerate(samples):
            fine = np.isfinite(x).all(1)
            x = np.where(fine[:, None], x, FAR)
            found["distance"].append(self.apart(self.described(x), s))
            if not self.modes:
                continue
            away, nearest = self.near[s].query(self.features(x))
            mode = self.mode[nearest] if self.on_points else self.classes(x)
            good = away <= self.radius[s]
            found["covered"].append((np.bincount(mode[good], minlength=self.modes) >= COVERED * len(x)).sum())
            found["good"].append(good.mean())
            found["share"].append(np.bincount(mode[fine], minlength=self.modes) / len(x))
            found["obeyed"].append(np.nan if wanted is None else (fine & (mode == wanted[s])).mean())
        return {name: np.array(values, np.float32) for name, values in found.items() if values}

    def features(self, x: np.ndarray) -> np.ndarray:
        """What neighbours and moments are taken of: points themselves; of digits the judge's last hidden layer."""
        if self.judge is None:
            return x
        size = sum((i + 1) * o for i, o in pairwise(JUDGE[:-1]))
        with torch.no_grad():
            hidden = forward(self.judge[:, :size], torch.as_tensor(x.T[None]), JUDGE[:-1], ACTIVATION)
        return torch.relu(hidden)[0].T.double().numpy()

    def classes(self, x: np.ndarray) -> np.ndarray:
        assert self.judge is not None
        with torch.no_grad():
            return forward(self.judge, torch.as_tensor(x.T[None]), JUDGE, ACTIVATION)[0].argmax(0).numpy()

    def described(self, x: np.ndarray) -> tuple[np.ndarray, ...]:
        """Shares of a grid's cells, all outside counting as one cell; of digits mean and covariance of the features."""
        if self.judge is None:
            edges = np.linspace(-REACH, REACH, BINS + 1)
            inside = np.histogram2d(x[:, 0], x[:, 1], [edges, edges])[0].ravel() / len(x)
            return (np.append(inside, 1 - inside.sum()),)
        found = self.features(x)
        return found.mean(0), np.cov(found.T)

    def apart(self, made: tuple[np.ndarray, ...], s: int) -> float:
        """Distance of made examples to real ones of seed s: Jensen–Shannon divergence (Lin, 1991), or for digits the
        Fréchet distance of two Gaussians (Dowson and Landau, 1982), as in FID (Heusel et al., 2017)."""
        if self.judge is None:
            p, q = made[0], self.unseen[s][0]
            middle = (p + q) / 2
            return float((rel_entr(p, middle) + rel_entr(q, middle)).sum() / 2 / np.log(2))
        (mean, cov), (other_mean, other_cov) = made, self.unseen[s]
        values, vectors = np.linalg.eigh(other_cov)
        root = vectors * np.sqrt(values.clip(0)) @ vectors.T
        both = np.sqrt(np.linalg.eigvalsh(root @ cov @ root).clip(0)).sum()
        return float(((mean - other_mean) ** 2).sum() + np.trace(cov) + np.trace(other_cov) - 2 * both)


def judge() -> Tensor:
    """A small classifier of digits, trained on all of them: the one judge of every run, weights [1, D]."""
    x, y = digits()
    inputs, labels = torch.as_tensor(2 * x - 1), torch.as_tensor(y)
    weights = torch.as_tensor(initial_weights(JUDGE, 0)[None])
    optimizer = Optimizer(weights, [Settings("adam", 0.003)], JUDGE_STEPS)
    rng = stream("gan judge", 0)
    for _ in range(JUDGE_STEPS):
        batch = rng.integers(len(y), size=128)
        leaf = weights.detach().requires_grad_()
        loss = functional.cross_entropy(forward(leaf, inputs[batch].T[None], JUDGE, ACTIVATION)[0].T, labels[batch])
        optimizer.step(torch.autograd.grad(loss, leaf)[0])
    return weights


def answer(params: Params, result: Result, state: dict[str, np.ndarray] | None, question: Codes) -> Walk:
    """A walk along the arc between two codes (Shoemake, 1985); with D alone between two starting points of a climb."""
    assert state is not None
    version = min(question.version, len(params.versions)) - 1
    seed = min(question.seed, params.seeds) - 1
    arm = begin(params, params.versions[version], 1, "cpu")
    arm.weights = {player: torch.as_tensor(state[f"{version}.{player}"]) for player in "gde"}
    code = arm.sizes["e"][-1]
    a, b = (stream("gan walk", n).standard_normal(code) for n in (question.start, question.end))
    if arm.version.rule in ALONE:
        a, b = (edge(params) * np.tanh(end) for end in (a, b))
    t = np.linspace(0, 1, STOPS)[:, None]
    angle = np.arccos(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1))
    straight = arm.version.rule in ALONE or np.sin(angle) < 1e-6
    z = (1 - t) * a + t * b if straight else (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)
    codes = torch.as_tensor(z.T, dtype=torch.float32).expand(params.seeds, -1, -1)
    asked = codes.new_zeros(params.seeds, arm.sizes["d"][0] - arm.sizes["e"][0], STOPS)
    asked[:, min(question.mode, mode_count(params) - 1) :][:, :1] = 1
    made = generate(arm, codes, asked, params)
    with torch.no_grad():
        d = score(arm, arm.weights["d"], made, asked)[seed]
    return Walk(question, 1, 1, path=made[seed].T.numpy(), score=d.numpy())
