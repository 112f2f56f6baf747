'use strict';
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = selector => document.querySelector(selector);
  document.documentElement.classList.add('js');
  for (const hidden of all('.tools, .cell-about, .hint')) hidden.hidden = false;

  // Flows: the address names the chosen one, so that a link to it, and the way back, work.
  const flows = all('.flow');
  const links = all('.flow-list a');
  const choose = (id, focus) => {
    const flow = document.getElementById(id);
    if (!flow || !flow.classList.contains('flow')) return;
    const number = id.replace('flow-', 'way-');
    for (const other of flows) other.classList.toggle('chosen', other === flow);
    for (const way of all('.way')) way.classList.toggle('chosen', way.id === number);
    for (const link of links) {
      if (link.hash === '#' + id) link.setAttribute('aria-current', 'true');
      else link.removeAttribute('aria-current');
    }
    if (focus) flow.focus({ preventScroll: true });
  };
  for (const link of all('a[href^="#flow-"]')) link.addEventListener('click', event => {
    event.preventDefault();
    if (location.hash !== link.hash) history.pushState(null, '', link.hash);
    choose(link.hash.slice(1), true);
    if (!link.closest('.flow-list')) one('#flows').scrollIntoView();
  });
  const worst = one('.flow.fails') || one('.flow.unjudged') || flows[0];
  const chooseNamed = () => {
    if (worst && !location.hash) choose(worst.id, false);
    choose(location.hash.slice(1), false);
  };
  window.addEventListener('popstate', chooseNamed);
  if (worst) choose(worst.id, false);
  chooseNamed();

  const filter = one('#filter');
  if (filter && links.length > 8) {
    filter.parentNode.hidden = false;
    filter.addEventListener('input', () => {
      const word = filter.value.toLowerCase();
      for (const link of links) link.parentNode.hidden = !link.textContent.toLowerCase().includes(word);
    });
  }

  // The picture: as wide as there is room, as long as it can be read; then larger or smaller.
  const canvas = one('.canvas');
  const svg = canvas.querySelector('svg');
  const natural = Number(svg.getAttribute('width'));
  const high = Number(svg.getAttribute('height'));
  const output = one('.tools output');
  let scale = 1;
  const zoom = wanted => {
    const middle = (canvas.scrollLeft + canvas.clientWidth / 2) / scale;
    const centre = (canvas.scrollTop + canvas.clientHeight / 2) / scale;
    scale = Math.min(Math.max(wanted, 0.1), 4);
    svg.setAttribute('width', String(natural * scale));
    svg.setAttribute('height', String(high * scale));
    canvas.scrollLeft = middle * scale - canvas.clientWidth / 2;
    canvas.scrollTop = centre * scale - canvas.clientHeight / 2;
    output.textContent = Math.round(scale * 100) + ' %';
  };
  const wide = () => Math.min(canvas.clientWidth / natural, 1);
  const fit = () => zoom(Math.min(wide(), window.innerHeight * 0.75 / high));
  const acts = { in: () => zoom(scale * 1.25), out: () => zoom(scale / 1.25), fit };
  for (const button of all('[data-zoom]')) button.addEventListener('click', () => acts[button.dataset.zoom]());
  canvas.addEventListener('keydown', event => {
    const act = { '+': 'in', '=': 'in', '-': 'out', 0: 'fit' }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    acts[act]();
  });
  canvas.addEventListener('wheel', event => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(scale * Math.exp(-event.deltaY / 400));
  }, { passive: false });
  let grip = null;
  canvas.addEventListener('pointerdown', event => {
    if (event.pointerType !== 'mouse' || event.button !== 0) return;
    grip = { x: event.clientX + canvas.scrollLeft, y: event.clientY + canvas.scrollTop };
  });
  canvas.addEventListener('pointermove', event => {
    if (!grip) return;
    canvas.classList.add('drags');
    canvas.scrollLeft = grip.x - event.clientX;
    canvas.scrollTop = grip.y - event.clientY;
  });
  const release = () => { grip = null; canvas.classList.remove('drags'); };
  window.addEventListener('pointerup', release);
  window.addEventListener('pointercancel', release);
  zoom(Math.max(wide(), 0.55));
  canvas.scrollLeft = 0;
  canvas.scrollTop = 0;

  // Matrices: what is behind the cell that is pointed at, or gone to by arrow keys.
  const data = JSON.parse(one('#data').textContent);
  const about = one('.cell-about');
  const tell = (table, row, column) => {
    const names = [table.tBodies[0].rows[row].cells[0], table.tHead.rows[0].cells[column + 1]];
    const [arrived, judged, classes, reasons, more] = data.cells[table.dataset.table][row][column];
    const spread = judged < classes ? ' (an even spread of ' + classes + ')' : '';
    const share = judged ? arrived + ' of ' + judged + ' class pairs' + spread : 'nothing to judge';
    const lines = [names[0].textContent + ' to ' + names[1].textContent + ': ' + share];
    for (const [reason, pairs, example] of reasons) {
      lines.push(data.reasons[reason] + ' (' + pairs + ')', '   ' + example);
    }
    if (more) lines.push('and ' + more + ' more');
    about.textContent = lines.join('\n');
    for (const name of all('.lit')) name.classList.remove('lit');
    for (const name of names) name.classList.add('lit');
  };
  const spoken = new Map(all('.legend b').map(sign => [sign.className, sign.nextSibling.textContent.trim()]));
  for (const cell of all('.matrix.glyphs tbody td')) cell.setAttribute('aria-label', spoken.get(cell.classList[0]));
  for (const table of all('.matrix')) {
    const body = table.tBodies[0];
    let chosen = null;
    const cellAt = (row, column) => body.rows[row] && body.rows[row].cells[column + 1];
    const show = cell => {
      if (chosen) { chosen.classList.remove('chosen'); chosen.tabIndex = -1; }
      chosen = cell;
      cell.classList.add('chosen');
      cell.tabIndex = 0;
      tell(table, cell.parentNode.sectionRowIndex, cell.cellIndex - 1);
    };
    const cellOf = event => {
      const cell = event.target.closest('tbody td');
      return cell && table.contains(cell) ? cell : null;
    };
    const first = cellAt(0, 0);
    if (first) first.tabIndex = 0;
    table.addEventListener('mouseover', event => { const cell = cellOf(event); if (cell) show(cell); });
    table.addEventListener('focusin', event => { const cell = cellOf(event); if (cell) show(cell); });
    table.addEventListener('click', event => { const cell = cellOf(event); if (cell) cell.focus(); });
    table.addEventListener('keydown', event => {
      const cell = cellOf(event);
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!cell || !step) return;
      const next = cellAt(cell.parentNode.sectionRowIndex + step[0], cell.cellIndex - 1 + step[1]);
      event.preventDefault();
      if (next && next.tagName === 'TD') { next.tabIndex = -1; next.focus(); }
    });
  }

  // On paper everything is open.
  window.addEventListener('beforeprint', () => { for (const details of all('details')) details.open = true; });
})();
