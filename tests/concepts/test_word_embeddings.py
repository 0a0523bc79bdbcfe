"""Word embeddings against torch.nn, numpy, scikit-learn, the rules of the made text, and made-up Results."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import cosine_similarity
from torch import nn
from torch.nn import functional

from core.concept.params import Refused
from core.concept.parts import experiment, load, train_module
from core.concept.result import BaseResult
from core.concepts.word_embeddings.claims import CLAIMS, MISTAKES
from core.concepts.word_embeddings.corpora import (
    FORMS,
    LEAST,
    LENGTH,
    SKIPPED,
    VERB_AT,
    VERBS,
    corpus,
    expected,
    grammar,
    made,
    pairs_within,
    shuffled,
    thinned,
    usable,
)
from core.concepts.word_embeddings.figures import chance
from core.concepts.word_embeddings.networks import (
    SkipGram,
    against_pmi,
    counts_of,
    decomposed,
    first_tables,
    noise_of,
    of_one_kind,
    on_map,
    rows_of,
    shifted_pmi,
    skipgram_loss,
    solved,
)
from core.concepts.word_embeddings.params import PAIRED, POWER, TINY, WAYS, Params, Wanted, weights
from core.concepts.word_embeddings.reader.params import DIMENSION, LABELLED, NETS
from core.concepts.word_embeddings.reader.train import Reader, first_rows
from core.concepts.word_embeddings.train import answer
from core.ml.own import CONTENTS
from tests.known import known

# That the texts repeat: words, groups, windows, dimensions, lengths of training and numbers of labelled sentences
CONSTANTS = {LEAST, SKIPPED, PAIRED, POWER, *LABELLED, 40, 1, 2, 4, 8, 32, 10, 2000}


@cache
def last(name: str, params: Any) -> tuple[Any, dict[str, np.ndarray]]:
    steps = train_module(name).train(params)
    while True:
        try:
            result = next(steps)
        except StopIteration as end:
            return result, end.value


# Skip-gram


def test_a_one_hot_row_times_the_table_is_a_row_of_it() -> None:
    tables = torch.randn(3, 2, 7, 4)
    words = torch.tensor([[0, 6], [1, 1], [5, 2]])
    for which in range(2):
        product = functional.one_hot(words, 7).float() @ tables[:, which]
        torch.testing.assert_close(rows_of(tables, which, words), product)
        for member in range(3):
            table = nn.Embedding.from_pretrained(tables[member, which])
            assert torch.equal(rows_of(tables, which, words)[member], table(words[member]))


def test_the_loss_and_its_gradient_are_those_written_out() -> None:
    tables = torch.randn(2, 2, 9, 5, dtype=torch.float64, requires_grad=True)
    pairs, negatives, k = torch.randint(0, 9, (2, 2, 6)), torch.randint(0, 9, (2, 4)), 3
    loss = skipgram_loss(tables, pairs, negatives, k)
    (slope,) = torch.autograd.grad(loss.sum(), tables)
    sigma = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    for m, (u, v) in enumerate(tables.detach().numpy()):
        total, by_hand = 0.0, np.zeros((2, 9, 5))
        for w, c in pairs[m].T.numpy():
            total -= np.log(sigma(u[w] @ v[c])) / 6
            by_hand[0, w] -= sigma(-u[w] @ v[c]) * v[c] / 6
            by_hand[1, c] -= sigma(-u[w] @ v[c]) * u[w] / 6
            for n in negatives[m].numpy():
                total -= k * np.log(sigma(-u[w] @ v[n])) / 24
                by_hand[0, w] += k * sigma(u[w] @ v[n]) * v[n] / 24
                by_hand[1, n] += k * sigma(u[w] @ v[n]) * u[w] / 24
        assert loss[m].item() == pytest.approx(total)
        np.testing.assert_allclose(slope[m].numpy(), by_hand, atol=1e-12)


def test_with_enough_numbers_scores_come_to_the_shifted_pmi() -> None:
    """The gradient of the expected loss vanishes where scores are the shifted PMI (Levy & Goldberg, 2014)."""
    rng = np.random.default_rng(0)
    counts, k = rng.integers(1, 30, (6, 6)).astype(float), 4
    noise = noise_of(counts.sum(0), POWER)
    score = torch.tensor(shifted_pmi(counts, noise, k), requires_grad=True)
    share = torch.tensor(counts / counts.sum())
    false = share.sum(1, keepdim=True) * torch.tensor(noise)
    loss = -(share * functional.logsigmoid(score)).sum() - k * (false * functional.logsigmoid(-score)).sum()
    assert torch.autograd.grad(loss, score)[0].abs().max() < 1e-12


def test_negatives_come_by_their_chances_and_members_do_not_meet() -> None:
    tables = np.stack([first_tables(5, 3, seed) for seed in (4, 9)])
    pairs = [np.array([[0, 1, 2], [1, 2, 3]], np.int32)] * 2
    noise = np.array([[0.1, 0.2, 0.3, 0.4, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0]])
    both, alone = SkipGram(tables, pairs, noise, 2, "cpu"), SkipGram(tables[1:], pairs[1:], noise[1:], 2, "cpu")
    for _ in range(3):
        both.learn(np.full((2, 4), 0.5), np.full((2, 2), 0.95), 0.1)
        alone.learn(np.full((1, 4), 0.5), np.full((1, 2), 0.95), 0.1)
    np.testing.assert_array_equal(both.found()[1], alone.found()[0])
    assert (both.found()[0, 1, [0, 1, 4]] == 0).all() and (both.found()[0, 1, [2, 3]] != 0).all()


def test_the_exported_tables_have_the_scores_that_are_shown() -> None:
    result, state = last("word_embeddings", TINY)
    named = weights(result, state)
    for i in range(2):
        u, v = (
            nn.Embedding.from_pretrained(torch.tensor(named[f"{i}.{part}.weight"][0])) for part in ("input", "output")
        )
        word, context = torch.tensor(result.pair[-1]).T
        np.testing.assert_allclose((u(word) * v(context)).sum(1), result.score[i, -1], atol=1e-6)
    np.testing.assert_array_equal(named["0.input.weight"][0, result.pick], result.vector[-1])


# Counting, and what is asked of vectors


def test_pairs_are_those_within_the_window_of_a_sentence() -> None:
    one = made(3)
    for window in (1, 3):
        wanted = np.zeros((len(one.words),) * 2)
        for sentence in one.flat.reshape(-1, LENGTH):
            for i, word in enumerate(sentence):
                for j in range(max(0, i - window), min(LENGTH, i + window + 1)):
                    wanted[word, sentence[j]] += i != j
        np.testing.assert_array_equal(counts_of(pairs_within(one, window), len(one.words)), wanted)


def test_counted_vectors_are_the_best_of_their_rank() -> None:
    counts = counts_of(pairs_within(made(0), 2), len(grammar()[0])).astype(float)
    noise = noise_of(counts.sum(0), POWER)
    positive = np.nan_to_num(shifted_pmi(counts, noise, 1), neginf=0).clip(0)
    u, v = decomposed(counts, noise, 1, 10)
    a, s, b = np.linalg.svd(positive)
    np.testing.assert_allclose(u @ v.T, (a[:, :10] * s[:10]) @ b[:10], atol=1e-4)
    whole = decomposed(counts, noise, 1, 100)
    assert whole.shape == (2, len(counts), 100) and not whole[..., len(counts) :].any()


def test_the_map_is_of_principal_components_and_does_not_turn() -> None:
    x = np.random.default_rng(0).normal(size=(12, 5)) * [3, 2, 1, 1, 1]
    theirs, first = PCA(2).fit_transform(x), on_map(x, None)
    np.testing.assert_allclose(np.abs(first), np.abs(theirs), atol=1e-9)
    angle = 0.7
    turned = x.copy()
    turned[:, :2] = x[:, :2] @ [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    np.testing.assert_allclose(on_map(turned, first), first, atol=1e-9)


def test_kinds_are_counted_by_the_nearest_other_word() -> None:
    x = np.random.default_rng(1).normal(size=(8, 3))
    cosines, kinds = cosine_similarity(x), np.array([0, 0, 1, 1, 2, 2, 3, 3])
    hits = 0
    for i in range(8):
        others = [j for j in range(8) if j != i]
        hits += kinds[max(others, key=lambda j: cosines[i, j])] == kinds[i]
    assert of_one_kind(cosines, kinds) == hits / 8 and np.isnan(of_one_kind(cosines, 0 * kinds))
    assert chance(kinds) == pytest.approx(1 / 7)


def test_analogies_in_every_way() -> None:
    """A parallelogram, with a word next to c that is not the answer, and b + c nearer to another."""
    units = np.eye(6)[:, :4].copy()
    a, b, c, d, near, between = range(6)
    units[[a, b]] = [1, 0, 0, 0], [0.6, 0.8, 0, 0]
    units[c], units[near] = [0.6, 0, 0.8, 0], [0.6, -0.1, 0.79, 0]
    units[d], units[between] = [0.2, 0.8, 0.8, 0], [1.2, 0.8, 0.8, 0]
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    found = dict(zip(WAYS, solved(units, np.array([[a, b, c, d]]))))
    assert found == {"sum": 1, "plus": 0, "alone": 0, "allowed": 1}
    units[b] = [1, 0.1, 0, 0] / np.linalg.norm([1, 0.1])  # a and b nearly alike: the sum stays at c
    assert dict(zip(WAYS, solved(units, np.array([[a, b, c, near]])))) == {
        "sum": 1,
        "plus": 0,
        "alone": 1,
        "allowed": 0,
    }
    assert np.isnan(solved(units, np.zeros((0, 4), int))).all()


def test_scores_against_pmi_are_what_scipy_and_numpy_say() -> None:
    rng = np.random.default_rng(2)
    both, counts = rng.normal(size=(2, 6, 3)), rng.integers(0, 12, (6, 6)).astype(float)
    noise = noise_of(counts.sum(0), POWER)
    wanted = shifted_pmi(counts, noise, 2)
    found = against_pmi(both, wanted, counts, noise)
    there = counts >= 5
    score = (both[0] @ both[1].T)[there]
    assert found["follows"] == pytest.approx(np.corrcoef(score, wanted[there])[0, 1])
    assert found["off"] == pytest.approx(np.sqrt(((score - wanted[there]) ** 2).mean()))
    frequency = np.broadcast_to(np.log(noise), counts.shape)[there]
    assert found["tilt"] == pytest.approx(np.polyfit(frequency, score - wanted[there], 1)[0])


# Texts


def test_the_made_text_keeps_its_rules() -> None:
    words, chances = grammar()
    np.testing.assert_allclose(chances.sum(-1), 1)
    one = made(1)
    drawn, said = one.flat.reshape(-1, LENGTH), [verb + form for form in FORMS for verb in VERBS]
    assert list(words[: len(said)]) == said and (drawn[:, VERB_AT] < len(said)).all()
    for window in (1, 4):
        counts = counts_of(pairs_within(one, window), len(words))
        wanted = expected(window)
        assert counts.sum() == pytest.approx(wanted.sum())
        assert (np.abs(counts - wanted) / np.sqrt(wanted + 1)).max() < 6  # about Poisson
    a, b, c, d = one.questions.T
    form, verb = one.group, one.topic
    assert (form[a] == form[c]).all() and (form[b] == form[d]).all() and (verb[a] == verb[b]).all()
    assert (verb[c] == verb[d]).all() and (verb[a] != verb[c]).all() and len(a) == 5 * 4 * 8 * 7


@pytest.mark.parametrize("data", ["docs", "phrases"])
def test_words_on_the_map_are_in_the_text_and_in_order(data: str) -> None:
    one = corpus(data, "", 0)
    assert len(one.pick) == 40 == len(set(one.pick)) and (np.bincount(one.group) == 8).all()
    assert (np.diff(one.count) <= 0).all() and one.count.sum() == len(one.flat)
    for a, b, c, d in one.questions[:50]:
        assert {one.words[a] + "s" == one.words[b], one.words[a] == one.words[b] + "s"} == {True, False}
        assert {one.words[c] + "s" == one.words[d], one.words[c] == one.words[d] + "s"} == {True, False}


def test_shuffling_and_thinning() -> None:
    one = corpus("docs", "", 0)
    mixed, thin = shuffled(one, 1), thinned(one, 1)
    assert (mixed.count == one.count).all() and not (mixed.flat == one.flat).all()
    assert (mixed.sentence == one.sentence).all()
    share, left = one.count / len(one.flat), thin.count / one.count
    assert (left[share <= 1e-3] == 1).all()
    assert left[0] == pytest.approx(np.sqrt(1e-3 / share[0]), abs=0.03)


def own(content: str) -> str:
    name = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}:{len(content)}x{len(set(content))}"
    CONTENTS[name] = content.encode()
    return name


def test_a_text_of_ones_own() -> None:
    rng = np.random.default_rng(0)
    words = [f"w{a}{b}" for a in "abcdefghi" for b in "abcdefghij"]
    content = ". ".join(" ".join(rng.choice(words, 9)) for _ in range(120))
    usable(content)
    result, _ = last("word_embeddings", TINY.replace(own=own(content)))
    assert (
        result.complete and len(result.pick) == 40 and np.isnan(result.alike).all() and np.isnan(result.analogy).all()
    )
    for figure in load("word_embeddings").figures:
        if not figure.of:
            assert (
                figure.draw(result, "en").to_json() and figure.summary(result, "zh") and len(figure.table(result, "en"))
            )
    assert all(claim.measure(result) is None for claim in CLAIMS if not claim.of)
    with pytest.raises(Refused):
        usable("one two three. " * 300)


# Questions


def test_neighbours_are_those_of_the_tables() -> None:
    result, state = last("word_embeddings", TINY)
    words, (u, v) = grammar()[0], state["1"][0]
    found = answer(TINY, result, state, Wanted(" Painting ", 2))
    at = words.index("painting")
    said = [["".join(map(chr, w[w > 0])) for w in row] for row in found.words]
    cosines = cosine_similarity(u[at : at + 1], u)[0]
    cosines[at] = -1
    assert said[0] == [words[i] for i in np.argsort(-cosines, kind="stable")[:8]]
    assert said[1] == [words[i] for i in np.argsort(-(v @ u[at]), kind="stable")[:8]]
    assert answer(TINY, result, state, Wanted("nosuchword")).words.shape[1] == 0


# The reader


def test_vectors_stay_or_are_learnt_and_a_member_learns_as_it_would_alone() -> None:
    params = Params(seeds=1)
    vectors = np.ones((1, len(grammar()[0]), DIMENSION), np.float32)
    start = np.concatenate([first_rows(params, net, vectors) for net in NETS])
    reader = Reader(start, params, "cpu")
    rng = np.random.default_rng(0)
    x, y = torch.as_tensor(rng.integers(0, 79, (1, 6, LENGTH))), torch.as_tensor(rng.integers(0, 8, (1, 6)))
    before = reader.rows.detach().clone()
    table, gru, head = nn.Embedding(79, 16), nn.GRU(16, 16, batch_first=True), nn.Linear(16, 8)
    nn.utils.vector_to_parameters(before[1], [*table.parameters(), *gru.parameters(), *head.parameters()])
    said = head(gru(table(x[0]))[0][:, -1])
    torch.testing.assert_close(reader.outputs(x)[1], said, rtol=1e-4, atol=1e-5)
    optimizer = torch.optim.Adam([*table.parameters(), *gru.parameters(), *head.parameters()], 0.01)
    functional.cross_entropy(said, y[0]).backward()
    optimizer.step()
    reader.learn(x, y, 0.01)
    after = nn.utils.parameters_to_vector([*table.parameters(), *gru.parameters(), *head.parameters()])
    assert (reader.rows[1] - after).abs().median() < 1e-6 and (reader.rows[1] - after).abs().max() < 2e-2
    moved = (reader.rows != before)[:, : 79 * 16].any(1).tolist()
    assert moved == [False, True, False, True]


# Claims

MANY = 20
CLAIMED = {claim.id: claim for claim in CLAIMS} | {mistake.id: mistake for mistake in MISTAKES}


def spread(value: float) -> np.ndarray:
    return value + np.random.default_rng(0).normal(0, 1e-4, MANY)


def of(id: str, field: str, values: list[Any]) -> BaseResult:
    """The field in the end, of every method: [method, seed, end or tick(, way)]; 0.2 at the start."""
    params = CLAIMED[id].params.replace(seeds=MANY)
    found = np.stack([np.stack([spread(v) for v in np.atleast_1d(value)], -1) for value in values])  # [method, seed, n]
    if field in ("alike", "about"):
        both = np.concatenate([np.full_like(found, 0.2), found], 2)
        return known(experiment("word_embeddings").Result, params, **{field: both})
    given = found[:, :, None] if field == "analogy" else found
    return known(experiment("word_embeddings").Result, params, **{field: given})


def read(id: str, few: dict[str, float], at: int = 0) -> BaseResult:
    params = CLAIMED[id].params.replace(seeds=MANY)
    filled = np.full((len(NETS), len(LABELLED), MANY, 2), 0.5)
    for net, value in few.items():
        filled[NETS.index(net), at] = spread(value)[:, None]
    return known(experiment("word_embeddings.reader").Result, params, accuracy=filled)


SOLVED, NEAR = (0.9, 0.1, 0.1, 0.9), (0.3, 0.3, 0.3, 0.3)
KNOWN: dict[str, tuple[BaseResult, BaseResult]] = {
    "close": (of("close", "alike", [0.9, 0.2, 0, 0]), of("close", "alike", [0.3, 0.2, 0, 0])),
    "control": (of("control", "alike", [0.9, 0.2, 0, 0]), of("control", "alike", [0.9, 0.9, 0, 0])),
    "close_signs": (of("close_signs", "alike", [0.9, 0.2, 0, 0]), of("close_signs", "alike", [0.3, 0.2, 0, 0])),
    "counted": (of("counted", "alike", [0.8, 0.82, 0.1]), of("counted", "alike", [0.8, 0.5, 0.1])),
    "shift": (of("shift", "alike", [0.8, 0.8, 0.5]), of("shift", "alike", [0.8, 0.8, 0.8])),
    "pmi": (of("pmi", "follows", [0.98, 0.5]), of("pmi", "follows", [0.9, 0.98])),
    "frequency": (of("frequency", "tilt", [0.0, 1]), of("frequency", "tilt", [0.5, 0])),
    "narrow": (of("narrow", "alike", [0.9, 0.1]), of("narrow", "alike", [0.5, 0.4])),
    "wide": (of("wide", "about", [0.1, 0.9]), of("wide", "about", [0.5, 0.6])),
    "sum": (of("sum", "analogy", [SOLVED]), of("sum", "analogy", [NEAR])),
    "minus": (of("minus", "analogy", [SOLVED]), of("minus", "analogy", [NEAR])),
    "minus_long": (of("minus_long", "analogy", [NEAR, SOLVED]), of("minus_long", "analogy", [SOLVED, NEAR])),
    "excluded": (of("excluded", "analogy", [SOLVED]), of("excluded", "analogy", [(0.9, 0.1, 0.1, 0.1)])),
    "sum_docs": (of("sum_docs", "analogy", [NEAR] * 4), of("sum_docs", "analogy", [SOLVED] * 4)),
    "frequent": (of("frequent", "alike", [0.8, 0, 0.5, 0]), of("frequent", "alike", [0.8, 0, 0.8, 0])),
    "flat": (of("flat", "alike", [0.8, 0, 0, 0.2]), of("flat", "alike", [0.8, 0, 0, 0.8])),
    "few": (read("few", {"fixed": 0.8}), read("few", {"learnt": 0.8})),
    "many": (read("many", {"learnt": 0.52}, 2), read("many", {"fixed": 0.8}, 2)),
    "learnt_on": (read("learnt_on", {"fixed": 0.51}), read("learnt_on", {"tuned": 0.8})),
    "any_vectors": (read("any_vectors", {"learnt": 0.55}), read("any_vectors", {"learnt": 0.9})),
    "uniform": (of("uniform", "tilt", [0, 1.0]), of("uniform", "tilt", [1.0, 0])),
    "crossed": (of("crossed", "alike", [0.8, 0.2]), of("crossed", "alike", [0.8, 0.8])),
}


def test_measures_keep_silent_where_they_cannot_speak() -> None:
    for claim in CLAIMS:
        name = load("word_embeddings").of(claim).name
        assert claim.measure(next(train_module(name).train(experiment(name).tiny))) is None
