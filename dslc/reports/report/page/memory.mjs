// Memory of a run at given sizes: the rules of dslc's analysis/memory.py over the steps of a record.

import { placeBuffers } from "./arena.mjs";

// The buffers of one run: who makes each, how many bytes, and from which to which place of the run it lives.
export function buffers(net, sizes) {
  const runs = net.steps.flatMap((step, number) => (step.needed ? [] : [{ step, number }]));
  const end = Math.max(runs.length - 1, 0);
  const found = [];
  const holders = new Map();
  const bytes = (value) => sizes.sum(net.values[value][2]);
  const until = (value, place) => (net.values[value][3] < 0 ? place : net.values[value][3]);
  const add = (value, holds, number, place, last, size) => {
    const buffer = { holds, number, bytes: size, first: place, last };
    found.push(buffer);
    if (value !== null) holders.set(value, buffer);
    return buffer;
  };
  for (const [name, value] of net.inputs) add(value, "input", -1, 0, until(value, 0), bytes(value)).name = name;
  runs.forEach(({ step, number }, place) => {
    if (step.storage === "same") {
      const holder = holders.get(step.ins[0]);
      if (holder) holders.set(step.outs[0], holder);
    } else {
      for (const value of step.outs) {
        const size = bytes(value);
        const over = step.storage === "in place" ? overwritten(step, size, place, holders) : undefined;
        if (over) over.last = until(value, place);
        else add(value, "value", number, place, until(value, place), size);
        if (over) holders.set(value, over);
      }
    }
    for (const sum of step.scratch ?? []) {
      const size = sizes.sum(sum);
      if (size) add(null, "scratch", number, place, place, size);
    }
  });
  for (const buffer of found) {
    buffer.until = buffer.last; // past the last place for what the network returns
    buffer.last = Math.min(buffer.last, end);
  }
  return { buffers: found, runs: runs.map(({ number }) => number) };
}

function overwritten(step, size, place, holders) {
  for (const value of step.ins) {
    const holder = holders.get(value);
    if (holder && holder.holds === "value" && holder.last === place && holder.bytes === size) return holder;
  }
  return undefined;
}

// All that is known of the memory of a run: bytes that live at each place, their most, and what each step writes.
export function memory(net, sizes) {
  const { buffers: all, runs } = buffers(net, sizes);
  const changes = new Array(runs.length + 1).fill(0);
  const written = new Map();
  let total = 0;
  for (const buffer of all) {
    changes[buffer.first] += buffer.bytes;
    changes[Math.min(buffer.last + 1, runs.length)] -= buffer.bytes;
    if (buffer.holds !== "value") continue;
    total += buffer.bytes;
    written.set(buffer.number, (written.get(buffer.number) ?? 0) + buffer.bytes);
  }
  let now = 0;
  const live = runs.map((_, place) => (now += changes[place]));
  const peak = live.length ? Math.max(...live) : all.reduce((sum, buffer) => sum + buffer.bytes, 0);
  const arena = placeBuffers(all, runs.length);
  return { buffers: all, runs, live, written, total, peak, peakAt: live.indexOf(peak), arena };
}
