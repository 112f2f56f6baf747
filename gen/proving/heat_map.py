"""A matrix as a picture: SVG, complete in itself, or a page that holds it."""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from gen.proving.matrix import Matrix
from gen.report import printable

CELL_WIDTH, CELL_HEIGHT, LETTER, MARGIN = 64, 32, 8, 16
COLOURS = {"all": "#b7e4c7", "some": "#ffe8a3", "none": "#f5b7b1", "-": "#eceff1"}
_STYLE = "text { font: 13px ui-monospace, Menlo, Consolas, monospace; fill: #1f2933 } rect { stroke: #ffffff }"
_TITLE = "Who reaches whom by ping, there and back"


def render_heat_map(matrix: Matrix, *, page: bool) -> str:
    """The picture as SVG, or as an HTML page."""
    svg = "\n".join(_lines(matrix)) + "\n"
    if not page:
        return svg
    head = f'<meta charset="utf-8"><title>{_TITLE}</title>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{svg}</body></html>\n'


def _lines(matrix: Matrix) -> Iterator[str]:
    left = MARGIN * 2 + LETTER * max((len(name) for name in matrix.sources), default=0)
    top = MARGIN * 4 + LETTER * max((len(name) for name in matrix.destinations), default=0)
    width = max(left + CELL_WIDTH * len(matrix.destinations) + MARGIN, 480)
    height = top + CELL_HEIGHT * len(matrix.sources) + MARGIN * 3
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{_TITLE}</title>'
    yield f'<style>{_STYLE}</style><rect width="{width}" height="{height}" fill="#ffffff"/>'
    yield f'<text x="{MARGIN}" y="{MARGIN + 8}" style="font-weight: bold">{_TITLE}</text>'
    for number, name in enumerate(matrix.destinations):
        x, y = left + CELL_WIDTH * number + CELL_WIDTH // 2 + 4, top - 8
        yield f'<text transform="translate({x} {y}) rotate(-90)">{_escape(name)}</text>'
    for row, (source, cells) in enumerate(zip(matrix.sources, matrix.cells, strict=True)):
        y = top + CELL_HEIGHT * row
        yield f'<text x="{left - 8}" y="{y + 21}" text-anchor="end">{_escape(source)}</text>'
        for column, cell in enumerate(cells):
            x = left + CELL_WIDTH * column
            tip = f"{cell.source} to {cell.destination}: {cell.arrived} of {cell.judged} class pairs"
            box = f'x="{x}" y="{y}" width="{CELL_WIDTH}" height="{CELL_HEIGHT}" fill="{COLOURS[cell.verdict]}"'
            yield f"<g><title>{_escape(tip)}</title><rect {box}/>"
            yield f'<text x="{x + CELL_WIDTH // 2}" y="{y + 21}" text-anchor="middle">{cell.verdict}</text></g>'
    note = "rows send, columns receive; - : nothing to judge"
    yield f'<text x="{MARGIN}" y="{height - MARGIN}">{note}</text></svg>'


def _escape(text: str) -> str:
    return escape(printable(text))
