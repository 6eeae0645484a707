// Places of buffers in one piece of memory: greedy best fit, as dslc's analysis/arena.py has it.

// Gives each buffer an `offset`, in the order of their first places; the end of the last.
export function placeBuffers(buffers, count) {
  const free = []; // [offset, length], by offset
  const ending = Array.from({ length: count + 1 }, () => []);
  let size = 0;
  let now = 0;
  const give = (buffer) => {
    if (!buffer.bytes) return;
    let at = free.findIndex(([offset]) => offset > buffer.offset);
    if (at < 0) at = free.length;
    free.splice(at, 0, [buffer.offset, buffer.bytes]);
    if (at + 1 < free.length && free[at][0] + free[at][1] === free[at + 1][0]) free[at][1] += free.splice(at + 1, 1)[0][1];
    if (at && free[at - 1][0] + free[at - 1][1] === free[at][0]) free[at - 1][1] += free.splice(at, 1)[0][1];
  };
  const take = (bytes) => {
    if (!bytes) return 0;
    let best = -1;
    free.forEach(([, length], i) => {
      if (length >= bytes && (best < 0 || length < free[best][1])) best = i;
    });
    if (best < 0) {
      const end = free.length && free.at(-1)[0] + free.at(-1)[1] === size ? free.pop()[0] : size;
      size = end + bytes;
      return end;
    }
    const [offset, length] = free[best];
    if (length === bytes) free.splice(best, 1);
    else free[best] = [offset + bytes, length - bytes];
    return offset;
  };
  for (const buffer of buffers) {
    for (; now < buffer.first; now += 1) ending[now].forEach(give);
    buffer.offset = take(buffer.bytes);
    ending[Math.min(buffer.until, count)].push(buffer);
  }
  return size;
}
