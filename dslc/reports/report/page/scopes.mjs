// The graph of a network, part by part: what each part's own children read of each other, and what comes in and goes out.

// The lines inside each part (-1: the network): from a child's row, or `in` and a value, to a row, or `out` and a value.
export class Scopes {
  constructor(tree) {
    this.tree = tree;
    this.net = tree.net;
    this.lines = new Map([[-1, new Map()]]);
    this.makers = new Map();
    this.alias = new Map();
    for (const [value, row] of Object.entries(this.net.tensors)) {
      if (row !== null) this.makers.set(Number(value), tree.rows[row]);
    }
    this.net.steps.forEach((step, number) => {
      const row = tree.rowOfStep.get(number);
      if (row === undefined || row.op === "id") {
        step.outs.forEach((out) => this.alias.set(out, this.actual(step.ins[0])));
        return;
      }
      if (row.needed === "never") return;
      for (const value of [...step.ins, ...(step.tied ?? [])]) this.add(this.actual(value), row);
      step.outs.forEach((out) => this.makers.set(out, row));
    });
    this.net.outputs.forEach(([, value], i) => this.add(this.actual(value), null, `result ${i}`));
  }

  actual(value) {
    return this.alias.get(value) ?? value;
  }

  // The chain of rows from a child of the network to a row itself.
  chain(row) {
    return row ? [...this.tree.around(row), row] : [];
  }

  // A line from where a value is made to a row that reads it, through all parts between them.
  add(value, reader, result = null) {
    const maker = this.makers.get(value);
    const inputs = this.net.inputs.some(([, input]) => input === value);
    if (maker === undefined && !inputs) return;
    const from = this.chain(maker);
    const to = this.chain(reader);
    let shared = 0;
    while (shared < from.length - 1 && shared < to.length - 1 && from[shared] === to[shared]) shared += 1;
    const scope = shared ? from[shared - 1].id : -1;
    for (let i = from.length - 1; i > shared; i -= 1) this.line(from[i - 1].id, from[i].id, value, `out ${value}`);
    const source = maker ? from[shared].id : `in ${value}`;
    this.line(scope, source, value, result ?? to[shared].id);
    for (let i = shared + 1; i < to.length; i += 1) this.line(to[i - 1].id, `in ${value}`, value, to[i].id);
  }

  line(scope, source, value, target) {
    if (!this.lines.has(scope)) this.lines.set(scope, new Map());
    this.lines.get(scope).set(`${source}>${value}>${target}`, { source, value, target });
  }
}
