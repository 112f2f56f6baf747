"""Style of the page of a matrix, and its reaction to a cell that is pointed at; colours are in shades."""

STYLE = """
body {
  font: 15px/1.45 system-ui, 'DejaVu Sans', sans-serif;
  margin: 2rem auto; padding: 0 1.5rem 9rem; width: fit-content; max-width: calc(100% - 3rem);
}
h1 { font-size: 1.5rem; margin: 0 }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem }
p { margin: .3rem 0 1rem }
.scroll { overflow: auto; max-height: 85vh; max-width: 100% }
table { border-collapse: separate; border-spacing: 2px }
th { font-weight: normal; text-align: left }
.matrix thead th { position: sticky; top: 0; z-index: 1; vertical-align: bottom; padding: 4px 0 6px }
.matrix thead th:first-child { left: 0; z-index: 2 }
.matrix thead th span { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap }
.matrix tbody th { position: sticky; left: 0; text-align: right; padding-right: 8px; white-space: nowrap }
.matrix td { text-align: center; border-radius: 3px; cursor: default; line-height: 1.15 }
.words td { min-width: 4.6rem; height: 2.5rem }
.words thead th { text-align: center }
.words thead th span { writing-mode: horizontal-tb; display: inline-block; transform: none; padding: 0 .3rem }
.words small { display: block; font-size: .72rem }
.glyphs { font-size: .85rem }
.glyphs td { min-width: 1.5rem; height: 1.5rem }
.matrix .gap { min-width: .3rem; padding: 0 }
.matrix tr.gap td { height: .3rem }
.matrix td.chosen, .matrix td[data-tip]:hover { outline: 2px solid currentColor; outline-offset: -2px }
th.lit { font-weight: bold; text-decoration: underline }
.legend { display: flex; flex-wrap: wrap; gap: .4rem 1.4rem; list-style: none; padding: 0 }
.legend b {
  display: inline-block; width: 1.5rem; height: 1.5rem; line-height: 1.5rem; margin-right: .5rem;
  text-align: center; border-radius: 3px; font-weight: normal;
}
.reasons td, .reasons th { padding: .25rem .8rem .25rem 0; vertical-align: top }
.reasons th { font-weight: bold }
.reasons .number { text-align: right }
#about {
  position: fixed; z-index: 3; left: 0; right: 0; bottom: 0; margin: 0; padding: .7rem 1.5rem;
  min-height: 2.4rem; max-height: 35vh; overflow: auto; white-space: pre-wrap;
  font: 13px/1.4 ui-monospace, 'DejaVu Sans Mono', monospace; border-top: 1px solid;
}
"""

SCRIPT = """
const about = document.getElementById('about');
let chosen = null;
const cellOf = event => event.target.closest('td[data-tip]');
const show = cell => { about.textContent = cell.dataset.tip; };
for (const table of document.querySelectorAll('.matrix')) {
  const heads = table.tHead.rows[0].cells;
  const light = (cell, on) => {
    for (const head of [heads[cell.cellIndex], cell.parentNode.cells[0]]) head.classList.toggle('lit', on);
  };
  table.addEventListener('mouseover', event => {
    const cell = cellOf(event);
    if (cell) light(cell, true);
    if (cell && !chosen) show(cell);
  });
  table.addEventListener('mouseout', event => {
    const cell = cellOf(event);
    if (cell) light(cell, false);
  });
  table.addEventListener('click', event => {
    const cell = cellOf(event);
    if (!cell) return;
    if (chosen) chosen.classList.remove('chosen');
    chosen = chosen === cell ? null : cell;
    if (chosen) chosen.classList.add('chosen');
    show(cell);
  });
}
"""
