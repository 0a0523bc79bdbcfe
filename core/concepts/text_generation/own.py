"""What a reader's text must be like, so that it can be divided and something learned from it."""

from __future__ import annotations

from core.concept.params import Refused
from core.concepts.text_generation.corpora import FEWEST, HELD_OUT, SHARED, families, pieces

LARGEST_FAMILY = 0.25  # of a text: with two of them held out there is still something to learn from


def divisible(own: str) -> None:
    """Raise Refused where a reader's text cannot be divided, whatever the seed, with enough left to learn from."""
    try:
        passages = pieces(own)
    except ValueError:
        raise Refused("too_alike", low=FEWEST) from None
    sizes = [sum(len(passages[i]) for i in group) for group in families(passages)]
    if max(sizes) > LARGEST_FAMILY * sum(sizes):
        share = f"{100 * max(sizes) / sum(sizes):.0f}"
        raise Refused("hangs_together", share=share, high=f"{100 * LARGEST_FAMILY:.0f}", common=SHARED)
    if max(map(len, passages)) >= HELD_OUT * sum(sizes):  # alone it might be the whole test text
        raise Refused("long_passage", count=max(map(len, passages)), share=f"{100 * HELD_OUT:.0f}")
