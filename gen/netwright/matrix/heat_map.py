"""A matrix as a picture: SVG, complete in itself, light or dark as its reader likes it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from xml.sax.saxutils import escape

from msgspec import Struct

from netwright.matrix.matrix import Cell, Matrix
from netwright.matrix.shades import DARK, GLYPHS, LEGEND, LIGHT, SHORT, kind_of, kinds_in, tip, title
from netwright.text.report import printable
from netwright.verify_input.parties import NamedParty

MARGIN, GAP, LETTER = 20, 8, 7.3
"""Between picture and edge, between kinds of parties, and the width of a letter of a label."""

MOST_WIDE = 16
"""Most columns that leave room for words in cells; more get glyphs."""

_HEAD, _FOOT = 64, 76
_SLANT = 0.7072


class CellLayout(Struct, frozen=True, kw_only=True):
    """Layout: the left edge of each column, the top edge of each row, the size of a cell."""

    columns: tuple[int, ...]
    rows: tuple[int, ...]
    cell: tuple[int, int]
    width: int
    height: int

    @property
    def wide(self) -> bool:
        """Return whether cells have room for words."""
        return self.cell[0] > self.cell[1]


def render_heat_map(matrix: Matrix) -> str:
    """The picture."""
    return "\n".join(_lines(matrix, _plan(matrix))) + "\n"


def _plan(matrix: Matrix) -> CellLayout:
    cell = (74, 40) if len(matrix.destinations) <= MOST_WIDE else (24, 24)
    left = MARGIN + 12 + int(LETTER * max((len(party.name) for party in matrix.sources), default=0))
    longest = int(LETTER * max((len(party.name) for party in matrix.destinations), default=0))
    columns = _edges(matrix.destinations, left, cell[0])
    rows = _edges(matrix.sources, _HEAD + int(_SLANT * longest) + 18, cell[1])
    grid = (columns[-1] if columns else left) + cell[0]
    names = (
        x + cell[0] // 2 + _SLANT * LETTER * len(party.name)
        for x, party in zip(columns, matrix.destinations, strict=True)
    )
    legend = MARGIN + sum(_legend_width(kind) for kind in kinds_in(matrix))
    return CellLayout(
        columns=columns,
        rows=rows,
        cell=cell,
        width=max(grid, legend, 520, *map(int, names)) + MARGIN,
        height=(rows[-1] if rows else _HEAD) + cell[1] + _FOOT,
    )


def _edges(parties: Sequence[NamedParty], start: int, size: int) -> tuple[int, ...]:
    """Return the positions where each party's cells begin, with a gap between the kinds of parties."""
    edges = [start] if parties else []
    for before, after in pairwise(parties):
        edges.append(edges[-1] + size + (GAP if before.kind != after.kind else 0))
    return tuple(edges)


def _lines(matrix: Matrix, plan: CellLayout) -> Iterator[str]:
    size = f'width="{plan.width}" height="{plan.height}" viewBox="0 0 {plan.width} {plan.height}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{_escape(title(matrix))}</title>'
    yield f"<style>{_style()}</style>"
    yield f'<rect class="paper" width="{plan.width}" height="{plan.height}" rx="8"/>'
    yield f'<text class="paper title" x="{MARGIN}" y="34">{_escape(title(matrix))}</text>'
    yield f'<text class="note" x="{MARGIN}" y="54">there and back; rows send, columns answer</text>'
    for x, party in zip(plan.columns, matrix.destinations, strict=True):
        place = f"translate({x + plan.cell[0] // 2 + 2} {plan.rows[0] - 8 if plan.rows else _HEAD}) rotate(-45)"
        yield f'<text class="paper" transform="{place}">{_escape(party.name)}</text>'
    for y, party, cells in zip(plan.rows, matrix.sources, matrix.cells, strict=True):
        middle = y + plan.cell[1] // 2 + 5
        edge = f'x="{plan.columns[0] - 8}" y="{middle}" text-anchor="end"'
        yield f'<text class="paper" {edge}>{_escape(party.name)}</text>'
        for x, cell in zip(plan.columns, cells, strict=True):
            yield _cell(cell, x, y, plan)
    yield from _legend(matrix, plan)
    yield "</svg>"


def _style() -> str:
    rules = [
        "text { font: 13px ui-sans-serif, 'DejaVu Sans', Verdana, sans-serif }",
        ".title { font-size: 18px; font-weight: bold } .small, .note { font-size: 11px }",
        _colours(LIGHT),
        f"@media (prefers-color-scheme: dark) {{ {_colours(DARK)} }}",
    ]
    return " ".join(rules)


def _colours(shades: Mapping[str, tuple[str, str]]) -> str:
    rules = [f"rect.{kind} {{ fill: {fill} }} text.{kind} {{ fill: {ink} }}" for kind, (fill, ink) in shades.items()]
    return " ".join([*rules, f"rect.unknown {{ stroke: {shades['unknown'][1]}; stroke-dasharray: 3 2 }}"])


def _cell(cell: Cell, x: int, y: int, plan: CellLayout) -> str:
    kind, (width, height) = kind_of(cell), plan.cell
    box = f'<rect class="{kind}" x="{x + 1}" y="{y + 1}" width="{width - 2}" height="{height - 2}" rx="3"/>'
    middle = f'class="{kind}" x="{x + width // 2}" text-anchor="middle"'
    if not plan.wide:
        words = f'<text {middle} y="{y + 17}">{GLYPHS[kind]}</text>' if GLYPHS[kind] else ""
    elif cell.reasons:
        head = f"{cell.arrived} of {cell.judged}" if cell.arrived else "none"
        small = middle.replace(f'"{kind}"', f'"{kind} small"')
        words = f'<text {middle} y="{y + 18}">{head}</text><text {small} y="{y + 32}">{_why(cell)}</text>'
    else:
        words = f'<text {middle} y="{y + 25}">{"all" if cell.judged else GLYPHS[kind]}</text>'
    return f"<g><title>{_escape(tip(cell))}</title>{box}{words}</g>"


def _why(cell: Cell) -> str:
    return SHORT.get(cell.reasons[0].verdict, cell.reasons[0].verdict.lower())


def _legend_width(kind: str) -> int:
    return 42 + int(6.6 * len(LEGEND[kind]))


def _legend(matrix: Matrix, plan: CellLayout) -> Iterator[str]:
    x, y = MARGIN, plan.height - _FOOT + 26
    for kind in kinds_in(matrix):
        yield f'<rect class="{kind}" x="{x}" y="{y}" width="20" height="20" rx="3"/>'
        yield f'<text class="{kind}" x="{x + 10}" y="{y + 15}" text-anchor="middle">{GLYPHS[kind]}</text>'
        yield f'<text class="paper small" x="{x + 26}" y="{y + 14}">{LEGEND[kind]}</text>'
        x += _legend_width(kind)
    spread = any(cell.spread for row in matrix.cells for cell in row)
    note = "; of cells with very many pairs an even spread was judged" if spread else ""
    caption = f"a pair is two classes of addresses that no route and no rule tells apart{note}"
    yield f'<text class="note" x="{MARGIN}" y="{plan.height - 14}">{caption}</text>'


def _escape(text: str) -> str:
    return "\n".join(escape(printable(line)) for line in text.split("\n"))
