"""Matrices as a page: tables that stay readable with a hundred rows, what stops the rest, and details on demand."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from netwright.matrix.matrix import Cell, Matrix
from netwright.matrix.page_style import SCRIPT, STYLE
from netwright.matrix.shades import DARK, GLYPHS, LEGEND, LIGHT, SHORT, kind_of, kinds_in, tip, title
from netwright.text.counting import count
from netwright.text.report import printable
from netwright.verify_input.parties import NamedParty

MOST_REASONS = 40
_HELP = "there and back; rows send, columns answer. Point at a cell to read more, click to keep it."
GAP_HEAD, GAP_CELL = '<th class="gap"></th>', '<td class="gap"></td>'


def render_page(matrices: Sequence[tuple[str, Matrix]], name: str, note: str) -> str:
    """The page of some matrices under a heading each, for a topology of that name; `note` names what is left out."""
    lines = [line for heading, matrix in matrices for line in _section(heading, matrix)]
    first = matrices[0][1]
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">',
            f"<title>{_plain(name)}: {_plain(title(first))}</title>",
            f"<style>{STYLE}{_colours(LIGHT)}",
            f"@media (prefers-color-scheme: dark) {{\n{_colours(DARK)}}}</style></head><body>",
            f"<h1>{_plain(title(first))}</h1>",
            f'<p class="note">{_plain(name)}: {_HELP}</p>',
            *_legend([matrix for _, matrix in matrices]),
            *lines,
            *([f'<p class="note">{_plain(note)}</p>'] if note else []),
            *_reasons(matrices[-1][1]),
            '<pre id="about" class="paper" aria-live="polite">Point at a cell.</pre>',
            f"<script>{SCRIPT}</script></body></html>\n",
        ]
    )


def _colours(shades: Mapping[str, tuple[str, str]]) -> str:
    rules = [f".{kind} {{ background-color: {fill}; color: {ink} }}" for kind, (fill, ink) in shades.items()]
    fill, ink = shades["paper"]
    rules.append(f"body, .matrix th {{ background-color: {fill}; color: {ink} }}")
    rules.append(f".unknown {{ outline: 1px dashed {shades['unknown'][1]}; outline-offset: -2px }}")
    return "\n".join([*rules, ""])


def _legend(matrices: Sequence[Matrix]) -> Iterator[str]:
    yield '<ul class="legend">'
    for kind in kinds_in(*matrices):
        yield f'<li><b class="{kind}">{GLYPHS[kind] or "&#8203;"}</b>{LEGEND[kind]}</li>'
    yield "</ul>"


def _section(heading: str, matrix: Matrix) -> Iterator[str]:
    words = len(matrix.destinations) <= 16
    yield f"<h2>{_plain(heading)}</h2>"
    yield f'<div class="scroll"><table class="matrix {"words" if words else "glyphs"}"><thead><tr><th></th>'
    columns = _gaps(matrix.destinations)
    for party, gap in zip(matrix.destinations, columns, strict=True):
        yield f'{gap and GAP_HEAD}<th scope="col"><span>{_plain(party.name)}</span></th>'
    yield "</tr></thead><tbody>"
    for party, row_gap, cells in zip(matrix.sources, _gaps(matrix.sources), matrix.cells, strict=True):
        if row_gap:
            yield '<tr class="gap"><td></td></tr>'
        shown = (f"{gap and GAP_CELL}{_cell(cell, words=words)}" for cell, gap in zip(cells, columns, strict=True))
        yield f'<tr><th scope="row">{_plain(party.name)}</th>{"".join(shown)}</tr>'
    yield "</tbody></table></div>"


def _gaps(parties: Sequence[NamedParty]) -> list[str]:
    """A word for each party that begins a new kind, nothing for the others."""
    marks = [""] if parties else []
    return marks + [after.kind if before.kind != after.kind else "" for before, after in pairwise(parties)]


def _cell(cell: Cell, *, words: bool) -> str:
    kind = kind_of(cell)
    text = GLYPHS[kind]
    if words and cell.judged:
        why = f"<small>{_plain(SHORT.get(cell.reasons[0].verdict, ''))}</small>" if cell.reasons else ""
        text = (f"{cell.arrived} of {cell.judged}" if kind == "some" else cell.verdict) + why
    return f'<td class="{kind}" data-tip={_attribute(tip(cell, 12))}>{text}</td>'


def _reasons(matrix: Matrix) -> Iterator[str]:
    reasons = matrix.reasons()
    if not reasons:
        return
    heads = "".join(f"<th>{head}</th>" for head in ("cells", "verdict", "at", "why", "for example"))
    yield '<h2>What stops the rest</h2><div class="scroll">'
    yield f'<table class="reasons"><thead><tr>{heads}</tr></thead><tbody>'
    for reason, cells in reasons[:MOST_REASONS]:
        example = f"{reason.source} to {reason.destination}"
        columns = "".join(f"<td>{_plain(text)}</td>" for text in (reason.verdict, reason.node, reason.cause, example))
        yield f'<tr><td class="number">{cells}</td>{columns}</tr>'
    yield "</tbody></table></div>"
    if len(reasons) > MOST_REASONS:
        yield f'<p class="note">and {count(len(reasons) - MOST_REASONS, "reason")} more</p>'


def _plain(text: str) -> str:
    return escape(printable(text))


def _attribute(text: str) -> str:
    return quoteattr("\n".join(printable(line) for line in text.split("\n")))
