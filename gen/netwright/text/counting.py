"""Numbers with their nouns, and lists that are cut short."""

from collections.abc import Sequence


def count(number: int, noun: str, plural: str = "") -> str:
    """The number and its noun: 1 node, 2 nodes; `plural` is for a noun that takes more than an s: 2 classes."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def list_some(texts: Sequence[str], most: int) -> str:
    """The first texts, and how many are left out: a, b and 5 more."""
    shown, more = ", ".join(texts[:most]), len(texts) - most
    return f"{shown} and {more} more" if more > 0 else shown


def list_first(texts: Sequence[str], most: int) -> str:
    """The first texts, and that there are others, of which not all are known: a, b and others like them."""
    return ", ".join(texts[:most]) + (" and others like them" if len(texts) > most else "")
