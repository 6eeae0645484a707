// Where boxes and lines of a graph stand: rows from top to bottom, lines that bend between them.
// The method, and the order of its steps, is that of dslc's reports/layered.py, which names its source.

const SWEEPS = 12;
export const SPACE = 18;

export function spot(of) {
  return { width: 0, height: 0, left: 0, right: 0, bend: false, fed: false, faded: false, row: 0, x: 0, y: 0, above: [],
    below: [], ...of };
}

// Gives every box `x` (its middle) and `y` (its top), and every line its bends; the width and height of it all.
// `boxes` are in program order; `gap(row)` is the free height below a row; `last`: boxes of the last row.
export function place(boxes, lines, gap, last) {
  setRows(boxes, lines, last);
  const rows = [];
  const rowOf = (spot) => (rows[spot.row] ??= []);
  for (const box of boxes) rowOf(box).push(box);
  for (const bend of bends(lines)) rowOf(bend).push(bend);
  for (let i = 0; i < rows.length; i += 1) rows[i] ??= [];
  order(rows);
  setX(rows);
  let y = 0;
  for (const row of rows) {
    const height = Math.max(0, ...row.map((spot) => spot.height));
    for (const spot of row) {
      Object.assign(spot, { top: y, bottom: y + height });
      spot.y = spot.bend ? y : y + (height - spot.height) / 2;
      if (spot.bend) spot.height = height;
    }
    y += height + gap(row);
  }
  const every = rows.flat();
  const left = Math.min(0, ...every.map((spot) => spot.x - spot.left));
  const low = every.length ? Math.min(...every.map((spot) => spot.x - spot.left)) : left;
  for (const spot of every) spot.x -= low;
  const width = Math.max(0, ...every.map((spot) => spot.x + spot.right));
  return { width, height: rows.length ? y - gap(rows.at(-1)) : 0 };
}

function setRows(boxes, lines, last) {
  const reads = new Map(boxes.map((box) => [box, []]));
  const read = new Map(boxes.map((box) => [box, []]));
  for (const line of lines) {
    reads.get(line.target).push(line.source);
    read.get(line.source).push(line.target);
  }
  for (const box of boxes) {
    box.row = Math.max(0, ...reads.get(box).map((source) => source.row + 1));
    box.fed ||= reads.get(box).some((source) => source.fed);
  }
  for (const box of [...boxes].reverse()) {
    if (!box.fed && read.get(box).length) box.row = Math.max(0, Math.min(...read.get(box).map((t) => t.row)) - 1);
  }
  const end = Math.max(0, ...boxes.map((box) => box.row));
  for (const box of last) box.row = end;
}

function bends(lines) {
  const trunks = new Map();
  for (const line of lines) {
    const key = `${line.source.key}/${line.slot}`;
    if (!trunks.has(key)) trunks.set(key, []);
    const trunk = trunks.get(key);
    while (line.source.row + 1 + trunk.length < line.target.row) {
      const bend = spot({ left: SPACE / 4, right: SPACE / 4, bend: true, row: line.source.row + 1 + trunk.length });
      link(trunk.at(-1) ?? line.source, bend);
      trunk.push(bend);
    }
    line.trunk = trunk.slice(0, Math.max(0, line.target.row - line.source.row - 1));
    link(line.trunk.at(-1) ?? line.source, line.target);
  }
  return [...trunks.values()].flat();
}

function link(upper, lower) {
  upper.below.push(lower);
  lower.above.push(upper);
}

const mean = (spots) => spots.reduce((sum, spot) => sum + spot.x, 0) / spots.length;

function order(rows) {
  let best = rows.map((row) => [...row]);
  let least = crossings(rows);
  for (let sweep = 0; sweep < SWEEPS && least; sweep += 1) {
    const down = sweep % 2 === 0;
    for (const row of down ? rows : [...rows].reverse()) {
      const places = new Map(row.map((spot, i) => [spot, i]));
      for (const spot of row) {
        const near = down ? spot.above : spot.below;
        if (near.length) places.set(spot, mean(near));
      }
      row.sort((a, b) => places.get(a) - places.get(b));
      number(row);
    }
    const found = crossings(rows);
    if (found < least) [best, least] = [rows.map((row) => [...row]), found];
  }
  best.forEach((row, i) => (rows[i] = row));
}

function number(row) {
  row.forEach((spot, i) => (spot.x = i));
}

function crossings(rows) {
  rows.forEach(number);
  let count = 0;
  for (const row of rows) {
    const before = [];
    const pairs = row.flatMap((spot) => spot.below.map((other) => [spot.x, other.x])).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    for (const [, x] of pairs) {
      const at = bisect(before, x);
      count += before.length - at;
      before.splice(at, 0, x);
    }
  }
  return count;
}

// The first place in a sorted list after all that are not above x.
function bisect(list, x) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

function setX(rows) {
  const all = columns(rows);
  const owner = new Map(all.flatMap((column) => column.spots.map((spot) => [spot, column])));
  for (const row of rows) {
    for (let i = 1; i < row.length; i += 1) {
      const [a, b] = [row[i - 1], row[i]];
      const apart = a.right + b.left + (a.bend || b.bend ? SPACE / 2 : SPACE);
      owner.get(a).right.push([owner.get(b), apart]);
      owner.get(b).left.push([owner.get(a), apart]);
    }
  }
  for (const column of all) {
    column.links = column.spots.flatMap((s) => [...s.above, ...s.below].map((x) => owner.get(x))).filter((x) => x !== column);
  }
  const waiting = new Map(all.map((column) => [column, column.left.length]));
  const ready = all.filter((column) => !column.left.length);
  for (let i = 0; i < ready.length; i += 1) {
    ready[i].x = Math.max(0, ...ready[i].left.map(([other, apart]) => other.x + apart));
    for (const [other] of ready[i].right) {
      waiting.set(other, waiting.get(other) - 1);
      if (!waiting.get(other)) ready.push(other);
    }
  }
  for (let sweep = 0; sweep < 2 * SWEEPS; sweep += 1) {
    for (const column of sweep % 2 === 0 ? [...ready].reverse() : ready) {
      const low = Math.max(-Infinity, ...column.left.map(([other, apart]) => other.x + apart));
      const high = Math.min(Infinity, ...column.right.map(([other, apart]) => other.x - apart));
      if (column.links.length) column.x = Math.max(low, Math.min(high, mean(column.links)));
    }
  }
  for (const column of all) for (const spot of column.spots) spot.x = column.x;
}

// The columns: each spot goes on below its best reader, as far as no two such lines cross.
function columns(rows) {
  rows.forEach(number);
  const lower = new Map();
  const read = new Map();
  const made = new Map();
  for (const spot of rows.flat()) {
    if (spot.below.length) read.set(spot, mean(spot.below));
    if (spot.above.length) made.set(spot, mean(spot.above));
  }
  for (const row of rows) {
    const pairs = row.flatMap((a) => a.below.map((b) => [...rank(a, b, made.get(b), read.get(a)), a, b]));
    pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const taken = [];
    for (const [, , a, b] of pairs) {
      let i = 0;
      while (i < taken.length && (taken[i][0] < a.x || (taken[i][0] === a.x && taken[i][1] <= b.x))) i += 1;
      const after = !i || (taken[i - 1][0] < a.x && taken[i - 1][1] < b.x);
      const before = i === taken.length || (taken[i][0] > a.x && taken[i][1] > b.x);
      if (!after || !before) continue;
      taken.splice(i, 0, [a.x, b.x]);
      lower.set(a, b);
    }
  }
  const inner = new Set(lower.values());
  return rows.flat().filter((spot) => !inner.has(spot)).map((first) => {
    const spots = [first];
    while (lower.has(spots.at(-1))) spots.push(lower.get(spots.at(-1)));
    return { spots, left: [], right: [], links: [], x: 0 };
  });
}

function rank(a, b, above, below) {
  if (a.bend && b.bend) return [0, 0];
  const alone = (a.below.length > 1) + (b.above.length > 1);
  const middle = Math.abs(a.x - above) + Math.abs(b.x - below);
  return [1 + alone + 2 * (a.bend || b.bend) + 2 * b.faded + 4 * (b.fed && !a.fed && !a.bend), middle];
}
