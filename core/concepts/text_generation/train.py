"""Text generation: a recurrent network learns to predict the next character, and then writes by its own predictions."""

from __future__ import annotations

from collections.abc import Generator
from itertools import zip_longest

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.concepts.text_generation.corpora import END, built_in, copied, divided, families, pieces, vocabulary
from core.concepts.text_generation.counting import NGrams, drawn, packed
from core.concepts.text_generation.params import (
    EMBEDDING,
    FEATURES,
    HEATS,
    PACKERS,
    SAMPLED,
    SPLITS,
    WARMTHS,
    Params,
    Prompt,
    Result,
    Written,
    cut,
    sample_shape,
)
from core.ml.data import batch_orders
from core.ml.own import text
from core.ml.random import stream
from core.ml.recording import Recording, schedule
from core.ml.recurrent import recurrent_forward, recurrent_hidden, recurrent_outputs, recurrent_weights

TICKS = 12  # moments after the start at which everything is recorded; they are ever further apart
CLIP = 1.0  # longest gradient (Pascanu, Mikolov and Bengio, 2013)
AT_ONCE = 2_000_000  # outputs of a member held at once while measuring
READ = 400  # letters over which single units are shown


def train(params: Params, device: str = "cpu", chunk: int = 5) -> Generator[Result, None, dict]:
    """Results, each fuller than the last, at least one every `chunk` steps, which says when, never what; at the end
    the weights [seeds, D] and the training text of seed 0."""
    seeds = range(params.seeds)
    passages = pieces(text(params.own)) if params.own else built_in(params.corpus)
    groups, symbols = families(passages), vocabulary(passages)
    layers = (len(symbols), *[params.units] * params.layers, len(symbols))
    texts = [divided(passages, groups, params.data_seed + i) for i in seeds]  # [seed][split], passages
    coded = [[encoded(part, symbols) for part in parts] for parts in texts]
    windows = [cut_up(parts[0], params.window if cut(params) else None) for parts in coded]
    measured = [padded([parts[k][: len(parts[2])] for parts in coded]) for k in range(len(SPLITS))]
    everything = [END + END.join(parts[0]) + END for parts in texts]
    start = [recurrent_weights(params.cell, layers, params.weight_seed + i, EMBEDDING) for i in seeds]
    weights = torch.as_tensor(np.stack(start), device=device).requires_grad_()
    optimizer = torch.optim.Adam([weights], fused=True)  # works number by number: each member's path is its own

    per_step, total = params.batch, params.steps
    orders = []
    for i, rows in zip(seeds, windows):
        epochs = -(-total * per_step // len(rows))
        orders.append(batch_orders(len(rows), epochs, params.data_seed + i).ravel()[: total * per_step])
    masks = [stream("dropout", params.weight_seed + i) for i in seeds]
    ticks = np.unique((total * (np.arange(TICKS + 1) / TICKS) ** 2).round().astype(int))

    samples, places = sample_shape(params)
    drawings = stream("samples", params.weight_seed).random((samples, places))
    luck = np.tile(drawings, (len(SAMPLED), 1))
    warmth = np.repeat(SAMPLED, samples)
    shape = (len(SAMPLED), samples, places)
    axes = {"seed": params.seeds, "split": len(SPLITS), "order": NGrams.orders(len(symbols)), "part": 2}
    axes |= {"packer": len(PACKERS), "temperature": len(SAMPLED), "passage": samples, "place": places}
    axes |= {"warmth": len(WARMTHS), "heat": len(HEATS), "moment": 2, "half": 2, "unit": params.units}
    record = Recording(
        Result,
        params,
        total,
        axes | {"feature": len(FEATURES)},
        parameters=weights.shape[1],
        characters=len(everything[0]) - 1,
        vocabulary=code_points(symbols),
        at=ticks,
        bytes_per_character=np.array([len(joined(t[2]).encode()) / len(joined(t[2])) for t in texts]),
    )

    for moment in schedule(total, chunk, tick=ticks):
        for step in moment.steps:
            # One step: every member on the next windows of its own seed
            batch = [w[o[step * per_step : (step + 1) * per_step]] for w, o in zip(windows, orders)]
            x, y = to_predict(np.stack(rows_of_one_length(batch)), device)
            hidden, _ = recurrent_hidden(weights, x, params.cell, layers, EMBEDDING)
            if params.dropout:  # one mask per window, the same at all its characters (Gal and Ghahramani, 2016)
                kept = [rng.random((per_step, params.units), np.float32) >= params.dropout for rng in masks]
                mask = torch.as_tensor(np.stack(kept), dtype=torch.float32, device=device) / (1 - params.dropout)
                hidden = hidden * mask.unsqueeze(1)
            nats = surprise(recurrent_outputs(weights, hidden, layers), y)
            loss = nats.sum((1, 2)) / (y >= 0).sum((1, 2))
            (weights.grad,) = torch.autograd.grad(loss.sum(), weights)
            length = weights.grad.norm(dim=1, keepdim=True)
            weights.grad.mul_((CLIP / length).clamp(max=1))
            for group in optimizer.param_groups:
                group["lr"] = params.lr * (1 - step / total)
            optimizer.step()
        if "tick" in moment.due:
            bits = [bits_per_character(weights, rows, layers, params)[:, 0] for rows in measured]
            letters = written(weights[:1], luck, warmth, layers, params)[0]
            sample, mark = shown(letters, symbols, texts[0][0], everything[0], shape)
            record.append("tick", bits=np.stack(bits, 1), sample=sample, copied=mark)
        if moment.last:
            break
        yield record.result(moment.step)

        if moment.step == 0:  # what predicts the same text without learning, and the units before they learn
            ngram, packs = [], []
            for i, (parts, codes) in enumerate(zip(texts, coded)):
                counts = NGrams([passage[1:] for passage in codes[0]], len(symbols))
                ngram.append(np.stack([counts.bits([passage[1:] for passage in part]) for part in codes[1:]], 1))
                packs.append(packed(joined(parts[0]), joined(parts[2])))
                if i == 0:
                    letters = counts.written(luck, int(ngram[0][:, 0].argmin()) + 1, warmth)
                    counted, mark = shown(letters, symbols, parts[0], everything[0], shape)
            at_first = best_followed(unit_follows(weights, measured[2], symbols, layers, params))
            followed = np.stack([at_first, np.full_like(at_first, np.nan)], 1)
            record.set(ngram=ngram, packed=packs, counted=counted, counted_copied=mark, followed=followed)
            yield record.result(0)

    # After training
    many = max(20, min(100, 4000 // places))
    luck_of_all = np.stack([stream("many samples", params.weight_seed + i).random((many, places)) for i in seeds])
    letters = written(weights, np.tile(luck_of_all, (1, len(WARMTHS), 1)), np.repeat(WARMTHS, many), layers, params)
    distinct, from_training, from_held_out = np.zeros((3, params.seeds, len(WARMTHS)))
    for i, (training, *held) in enumerate(texts):
        known, unseen = set(training), {passage for part in held for passage in part}
        for k, some in enumerate(np.split(letters[i], len(WARMTHS))):
            found = decoded(some, symbols)
            marks = [copied(passage, known, everything[i]) for passage in found]
            distinct[i, k] = len(set(found)) / many
            from_training[i, k] = np.concatenate(marks).mean() if any(found) else 0.0
            from_held_out[i, k] = np.mean([passage in unseen for passage in found])
    follows = unit_follows(weights, measured[2], symbols, layers, params)
    reading, activation = read(weights[:1], coded[0][2], symbols, layers, params)
    record.set(
        tempered=bits_per_character(weights, measured[2], layers, params, HEATS),
        distinct=distinct,
        from_training=from_training,
        from_held_out=from_held_out,
        followed=np.stack([at_first, best_followed(follows)], 1),
        follows=follows[0],
        reading=reading,
        activation=activation,
    )
    yield record.result(total)
    return {"weights": weights.numpy(force=True), "training": code_points(everything[0])}


def answer(params: Params, result: Result, state: dict[str, np.ndarray], question: Prompt) -> Written:
    """What the network of seed 0 writes after a prompt, letter by letter."""
    symbols = "".join(map(chr, result.vocabulary))
    layers = (len(symbols), *[params.units] * params.layers, len(symbols))
    weights = torch.as_tensor(state["weights"][:1])
    prompt = [c for c in question.prompt if c in symbols]
    unknown = dict.fromkeys(c for c in question.prompt if c not in symbols)
    luck = stream("prompt", question.luck).random(question.length)
    said, chances, last, states = "", [], END, None
    with torch.no_grad():
        for given, u in zip_longest(prompt, np.r_[np.zeros(len(prompt)), luck]):
            states = None if last == END else states  # every passage begins from nothing
            x = torch.tensor([[[symbols.index(last)]]])
            outputs, states = recurrent_forward(weights, x, params.cell, layers, EMBEDDING, states)
            p = outputs[0, 0].double().softmax(1).numpy()  # [1, symbols]
            chosen = symbols.index(given) if given else drawn(narrowed(p, question), np.array([u]), np.ones(1))[0]
            last = symbols[chosen]
            said += last
            chances.append(p[0, chosen])
    everything = "".join(map(chr, state["training"]))
    known = set(everything.split(END))
    marks = [m for part in said.split(END) for m in (*copied(part, known, everything), 0)][:-1]
    return Written(
        question,
        1,
        1,
        letters=code_points(said),
        chance=np.array(chances),
        copied=np.array(marks, np.uint8),
        prompted=np.array(len(prompt)),
        unknown=code_points("".join(unknown)),
    )


def narrowed(p: np.ndarray, question: Prompt) -> np.ndarray:
    """Probabilities [1, symbols] at a temperature, without what top-k and top-p leave out (nucleus: Holtzman et al.,
    2020): of the likeliest the fewest that together reach top_p."""
    with np.errstate(divide="ignore"):
        logits = np.log(p) / question.temperature
    p = np.exp(logits - logits.max())
    p /= p.sum()
    order = np.argsort(-p[0], kind="stable")
    likeliest = p[0, order]
    kept = likeliest.cumsum() - likeliest < question.top_p
    if question.top_k:
        kept[question.top_k :] = False
    narrow = np.zeros_like(p)
    narrow[0, order[kept]] = likeliest[kept]
    return narrow


# Text as numbers


def encoded(passages: list[str], symbols: str) -> list[np.ndarray]:
    """Passages as numbers of their characters, between END and END, which is 0."""
    number = {c: i for i, c in enumerate(symbols)}
    return [np.array([0, *map(number.__getitem__, passage), 0], np.int16) for passage in passages]


def decoded(letters: np.ndarray, symbols: str) -> list[str]:
    """The passages that rows of numbers [n, places] mean, up to their END."""
    points = code_points(symbols)[letters]
    return [row.tobytes().decode("utf-32").partition(END)[0] for row in points]


def joined(passages: list[str]) -> str:
    return END.join(passages) + END


def code_points(text: str) -> np.ndarray:
    return np.array([ord(c) for c in text], np.uint32)


def cut_up(passages: list[np.ndarray], window: int | None) -> np.ndarray:
    """Windows of at most `window` characters to predict (None: whole passages), each with the character before it:
    [windows, longest + 1]. A window that begins within a passage is read without what comes before."""
    pieces = []
    for passage in passages:
        size = window or len(passage) - 1
        pieces += [passage[first : first + size + 1] for first in range(0, len(passage) - 1, size)]
    return padded([pieces])[0]


def padded(sets: list[list[np.ndarray]]) -> np.ndarray:
    """Passages of several seeds as rows of one length, the longest first: int16 [seeds, rows, longest], −1 after the
    end of each."""
    rows, longest = max(map(len, sets)), max(len(passage) for passages in sets for passage in passages)
    found = np.full((len(sets), rows, longest), -1, np.int16)
    for table, passages in zip(found, sets):
        for row, passage in zip(table, sorted(passages, key=len, reverse=True)):
            row[: len(passage)] = passage
    return found


def rows_of_one_length(tables: list[np.ndarray]) -> list[np.ndarray]:
    """Tables of rows, cut and filled up with −1 to the length that the longest row needs."""
    longest = max(int((table >= 0).sum(1).max()) for table in tables)
    return [np.pad(t[:, :longest], ((0, 0), (0, max(0, longest - t.shape[1]))), constant_values=-1) for t in tables]


def to_predict(rows: np.ndarray, device: str | torch.device) -> tuple[Tensor, Tensor]:
    """What the network reads and what it shall predict, from rows [seeds, n, length + 1]: [seeds, length, n] each, −1
    where there is nothing to predict."""
    table = torch.as_tensor(rows.astype(np.int64), device=device).transpose(1, 2)
    return table[:, :-1].clamp(min=0), table[:, 1:]


# Measuring


def surprise(outputs: Tensor, y: Tensor) -> Tensor:
    """Nats per character [seeds, length, n]; 0 where there is nothing to predict."""
    flat = functional.cross_entropy(outputs.flatten(0, 2), y.flatten(), ignore_index=-1, reduction="none")
    return flat.view(y.shape)


@torch.no_grad()
def bits_per_character(
    weights: Tensor, rows: np.ndarray, layers: tuple[int, ...], params: Params, temperatures: tuple[float, ...] = (1.0,)
) -> np.ndarray:
    """Mean bits per character of passages [seeds, n, longest + 1], read from their beginning: [seeds, temperatures]."""
    nats = np.zeros((len(rows), len(temperatures)))
    size = max(1, AT_ONCE // (rows.shape[2] * layers[-1]))
    for first in range(0, rows.shape[1], size):
        block = np.stack(rows_of_one_length(list(rows[:, first : first + size])))
        x, y = to_predict(block, weights.device)
        outputs, _ = recurrent_forward(weights, x, params.cell, layers, EMBEDDING)
        for k, temperature in enumerate(temperatures):
            nats[:, k] += surprise(outputs / temperature, y).double().sum((1, 2)).numpy(force=True)
    return nats / np.log(2) / (rows[:, :, 1:] >= 0).sum((1, 2))[:, None]


@torch.no_grad()
def written(
    weights: Tensor, luck: np.ndarray, temperatures: np.ndarray, layers: tuple[int, ...], params: Params
) -> np.ndarray:
    """Passages the members write, from uniform numbers [n, places] or [members, n, places], each at its temperature
    [n]: numbers of symbols [members, n, places], 0 from the END on."""
    members, (n, places) = len(weights), luck.shape[-2:]
    luck = np.broadcast_to(luck, (members, n, places))
    found = np.zeros((members, n, places), np.int64)
    last, states = torch.zeros(members, 1, n, dtype=torch.int64, device=weights.device), None
    for k in range(places):
        outputs, states = recurrent_forward(weights, last, params.cell, layers, EMBEDDING, states)
        p = outputs[:, 0].softmax(2).flatten(0, 1).numpy(force=True)
        chosen = drawn(p, luck[:, :, k].ravel(), np.tile(temperatures, members)).reshape(members, n)
        found[:, :, k] = chosen if k == 0 else np.where(found[:, :, k - 1] > 0, chosen, 0)
        if not found[:, :, k].any():
            break
        last = torch.as_tensor(found[:, None, :, k], device=weights.device)
    return found


def shown(
    letters: np.ndarray, symbols: str, training: list[str], everything: str, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Code points of passages [n, places], 0 after their end, and where they are copied: both in `shape`."""
    points, marks = np.zeros(letters.shape, np.uint32), np.zeros(letters.shape, np.uint8)
    known = set(training)
    for i, passage in enumerate(decoded(letters, symbols)):
        points[i, : len(passage)] = code_points(passage)
        marks[i, : len(passage)] = copied(passage, known, everything)
    return points.reshape(shape), marks.reshape(shape)


# Single units


def features(passage: str) -> np.ndarray:
    """What a unit could follow, once each character before the END is read (the first is the END before): [FEATURES,
    len(passage) + 1]."""
    read_so_far, coming = END + passage, passage + END
    found = np.zeros((len(FEATURES), len(coming)))
    in_word = quotes = brackets = 0
    for t, (c, after) in enumerate(zip(read_so_far, coming)):
        in_word = in_word + 1 if c.isalpha() else 0
        quotes += c == '"'
        brackets = max(0, brackets + (c in "([{") - (c in ")]}"))
        vowel, opened = c.lower() in "aeiouy", brackets > 0
        found[:, t] = (t, in_word, not after.isalpha(), vowel, c.isupper(), quotes % 2, opened, after == END)
    return found


@torch.no_grad()
def unit_follows(
    weights: Tensor, rows: np.ndarray, symbols: str, layers: tuple[int, ...], params: Params
) -> np.ndarray:
    """Correlation of every unit of the last layer with every feature, on each half of the passages: [seeds, 2, units,
    FEATURES]; 0 where one of the two never changes."""
    found = np.zeros((len(rows), 2, params.units, len(FEATURES)))
    for i, table in enumerate(rows):
        for half in range(2):
            some = [row for row in table[half::2] if row[0] == 0]
            x, y = to_predict(np.stack(some)[None], weights.device)
            hidden, _ = recurrent_hidden(weights[i : i + 1], x, params.cell, layers, EMBEDDING)
            there = (y[0].T >= 0).numpy(force=True)  # [n, length]
            states = hidden[0].transpose(0, 1).double().numpy(force=True)[there]
            marks = np.concatenate([features(passage) for passage in decoded(np.stack(some)[:, 1:], symbols)], 1).T
            found[i, half] = correlations(states, marks)
    return found


def correlations(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pearson's r of every column of `one` [n, a] with every column of `other` [n, b]: [a, b], 0 for a constant."""
    one, other = one - one.mean(0), other - other.mean(0)
    sizes = np.linalg.norm(one, axis=0)[:, None] * np.linalg.norm(other, axis=0)
    return np.divide(one.T @ other, sizes, out=np.zeros_like(sizes), where=sizes > 1e-9)


def best_followed(follows: np.ndarray) -> np.ndarray:
    """|r| on the second half of the unit that follows a feature best on the first: [seeds, FEATURES]."""
    size = np.abs(follows)
    best = size[:, 0].argmax(1)[:, None]  # [seeds, 1, FEATURES]
    return np.take_along_axis(size[:, 1], best, 1)[:, 0]


@torch.no_grad()
def read(
    weights: Tensor, passages: list[np.ndarray], symbols: str, layers: tuple[int, ...], params: Params
) -> tuple[np.ndarray, np.ndarray]:
    """The first READ letters of passages, each after an END, as code points, and the state of every unit of the last
    layer once it has read each: [letters] and int8 [units, letters]."""
    letters: list[str] = []
    states: list[np.ndarray] = []
    for passage in passages:
        if len(letters) >= READ:
            break
        x, _ = to_predict(passage[None, None], weights.device)
        hidden, _ = recurrent_hidden(weights, x, params.cell, layers, EMBEDDING)
        letters += [symbols[i] for i in x[0, :, 0].tolist()]
        states.append((127 * hidden[0, :, 0]).round().to(torch.int8).numpy(force=True))
    return code_points("".join(letters))[:READ], np.concatenate(states)[:READ].T
