"""Matrices as tables of a page: what stands in each cell, and what its script tells of one."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from netwright.matrix.matrix import Cell, Matrix
from netwright.matrix.shades import GLYPHS, LEGEND, SHORT, kind_of, kinds_in
from netwright.text.report import printable
from netwright.verify_input.parties import NamedParty

MOST_REASONS = 40
"""Most reasons that are listed below the tables."""
_OF_A_CELL = 6
_MOST_WORDS = 12
"""Most columns of a table whose cells have words; wider ones have a glyph each."""


class ShownCell(Struct, frozen=True, kw_only=True):
    """A cell: its kind, a key of LEGEND, its text, what stops most of it, and whether a kind of parties begins."""

    kind: str
    text: str
    why: str
    begins: bool


class Head(Struct, frozen=True, kw_only=True):
    """The name of a row or a column, whether a kind of party begins with it, and a row's cells."""

    name: str
    begins: bool
    cells: tuple[ShownCell, ...] = ()


class Table(Struct, frozen=True, kw_only=True):
    """A matrix under a heading; `words` where cells have room for words."""

    heading: str
    words: bool
    columns: tuple[Head, ...]
    rows: tuple[Head, ...]


class Shade(Struct, frozen=True, kw_only=True):
    """A kind of cells in the legend."""

    kind: str
    glyph: str
    words: str


def legend(matrices: Sequence[Matrix]) -> tuple[Shade, ...]:
    """The kinds of cells that occur."""
    return tuple(Shade(kind=kind, glyph=GLYPHS[kind], words=LEGEND[kind]) for kind in kinds_in(*matrices))


def make_table(heading: str, matrix: Matrix) -> Table:
    """The table of a matrix."""
    words = len(matrix.destinations) <= _MOST_WORDS
    begins = [*_begins(matrix.destinations)]
    columns = (Head(name=party.name, begins=gap) for party, gap in zip(matrix.destinations, begins, strict=True))
    rows = zip(matrix.sources, _begins(matrix.sources), matrix.cells, strict=True)
    return Table(
        heading=heading,
        words=words,
        columns=tuple(columns),
        rows=tuple(
            Head(
                name=party.name,
                begins=gap,
                cells=tuple(_cell(cell, words=words, begins=first) for cell, first in zip(cells, begins, strict=True)),
            )
            for party, gap, cells in rows
        ),
    )


def _begins(parties: Sequence[NamedParty]) -> Iterator[bool]:
    """Yield of each party whether it begins a new kind; the first of all has nothing before it."""
    if parties:
        yield False
    yield from (before.kind != after.kind for before, after in pairwise(parties))


def _cell(cell: Cell, *, words: bool, begins: bool) -> ShownCell:
    kind = kind_of(cell)
    text, why = GLYPHS[kind], ""
    if words and cell.judged:
        text = f"{cell.arrived} of {cell.judged}" if kind == "some" else cell.verdict
        why = SHORT.get(cell.reasons[0].verdict, "") if cell.reasons else ""
    return ShownCell(kind=kind, text=text, why=why, begins=begins)


def details(matrices: Sequence[Matrix]) -> Mapping[str, object]:
    """What the page's script tells of cells: all reasons once, and by matrix, row and column how many pairs arrive, are
    judged and are there, then of each reason its number, for how many pairs it stands and an example, and how many
    reasons are left out."""
    reasons: dict[str, int] = {}

    def tell(cell: Cell) -> list[object]:
        told = []
        for reason in cell.reasons[:_OF_A_CELL]:
            text = printable(f"{reason.verdict} at {reason.node}: {reason.cause}")
            number = reasons.setdefault(text, len(reasons))
            told.append([number, reason.classes, f"{reason.source} to {reason.destination}"])
        return [cell.arrived, cell.judged, cell.classes, told, len(cell.reasons) - len(told)]

    cells = [[[tell(cell) for cell in row] for row in matrix.cells] for matrix in matrices]
    return {"cells": cells, "reasons": [*reasons]}
