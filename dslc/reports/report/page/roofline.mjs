// The least time of every step on a device: the rules of dslc's analysis/roofline.py over the steps of a record.

const HELD = 16 * 2 ** 20; // bytes of weights that may still lie in a cache from one run to the next

export const WIDTHS = { fp32: 4, tf32: 4, fp16: 2, bf16: 2, int8: 1 };

export function roofline(net, sizes, device, dtype) {
  const floats = WIDTHS[dtype];
  const bytes = ([sum, width]) => sizes.sum(sum) * (width || floats);
  const plain = ([count, width]) => count * (width || floats);
  const add = (list, of) => (list ?? []).reduce((total, each) => total + of(each), 0);
  const near = Math.max(device.near, device.bandwidth);
  const weights = add(net.weights, plain) > HELD ? device.bandwidth : near;
  const peak = device.peaks[dtype];
  const steps = new Map();
  let seconds = 0;
  net.steps.forEach((step, number) => {
    if (step.needed) return;
    const written = add(step.write, bytes);
    const maps = written + add(step.read, bytes) + add(step.rows, (each) => Math.min(bytes(each), written));
    let held = add(step.weights, plain);
    if (step.less) held = Math.min(held, written);
    const flops = sizes.sum(step.flops ?? -1);
    const computing = flops / peak;
    const moving = maps / near + held / weights;
    const bound = flops || maps + held ? (computing >= moving ? "compute" : "memory") : "";
    steps.set(number, { flops, bytes: maps + held, seconds: Math.max(computing, moving), bound });
    seconds += Math.max(computing, moving);
  });
  return { steps, seconds, peak, ridge: peak / device.bandwidth };
}
