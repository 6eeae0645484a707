// What became of each layer between two networks, and by how much its numbers changed.

const SIGNS = { added: "+", removed: "−", changed: "~", affected: "≈" };
export const WORDS = { added: "added", removed: "removed", changed: "changed", affected: "the same text, other numbers", same: "the same" };
const WORST = ["same", "affected", "changed"];

export class Changes {
  // `views`: the two networks, started.
  constructor(diff, views) {
    Object.assign(this, { diff, views });
    this.byRow = ["a", "b"].map((side) => new Map(diff.changes.filter((change) => change[side] !== null).map((change) => [change[side], change])));
    views.forEach((view, side) => {
      view.mark = (row) => this.mark(side, row);
      const { note } = view;
      view.note = (row) => note(row) || this.note(side, row);
    });
  }

  of(side, row) {
    return this.byRow[side].get(row.id);
  }

  // The row that stands for a row in the other network, or null; of a folded one, of its first part.
  partner(side, row) {
    const change = this.of(side, row.times ? row.children[0] : row);
    const id = change?.[side ? "a" : "b"] ?? null;
    return id === null ? null : this.views[1 - side].tree.rows[id];
  }

  // Of parts that are folded into one box, what became of all of them.
  status(side, row) {
    if (!row.times) return this.of(side, row)?.status ?? "same";
    const all = new Set(row.children.map((child) => this.status(side, child)));
    if (all.size === 1) return [...all][0];
    return WORST[Math.max(...[...all].map((status) => Math.max(WORST.indexOf(status), 0)), all.has("added") || all.has("removed") ? 2 : 0)];
  }

  mark(side, row) {
    const status = this.status(side, row);
    const change = this.of(side, row);
    const sign = SIGNS[status] ?? "";
    return [`d-${status}`, sign || (change?.named ? "~" : "")];
  }

  note(side, row) {
    const edits = (this.of(side, row)?.edits ?? []).filter(([name]) => name !== "op" && name !== "reads");
    return edits.slice(0, 2).map(([name, before, now]) => `${name} ${before ?? "none"} → ${now ?? "none"}`).join(", ");
  }

  // Whether a part is one to look into.
  differs(side, row) {
    return this.status(side, row) === "changed";
  }

  // A number of the second network less that of the first, of one change; null where neither has it.
  delta(key, change) {
    if (change.inside) return change.inside.map((number) => this.delta(key, this.diff.changes[number])).reduce((sum, each) => sum + each, 0);
    const [a, b] = ["a", "b"].map((side, i) => (change[side] === null ? 0 : this.views[i].at.number(key, this.views[i].tree.rows[change[side]])));
    return b - a;
  }

  // Of a line of the table: of each of what it repeats, or of all that it leaves out.
  total(key, line) {
    const changes = line.changes.map((number) => this.diff.changes[number]);
    return line.times > 1 ? this.delta(key, changes[0]) : changes.reduce((sum, change) => sum + this.delta(key, change), 0);
  }
}

// The sizes that both networks have as one control each; what one of them does not take is refused for both.
export function commonSizes([a, b]) {
  const known = new Map(a.net.sizes.map((size) => [size.name, size]));
  const both = b.net.sizes.map((size) => ({ ...size, also: known.get(size.name) }));
  const names = new Set(both.map((size) => size.name));
  return [...both, ...a.net.sizes.filter((size) => !names.has(size.name))];
}

// Equal parts that became different things stand in boxes of their own.
export function unfold(diff, nets) {
  nets.forEach((net, side) => {
    const status = new Map(diff.changes.map((change) => [change[side ? "b" : "a"], change.status]));
    const before = new Map();
    net.rows.forEach((row, id) => {
      if (row.again && status.get(id) !== status.get(before.get(row.parent))) delete row.again;
      before.set(row.parent, id);
    });
  });
}
