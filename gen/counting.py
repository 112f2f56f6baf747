"""Numbers with their nouns."""


def count(number: int, noun: str, plural: str = "") -> str:
    """The number and its noun: 1 node, 2 nodes; `plural` is for a noun that takes more than an s: 2 classes."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
