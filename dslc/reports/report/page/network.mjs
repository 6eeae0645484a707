// A network of the report at given sizes: the tree of its rows, their numbers, and the totals.

import { memory } from "./memory.mjs";
import { roofline } from "./roofline.mjs";
import { Sizes } from "./sizes.mjs";

// The rows of a record as a tree, once for all sizes. Equal parts one after the other stand in a row of their own.
export class Tree {
  constructor(net) {
    this.net = net;
    this.rows = net.rows.map((row, id) => ({ id, ...row, ...net.shared[row.same], children: [], parent: row.parent ?? -1 }));
    for (const row of this.rows) {
      row.name = row.path.split(".").at(-1);
      row.leaf = !row.part || row.step !== undefined;
      row.n = row.n === undefined ? null : net.shared[row.n];
      row.field = row.field === undefined ? null : net.shared[row.field];
      row.at = row.at === undefined ? [] : net.shared[row.at];
      row.torch = row.torch === undefined ? [] : net.shared[row.torch];
      if (row.leaf && row.step !== undefined) row.outs = net.steps[row.step].outs.map((value) => net.values[value]);
    }
    this.roots = [];
    for (const row of this.rows) this.childrenOf(row.parent).push(row);
    this.rowOfStep = new Map(this.rows.filter((row) => row.step !== undefined).map((row) => [row.step, row]));
    for (const siblings of [this.roots, ...this.rows.map((row) => row.children)]) this.fold(siblings);
  }

  childrenOf(id) {
    return id < 0 ? this.roots : this.rows[id].children;
  }

  // Put the repeats of a part (`again`) into one row below the first of them.
  fold(siblings) {
    for (let i = 0; i < siblings.length; i += 1) {
      let end = i;
      while (siblings[end]?.again) end += 1;
      if (end - i < 2) continue;
      const members = siblings.slice(i, end);
      const id = this.rows.length;
      const [first, last] = [members[0], members.at(-1)];
      const path = `${first.path} … ${last.name}`;
      this.rows.push({
        id, path, name: `${first.name} … ${last.name}`, op: first.op, title: `${first.title} ×${members.length}`,
        family: "part", part: true, leaf: false, times: members.length, parent: first.parent, children: members,
        outs: last.outs, at: first.at, torch: first.torch, field: last.field, n: null, attributes: first.attributes,
      });
      for (const member of members) member.parent = id;
      siblings.splice(i, members.length, this.rows[id]);
    }
  }

  *inOrder(rows = this.roots) {
    for (const row of rows) {
      yield row;
      yield* this.inOrder(row.children);
    }
  }

  // The parts around a row, outermost first.
  around(row) {
    const found = [];
    for (let id = row.parent; id >= 0; id = this.rows[id].parent) found.unshift(this.rows[id]);
    return found;
  }
}

// Its numbers at some sizes, on some device.
export class At {
  constructor(tree, at, device, dtype) {
    const { net } = tree;
    this.tree = tree;
    const given = new Sizes(net, at);
    const same = Object.entries(net.same).map(([name, size]) => [name, given.size(size)]);
    this.sizes = new Sizes(net, { ...at, ...Object.fromEntries(same) });
    this.open = new Set(net.sizes.filter((size) => size.batch).map((size) => size.name));
    this.memory = memory(net, this.sizes);
    this.roofline = device ? roofline(net, this.sizes, device, dtype) : null;
    this.metrics = [
      ...net.metrics,
      { name: "activation_memory", key: "memory", heading: "memory", unit: "B", doc: "bytes of new buffers" },
      ...(device ? [{ name: "time", key: "time", heading: "time", unit: "s", doc: "least time on the device" }] : []),
    ];
    this.numbers = this.metrics.map((metric, i) => this.summed(metric, (row) => this.own(metric, i, row)));
    this.column = new Map(this.metrics.map((metric, i) => [metric.key, this.numbers[i]]));
  }

  own(metric, i, row) {
    if (metric.key === "memory") return this.memory.written.get(row.step) ?? 0;
    if (metric.key === "time") return this.roofline.steps.get(row.step)?.seconds ?? 0;
    if (!row.n) return 0;
    return metric.sized ? this.sizes.sum(row.n[i]) : row.n[i];
  }

  // A number of every row, by its id: a part has the sum over what is in it, without what only training computes.
  summed(metric, of) {
    const found = new Array(this.tree.rows.length).fill(0);
    for (const row of this.tree.rows) {
      if (!row.leaf || (row.step === undefined && !row.n)) continue;
      const number = of(row);
      found[row.id] += number;
      if (row.needed && !metric.training) continue;
      for (let id = row.parent; id >= 0; id = this.tree.rows[id].parent) found[id] += number;
    }
    return found;
  }

  // A number of a row, by the metric's key.
  number(key, row) {
    return this.column.get(key)[row.id];
  }

  shape(out) {
    return this.sizes.shape(out[1], this.open);
  }

  // The totals: name, title, value, unit. `fixed`: it is known at the default sizes alone.
  totals() {
    const { net } = this.tree;
    const added = new Map(this.metrics.map((metric, i) => [metric.name, this.added(metric, i)]));
    const known = new Map([...added, ["peak_memory", this.memory.peak], ["activation_memory", this.memory.total]]);
    return net.totals.map((total) => {
      const here = total.sized && known.has(total.name);
      return { ...total, value: here ? known.get(total.name) : total.value, fixed: total.sized && !here };
    });
  }

  added(metric, i) {
    let total = 0;
    for (const row of this.tree.rows) {
      if (row.leaf && (!row.needed || metric.training)) total += this.numbers[i][row.id];
    }
    return total;
  }
}
