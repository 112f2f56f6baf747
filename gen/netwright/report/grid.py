"""Matrices as a page: tables that stay readable with a hundred rows, what stops the rest, and details on demand."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from netwright.matrix.matrix import Cell, Matrix
from netwright.matrix.page_style import SCRIPT, STYLE
from netwright.matrix.page_template import PAGE
from netwright.matrix.shades import DARK, GLYPHS, LEGEND, LIGHT, SHORT, kind_of, kinds_in, tip, title
from netwright.text.counting import count
from netwright.text.report import printable
from netwright.verify_input.parties import NamedParty

MOST_REASONS = 40
_HELP = "there and back; rows send, columns answer. Point at a cell to read more, click to keep it."
_MOST_WORDS = 16
"""Most columns of a table whose cells have words; wider ones have a glyph each."""


class _ShownCell(Struct, frozen=True, kw_only=True):
    kind: str
    text: str
    why: str | None
    tip: str
    begins_kind: bool


class _Head(Struct, frozen=True, kw_only=True):
    """The name of a row or a column, whether a kind of party begins with it, and a row's cells."""

    name: str
    begins_kind: bool
    cells: tuple[_ShownCell, ...] = ()


class _Section(Struct, frozen=True, kw_only=True):
    heading: str
    words: bool
    columns: tuple[_Head, ...]
    rows: tuple[_Head, ...]


class _Shade(Struct, frozen=True, kw_only=True):
    kind: str
    glyph: str
    words: str


def render_page(matrices: Sequence[tuple[str, Matrix]], name: str, note: str) -> str:
    """The page of some matrices under a heading each, for a topology of that name; `note` names what is left out."""
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 (only a page needs it)
    from markupsafe import Markup  # noqa: PLC0415

    environment = Environment(
        autoescape=True,
        finalize=lambda value: _shown(value) if type(value) is str else value,
        keep_trailing_newline=True,
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    reasons = matrices[-1][1].reasons()
    return environment.from_string(
        PAGE
    ).render(
        name=name,
        title=title(matrices[0][1]),
        note=note,
        help=_HELP,
        style=Markup(STYLE),  # noqa: S704 (ours, as are the three below)
        script=Markup(SCRIPT),  # noqa: S704
        light=Markup(_colours(LIGHT)),  # noqa: S704
        dark=Markup(_colours(DARK)),  # noqa: S704
        zero_width=Markup("&#8203;"),
        legend=[_Shade(kind=kind, glyph=GLYPHS[kind], words=LEGEND[kind]) for kind in _kinds(matrices)],
        sections=[_section(heading, matrix) for heading, matrix in matrices],
        reasons=reasons[:MOST_REASONS],
        more=count(len(reasons) - MOST_REASONS, "reason") if len(reasons) > MOST_REASONS else "",
    )


def _kinds(matrices: Sequence[tuple[str, Matrix]]) -> Sequence[str]:
    return tuple(kinds_in(*(matrix for _, matrix in matrices)))


def _colours(shades: Mapping[str, tuple[str, str]]) -> str:
    rules = [f".{kind} {{ background-color: {fill}; color: {ink} }}" for kind, (fill, ink) in shades.items()]
    fill, ink = shades["paper"]
    rules.append(f"body, .matrix th {{ background-color: {fill}; color: {ink} }}")
    rules.append(f".unknown {{ outline: 1px dashed {shades['unknown'][1]}; outline-offset: -2px }}")
    return "\n".join([*rules, ""])


def _section(heading: str, matrix: Matrix) -> _Section:
    words = len(matrix.destinations) <= _MOST_WORDS
    begins = [*_begins_kind(matrix.destinations)]
    return _Section(
        heading=heading,
        words=words,
        columns=tuple(
            _Head(name=party.name, begins_kind=gap) for party, gap in zip(matrix.destinations, begins, strict=True)
        ),
        rows=tuple(
            _Head(
                name=party.name,
                begins_kind=gap,
                cells=tuple(
                    _cell(cell, words=words, begins_kind=first) for cell, first in zip(cells, begins, strict=True)
                ),
            )
            for party, gap, cells in zip(matrix.sources, _begins_kind(matrix.sources), matrix.cells, strict=True)
        ),
    )


def _begins_kind(parties: Sequence[NamedParty]) -> Iterator[bool]:
    """Yield of each party whether it begins a new kind; the first of all has nothing before it."""
    if parties:
        yield False
    yield from (before.kind != after.kind for before, after in pairwise(parties))


def _cell(cell: Cell, *, words: bool, begins_kind: bool) -> _ShownCell:
    kind = kind_of(cell)
    text, why = GLYPHS[kind], None
    if words and cell.judged:
        text = f"{cell.arrived} of {cell.judged}" if kind == "some" else cell.verdict
        why = SHORT.get(cell.reasons[0].verdict, "") if cell.reasons else None
    return _ShownCell(kind=kind, text=text, why=why, tip=tip(cell, 12), begins_kind=begins_kind)


def _shown(text: str) -> str:
    """The text without characters that are not seen; its lines stay lines."""
    return "\n".join(printable(line) for line in text.split("\n"))
