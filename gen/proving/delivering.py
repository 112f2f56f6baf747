"""Reading what thousands of nodes are delivered, in several processes where that pays."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from gen.verify.delivery import Delivery, read_delivery
from gen.write.fault import OutputError
from gen.write.workers import share_out, worker_count

_BATCH = 100
"""How many nodes' files are handed over at a time. Texts pass quickly from process to process; what they mean, as
thousands of small objects, would not."""


def read_deliveries(out: Path, nodes: Sequence[str]) -> Iterator[Delivery]:
    """What the files below `out` bring to each node."""
    try:
        batches = share_out(nodes, partial(_read, out), workers=worker_count(len(nodes), None))
    except OutputError:  # no process to be had, or one was killed
        batches = share_out(nodes, partial(_read, out), workers=1)
    return chain.from_iterable(batches)


def _read(out: Path, nodes: Sequence[str]) -> Iterator[tuple[int, tuple[Delivery, ...]]]:
    for start in range(0, len(nodes), _BATCH):
        batch = nodes[start : start + _BATCH]
        yield len(batch), tuple(read_delivery(out, node) for node in batch)
