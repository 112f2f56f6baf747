"""Reading what thousands of nodes are delivered, in several processes where that pays."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from netwright.parallel.ahead import Ahead
from netwright.parallel.fault import OutputError
from netwright.parallel.workers import share_out, worker_count
from netwright.verify.reading.delivery import Delivery, read_delivery

_BATCH = 100
"""Number of nodes with files handed over at a time. Texts pass quickly from process to process; what they mean, as
thousands of small objects, would not."""

Deliver: TypeAlias = Callable[[Path, Sequence[str]], Iterable[Delivery]]
"""Deliveries of the files below OUT to each node."""


def read_deliveries(out: Path, nodes: Sequence[str]) -> Iterator[Delivery]:
    """Return the deliveries of the files below `out` to each node."""
    try:
        batches = share_out(nodes, partial(_read, out), workers=worker_count(len(nodes), None))
    except OutputError:  # no process to be had, or one was killed
        batches = share_out(nodes, partial(_read, out), workers=1)
    return chain.from_iterable(batches)


@contextmanager
def reading_ahead(out: Path) -> Iterator[Deliver]:
    """Return how to get what is below `out`. If that is much, another process begins to read it at once."""
    nodes = _folders(out)
    if worker_count(len(nodes), None) < 2:
        yield read_deliveries
        return
    try:
        ahead = Ahead(nodes, partial(_read, out))
    except OutputError:
        yield read_deliveries
        return
    with closing(ahead):
        yield partial(_collect, ahead)


def _folders(out: Path) -> list[str]:
    try:
        with os.scandir(out) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:  # reported where its nodes are asked for
        return []


def _collect(ahead: Ahead[tuple[Delivery, ...]], out: Path, nodes: Sequence[str]) -> Iterable[Delivery]:
    try:
        read = {delivery.node: delivery for batch in ahead.collect() for delivery in batch}
    except OutputError:
        return read_deliveries(out, nodes)
    return (read.get(node) or read_delivery(out, node) for node in nodes)


def _read(out: Path, nodes: Sequence[str]) -> Iterator[tuple[int, tuple[Delivery, ...]]]:
    for start in range(0, len(nodes), _BATCH):
        batch = nodes[start : start + _BATCH]
        yield len(batch), tuple(read_delivery(out, node) for node in batch)
