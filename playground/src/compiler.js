// The compiler as the page asks it. What takes long is given up when something newer waits: its worker is ended, and a
// new one begun.
const PATIENCE = 5_000; // milliseconds

export class Compiler {
  // `told` is called with what nobody asked for: `{ examples }`, `{ failed }`, `{ restarted }`.
  constructor(told) {
    this.told = told;
    this.count = 0;
    this.asked = new Map();
    this.begin();
  }

  begin() {
    this.since = Infinity; // nothing takes too long before it is loaded
    this.worker = new Worker("worker.js", { type: "module" });
    this.worker.onmessage = ({ data }) => this.answered(data);
    this.worker.onerror = () => this.told({ failed: "worker.js cannot be loaded" });
  }

  answered(data) {
    if (data.id === undefined) {
      this.since = performance.now();
      this.told(data);
      this.watch();
      return;
    }
    const request = this.asked.get(data.id);
    this.asked.delete(data.id);
    for (const [id, older] of this.asked) if (id < data.id && older.kind === request?.kind) this.asked.delete(id); // left out for this one
    this.since = performance.now();
    request?.done(data);
    this.watch();
  }

  // The answer to a request; of those of its kind only the last is answered.
  ask(kind, values) {
    const id = ++this.count;
    if (!this.asked.size && this.since !== Infinity) this.since = performance.now();
    return new Promise((done) => {
      this.asked.set(id, { kind, values, done });
      this.worker.postMessage({ kind, id, ...values });
      this.watch();
    });
  }

  // Something that waits behind another waits no longer than that.
  watch() {
    clearTimeout(this.timer);
    if (this.asked.size < 2 || this.since === Infinity) return;
    const since = this.since;
    this.timer = setTimeout(() => { if (since === this.since && this.asked.size > 1) this.restart(); }, since + PATIENCE - performance.now());
  }

  restart() {
    this.worker.terminate();
    const last = new Map([...this.asked].map(([id, request]) => [request.kind, [id, request]]));
    this.asked = new Map(last.values());
    this.told({ restarted: true });
    this.begin();
    for (const [id, { kind, values }] of this.asked) this.worker.postMessage({ kind, id, ...values });
  }
}
