"""Memory of recurrent networks: tasks, networks and what is looked at in them against torch and plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from core.concept.parts import load, train_module
from core.concept.text import words
from core.concepts.recurrent_memory import figures
from core.concepts.recurrent_memory.claims import CLAIMS, MISTAKES, solved
from core.concepts.recurrent_memory.cliff.params import STEPS, TARGET, TIME
from core.concepts.recurrent_memory.cliff.params import Result as Cliff
from core.concepts.recurrent_memory.cliff.train import clipped, loss_and_gradient
from core.concepts.recurrent_memory.names.params import LONGEST, spelled
from core.concepts.recurrent_memory.names.params import Result as Names
from core.concepts.recurrent_memory.names.train import Net as NamesNet
from core.concepts.recurrent_memory.names.train import lists
from core.concepts.recurrent_memory.names.train import names as drawn_names
from core.concepts.recurrent_memory.networks import (
    AT_CELL,
    AT_STATE,
    Population,
    first_weights,
    gradient_through_time,
    held,
    inside,
)
from core.concepts.recurrent_memory.params import (
    BASELINES,
    GRU,
    LSTM,
    TINY,
    Net,
    Params,
    Reader,
    Result,
    Sequence,
    architecture,
    cost,
    typed_sequence,
    used,
    weights,
)
from core.concepts.recurrent_memory.tasks import TASKS, answered
from core.ml.architecture import parameters
from core.takeaway.weights import cut
from tests.known import known

# 6 % of 1/6 is 0.01; 0.0417 is a quarter of 1/6; b = −2 and 3; 19 and 50 steps, three bits, sixteen and twenty numbers
CONSTANTS = {6.0, 12.0, 1 / 12, 0.0417, 0.1767, 3.0, 19.0, 50.0, 16.0, 20.0, 32.0, 1000.0}
SMALL = Params(length=7, units=4, batch=4, seeds=2, steps=10)


def population(net: Net, params: Params = SMALL) -> Population:
    rows = np.stack([first_weights(params, net, seed) for seed in range(params.seeds)])
    return Population(params, net, rows)


def sequences(params: Params, n: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    parts = [TASKS[params.task](np.random.default_rng(seed), n, params.length) for seed in range(params.seeds)]
    return torch.as_tensor(np.stack([x for x, _ in parts])), torch.as_tensor(np.stack([y for _, y in parts]))


# Tasks


@pytest.mark.parametrize("task", TASKS)
def test_answers_are_what_is_asked_for_and_baselines_are_variances(task: str) -> None:
    x, y = TASKS[task](np.random.default_rng(0), 20_000, 9)
    assert y.var(0).mean() == pytest.approx(BASELINES[task], rel=0.03)
    for k in range(30):
        np.testing.assert_allclose(answered(task, x[k, 0], x[k, 1] > 0), y[k], rtol=1e-6)
    if task in ("adding", "ahead"):
        assert (x[:, 1].sum(1) == 2).all() and (x[:, 1, :4].sum(1) == 1).all()
        assert np.mean((y - 1) ** 2) == pytest.approx(1 / 6, rel=0.02)  # always answering 1; not .1767
    if task == "latch":
        assert (x[:, 1].sum(1) == 3).all()


def test_a_typed_sequence() -> None:
    assert typed_sequence("0.2, 0.9*  x 1.5 1*") == ([0.2, 0.9, 1.0], [False, True, True])


# Networks


@pytest.mark.parametrize("net", [LSTM, Net(cell="gru", layers=2), Net(cell="rnn", start="orthogonal", clip=0.1)])
def test_training_is_that_of_torch_alone(net: Net) -> None:
    nets = population(net)
    layers, shape = architecture(SMALL, net)
    first = cut(nets.weights.numpy().copy(), parameters(layers, shape))
    batches = [sequences(SMALL.replace(data_seed=k), 4) for k in range(5)]
    for x, y in batches:
        nets.learn(x, y)
    kind = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[net.cell]
    stack = nn.ModuleList([kind(2 if k == 0 else 4, 4, batch_first=True) for k in range(net.layers)])
    head = nn.Linear(4, 1)
    for k, layer in enumerate(stack):
        layer.load_state_dict({n: torch.tensor(first[f"{k}.{n}"][1]) for n in layer.state_dict()})
    head.load_state_dict({n: torch.tensor(first[f"{net.layers}.{n}"][1]) for n in head.state_dict()})
    every = [*stack.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(every, SMALL.rate)
    for x, y in batches:
        h = x[1].mT
        for layer in stack:
            h, _ = layer(h)
        optimizer.zero_grad()
        nn.functional.mse_loss(head(h[:, -1]), y[1]).backward()
        nn.utils.clip_grad_norm_(every, net.clip)
        optimizer.step()
    found = cut(nets.weights.numpy(), parameters(layers, shape))
    for k, layer in enumerate(stack):
        for n, part in layer.state_dict().items():
            np.testing.assert_allclose(found[f"{k}.{n}"][1], part, atol=1e-5)


def test_a_network_whose_output_is_fed_back_is_a_loop() -> None:
    nets = population(Net(cell="fed_back"))
    x, _ = sequences(SMALL)
    named = nets.named(nets.weights)
    w, b, v, c = (named[name][1] for name in ("0.weight", "0.bias", "2.weight", "2.bias"))
    y = c.expand(5, 1)
    for step in range(SMALL.length):
        y = torch.tanh(torch.cat([x[1, :, :, step], y], 1) @ w.T + b) @ v.T + c
    np.testing.assert_allclose(nets.tested(x)[1], y, atol=1e-5)


def test_a_cnn_read_at_the_end_is_a_causal_dilated_one() -> None:
    nets = population(Net(cell="cnn", layers=3))
    x, _ = sequences(SMALL)
    named = nets.named(nets.weights)
    h = nn.functional.pad(x[1], (8 - SMALL.length, 0))
    for k in range(3):
        h = torch.relu(nn.functional.conv1d(h, named[f"{2 * k}.weight"][1], named[f"{2 * k}.bias"][1], dilation=2**k))
    expected = h[..., -1] @ named["7.weight"][1].T + named["7.bias"][1]
    np.testing.assert_allclose(nets.tested(x)[1], expected, atol=1e-5)
    other = x.clone()
    other[..., 0] = 9  # sees 8 of 7 steps: the first one, too
    assert not np.allclose(nets.tested(other), nets.tested(x))
    short = population(Net(cell="cnn", layers=2))
    assert np.array_equal(short.tested(other), short.tested(x))


@pytest.mark.parametrize("task", ["adding", "latch"])
def test_a_cell_set_by_hand_solves_it_at_any_length(task: str) -> None:
    for length in (4, 60):
        params = SMALL.replace(task=task, length=length)
        x, y = sequences(params, 50)
        assert np.square(population(Net(cell="hand"), params).tested(x) - y.numpy()).max() < 1e-4
    assert used(params.replace(task="echo", nets=(Net(cell="hand"),))) == (LSTM,)


def test_where_the_answer_lies_ahead_one_direction_does_not_see_it() -> None:
    params = SMALL.replace(task="ahead", length=8)
    x, _ = sequences(params)
    other = x.clone()
    other[..., 4:] = 0.5
    both, forward = population(Net(cell="gru", both=True), params), population(GRU, params)
    assert np.array_equal(forward.tested(x), forward.tested(other))
    assert not np.allclose(both.tested(x), both.tested(other))
    whole = nn.GRU(2, 4, bidirectional=True, batch_first=True)
    named = both.named(both.weights)
    whole.load_state_dict({n: named[f"0.{n}"][0] for n in whole.state_dict()})
    h = whole(x[0].mT)[0][:, 3].detach()
    np.testing.assert_allclose(both.tested(x)[0], h @ named["1.weight"][0, :, :, 0].T + named["1.bias"][0], atol=1e-5)


def test_a_state_that_is_carried_over_changes_what_comes_after() -> None:
    nets = population(Net(cell="gru", carried=True))
    plain = population(Net(cell="gru"))
    x, y = sequences(SMALL)
    assert not np.allclose(nets.tested(x), plain.tested(x))
    alone = np.stack([nets.answers(nets.weights, x[:, k : k + 1])[1][0][0].numpy() for k in range(5)])
    start = torch.as_tensor(alone[4])
    expected = nets.answers(nets.weights, x[:, :1], [(start, torch.zeros(2, 1, 0))])[0].detach()
    np.testing.assert_allclose(nets.tested(x)[:, :1], expected, atol=1e-5)
    nets.learn(x, y)
    assert nets.ends is not None and not nets.ends[0][0].requires_grad


# Inside


@pytest.mark.parametrize("net", [LSTM, Net(cell="peephole", layers=2), GRU, Net(cell="rnn")])
def test_the_gradient_through_time_is_that_of_changed_states(net: Net) -> None:
    """By finite differences: the states after the third step are changed, the rest is run from there."""
    nets = population(net)
    nets.weights = nets.weights.double()
    x, _ = sequences(SMALL, 3)
    x = x.double()
    found = gradient_through_time(nets, x)
    sizes = {}
    for step in (3, SMALL.length):
        _, ends = nets.answers(nets.weights, x[..., :step])
        squares = 0.0
        for layer, pair in enumerate(ends):
            for part in range(2):
                for unit in range(pair[part].shape[-1]):
                    moved = []
                    for sign in (1, -1):
                        changed = [[p.clone() for p in pair] for pair in ends]
                        changed[layer][part][..., unit] += sign * 1e-5
                        moved.append(rest(nets, x, step, changed))
                    squares = squares + ((moved[0] - moved[1]) / 2e-5) ** 2
        sizes[step] = np.sqrt(squares).mean(1)
    np.testing.assert_allclose(found[:, 2], sizes[3] / sizes[SMALL.length], rtol=1e-5)
    np.testing.assert_allclose(found[:, -1], 1)


@torch.no_grad()
def rest(nets: Population, x: torch.Tensor, step: int, states: list[list[torch.Tensor]]) -> np.ndarray:
    """Answers [members, n] from these states on."""
    if step == x.shape[-1]:
        named = nets.named(nets.weights)
        w, b = (named[f"{nets.net.layers}.{part}"] for part in ("weight", "bias"))
        return (torch.bmm(states[-1][0], w.mT) + b.unsqueeze(1))[..., 0].numpy()
    return nets.answers(nets.weights, x[..., step:], [(h, c) for h, c in states])[0][..., 0].numpy()


def test_gates_and_states_are_those_of_torch() -> None:
    for net in (LSTM, Net(cell="lstm", layers=2), Net(cell="lstm", both=True)):
        nets = population(net)
        x, _ = sequences(SMALL, 3)
        found = inside(nets, x)
        named, last = nets.named(nets.weights), net.layers - 1
        h_in = x[1].mT
        if last:
            below = nn.LSTM(2, 4, batch_first=True)
            below.load_state_dict({n: named[f"0.{n}"][1] for n in below.state_dict()})
            h_in = below(h_in)[0].detach()
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        w, u, b, b2 = (named[f"{last}.{name}"][1] for name in names)
        h, c = torch.zeros(3, 4), torch.zeros(3, 4)
        for step in range(SMALL.length):
            i, f, g, o = (h_in[:, step] @ w.T + b + h @ u.T + b2).split(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            for quantity, expected in (
                (0, i.sigmoid()),
                (1, f.sigmoid()),
                (2, o.sigmoid()),
                (AT_CELL, c),
                (AT_STATE, h),
            ):
                np.testing.assert_allclose(found[1, quantity, :, :, step], expected, atol=1e-5)
    assert inside(population(Net(cell="cnn")), x).isnan().all()


def test_what_is_held_is_what_a_regression_reads_out() -> None:
    """As many units as a linear network needs hold the last values exactly, and nothing before them."""
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import r2_score

    nets = population(Net(cell="rnn", start="orthogonal"))
    x, _ = sequences(SMALL.replace(task="echo"), 400)
    found = held(nets, x)
    state = nets.answers(nets.weights, x)[1][-1][0].detach().numpy()
    for step in range(SMALL.length):
        values = x[1, :, 0, step].numpy()
        fit = LinearRegression().fit(state[1, :200], values[:200])
        expected = max(r2_score(values[200:], fit.predict(state[1, 200:])), 0)
        assert found[1, step] == pytest.approx(expected, abs=1e-4)
    assert found.sum(1).max() < 4.2


# The cliff


def test_loss_and_gradient_of_the_cliff_are_autograds() -> None:
    rng = np.random.default_rng(0)
    w, b = rng.uniform(2, 8, 20), rng.uniform(-5, -1, 20)
    both = torch.tensor(np.stack([w, b]), requires_grad=True)
    h = torch.full((20,), 0.5, dtype=torch.float64)
    for _ in range(TIME):
        h = both[0] * h.sigmoid() + both[1]
    expected = (h.sigmoid() - TARGET).square()
    (gradient,) = torch.autograd.grad(expected.sum(), both)
    loss, found = loss_and_gradient(w, b)
    np.testing.assert_allclose(loss, expected.detach(), rtol=1e-9)
    np.testing.assert_allclose(found, gradient.T, rtol=1e-7, atol=1e-14)


def test_clips() -> None:
    g = np.array([[-1000.0, 3.0], [0.1, 0.2]])
    tensor = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    for parameter, value in zip(tensor, g[0]):
        parameter.grad = torch.tensor([value], dtype=torch.float32)
    nn.utils.clip_grad_norm_(tensor, 0.5)
    np.testing.assert_allclose(clipped(g, "norm", 0.5)[0], [p.grad.item() for p in tensor], rtol=1e-4)  # type: ignore[union-attr]
    np.testing.assert_array_equal(clipped(g, "norm", 0.5)[1], g[1])
    np.testing.assert_allclose(clipped(g, "tensor", 0.5), [[-0.5, 0.5], [0.1, 0.2]])
    np.testing.assert_allclose(clipped(g, "above", 0.5), [[-1000, 0.5], [0.1, 0.2]])
    np.testing.assert_array_equal(clipped(g, "none", 0.5), g)


# Names


def test_names_are_of_one_language_and_split_without_overlap() -> None:
    every = lists()
    assert sum(map(len, every)) == len(set().union(*map(set, every)))
    training, test = drawn_names(Params(seeds=1))
    one, other = ({tuple(row) for row in part[0]} for part in (training, test))
    assert not one & other and len(one) == training.shape[1] and len(other) == test.shape[1]
    assert spelled("Österlund-é1") == [15, 19, 20, 5, 18, 12, 21, 14, 4, 5]


@pytest.mark.parametrize("kind", ["gru", "both", "padding", "letters"])
def test_how_a_name_is_read(kind: str) -> None:
    net = NamesNet(Reader(kind=kind), Params(seeds=1))
    x = torch.zeros(1, 2, LONGEST, dtype=torch.int64)
    x[0, 0, :3] = torch.tensor([2, 5, 9])
    x[0, 1, :5] = torch.tensor([9, 2, 5, 7, 7])
    alone = net.says(x[:, :1, :3] if kind in ("gru", "both") else x[:, :1])
    np.testing.assert_allclose(net.says(x)[:, :1], alone, atol=1e-6)
    turned = torch.zeros_like(x)
    turned[0, 0, :3] = torch.tensor([9, 2, 5])
    same = np.allclose(net.says(turned[:, :1]), net.says(x)[:, :1], atol=1e-6)
    assert same == (kind == "letters")
    if kind == "padding":
        assert not np.allclose(net.says(x[:, :1, :3]), net.says(x)[:, :1])


# Runs


def last(params: Params, name: str = "recurrent_memory") -> tuple[Any, dict[str, np.ndarray]]:
    generator = train_module(name).train(params)
    while True:
        try:
            result = next(generator)
        except StopIteration as end:
            return result, end.value


def test_a_run_its_weights_and_a_typed_sequence() -> None:
    result, state = last(TINY)
    assert cost(TINY).steps == result.step == result.total and np.isfinite(result.error).all()
    named = weights(result, state)
    assert named["net 1.0.weight_hh_l0"].shape == (2, 3, 3) and named["net 2.1.peephole_l0"].shape == (2, 3, 3)
    found = train_module("recurrent_memory").answer(TINY, result, state, Sequence(sequence="0.5* 0.25 0.25*"))
    assert found.truth[0] == 0.75 and found.said[4, 0] == pytest.approx(0.75, abs=0.01)
    assert found.example.shape == (2, 4)
    for language in ("en", "zh"):
        assert "words.sequence" in words("recurrent_memory", language).labels
        assert figures.draw_typed(found, language).data and "0.750" in figures.summary_typed(found, language)


# Claims: every measure on a Result known to bear it out, and on one known not to

BY_ID = {each.id: each for each in (*CLAIMS, *MISTAKES)}


def made(id: str, **rows: Any) -> Result:
    """A finished run: error [net] from tick `at` on; of all nets the first step's through, how many are held, a gate's
    opening at marks, the longest gradient."""
    params = BY_ID[id].params
    nets, seeds, length = len(used(params)), params.seeds, params.length
    base = BASELINES[params.task]
    tick = np.array([0, 100, 200, 300, 400, params.steps])
    error = np.full((nets, seeds, len(tick)), base)
    for k, value in enumerate(rows.get("error", [])):
        error[k, :, rows.get("at", [1] * nets)[k] :] = value
    through = np.full((nets, seeds, 2, length), 1.0)
    held_values = np.zeros((nets, seeds, 2, length))
    mean_gate = np.full((nets, seeds, 2, 7, 2), 0.5)
    norm = np.ones((nets, seeds, len(tick)))
    for k, pair in enumerate(rows.get("through", [])):
        through[k, :, :, 0] = pair
    for k, pair in enumerate(rows.get("held", [])):
        held_values[k] = np.array(pair)[:, None] / length
    for k, difference in enumerate(rows.get("gate", [])):
        mean_gate[k, :, :, 0, 1] += difference
    for k, longest in enumerate(rows.get("norm", [])):
        norm[k, :, 2] = longest
    return known(
        Result, params, tick=tick, error=error, through=through, held=held_values, mean_gate=mean_gate, norm=norm,
        step=params.steps, total=params.steps,
    )  # fmt: skip


def pair(id: str, yes: dict[str, Any], no: dict[str, Any]) -> tuple[Result, Result]:
    return made(id, **yes), made(id, **no)


def errors(id: str, yes: list[float], no: list[float], **at: Any) -> tuple[Result, Result]:
    return pair(id, {"error": yes, **at}, {"error": no, **at})


def paths(id: str, longest: list[float], loss: list[float], turned: list[float]) -> Cliff:
    params = BY_ID[id].params
    shape = (4, params.seeds)
    given = {
        name: np.repeat(np.array(v, float)[:, None], params.seeds, 1)
        for name, v in (("longest", longest), ("turned", turned))
    }
    losses = np.repeat(np.array(loss)[:, None, None], params.seeds, 1)
    return known(Cliff, params, loss=losses, **given, path=np.zeros((*shape, 1, 2)), step=STEPS, total=STEPS)


def scores(id: str, **found: float) -> Names:
    params = BY_ID[id].params
    accuracy = np.full((len(params.readers), params.seeds, 9, 2), 0.5)
    for k, reader in enumerate(params.readers):
        accuracy[k] = found.get(reader.kind, 0.5)
    return known(Names, params, accuracy=accuracy)


OFF, ON = [0.3, 0.1, 0.3, 0.3], [0.3, 0.3, 0.3, 0.3]
GOOD = 0.001
KNOWN = {
    "rnn": errors("rnn", [0.1, 0.1, 0.1], [GOOD] * 3),
    "lstm": errors("lstm", [0.1, GOOD, GOOD], [0.1, 0.1, 0.1]),
    "gru": errors("gru", [0.1, GOOD, GOOD], [0.1, 0.1, 0.1]),
    "sooner": pair("sooner", {"error": [GOOD] * 3, "at": [1, 3, 1]}, {"error": [GOOD] * 3, "at": [1, 1, 3]}),
    "vanishes": pair("vanishes", {"through": [(1e-5, 1e-3)] * 3}, {"through": [(0.1, 0.1)] * 3}),
    "sigma": pair("sigma", {"through": [(0.003, 1)] * 3}, {"through": [(0.5, 1)] * 3}),
    "learns": pair("learns", {"through": [(0.003, 1)] * 3}, {"through": [(0.5, 0.5)] * 3}),
    "leaps": pair("leaps", {"norm": [9.0] * 3}, {"norm": [1.1] * 3}),
    "gates": pair("gates", {"gate": [0.3] * 3}, {"gate": [0.0] * 3}),
    "not_all": pair("not_all", {"held": [(3, 3)] * 3}, {"held": [(15, 15)] * 3}),
    "forgets": pair("forgets", {"held": [(3, 1)] * 3}, {"held": [(3, 3)] * 3}),
    "near": errors("near", [0.01, 0.01], [0.1, 0.1]),
    "orthogonal": pair("orthogonal", {"through": [(0.01, 1), (0.5, 1)]}, {"through": [(0.5, 1), (0.5, 1)]}),
    "echo": errors("echo", [0.01, 0.06], [0.06, 0.06]),
    "clip": errors("clip", [0.1, 0.1], [0.01, 0.15]),
    "bias_low": errors("bias_low", [0.1, GOOD, GOOD], [GOOD] * 3),
    "bias_high": pair("bias_high", {"through": [(1, 1), (0.003, 1), (0.5, 1)]}, {"through": [(1, 1)] * 3}),
    "fed_back": errors("fed_back", [GOOD, GOOD, 0.1], [GOOD] * 3),
    "peephole": pair("peephole", {"error": [GOOD] * 3}, {"error": [GOOD] * 3, "at": [1, 4, 1]}),
    "cnn": errors("cnn", [0.1, GOOD], [0.1, 0.1]),
    "cnn_near": errors("cnn_near", [0.1, GOOD], [GOOD, GOOD]),
    "both": errors("both", [0.08, GOOD], [0.08, 0.08]),
    "forward": errors("forward", [0.084, GOOD], [0.15, GOOD]),
    "tamed": (paths("tamed", [9, 0.3, 0.3, 9], ON, OFF), paths("tamed", ON, ON, OFF)),
    "stays": (paths("stays", ON, [0.1, GOOD, 0.1, 0.1], OFF), paths("stays", ON, ON, OFF)),
    "order": (scores("order", gru=0.7), scores("order", gru=0.5)),
    "read_rnn": (scores("read_rnn", lstm=0.7), scores("read_rnn", rnn=0.7)),
    "overfit": (scores("overfit", gru=0.7), scores("overfit", lstm=0.7)),
    "tensor": (paths("tensor", ON, ON, [0, 0, 30, 0]), paths("tensor", ON, ON, [0, 0, 0, 0])),
    "above": (paths("above", [9, 0.3, 0.3, 9], ON, OFF), paths("above", ON, ON, OFF)),
    "carried": errors("carried", [GOOD, 0.02], [GOOD, GOOD]),
    "padding": (scores("padding", gru=0.7), scores("padding", gru=0.5)),
}


def test_solved_stays_solved() -> None:
    result = made("rnn", error=[GOOD, 0.1, GOOD], at=[1, 1, 3])
    result.error[0, 0, 3:] = 0.1
    assert solved(result)[0, 0].tolist() == [False, True, True, True, True, True]
    assert solved(result)[1].sum() == 0


def test_predictions_say_who_solves_more() -> None:
    answer = load("recurrent_memory").predictions[0].answer
    said = answer(made("rnn", error=[0.1, GOOD, GOOD]))
    assert said is not None and said[0] == "less" and said[1]["rnn"] == "0%" and said[1]["lstm"] == "100%"
