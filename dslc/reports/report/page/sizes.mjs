// Sizes and sums at given sizes of the input, from the records that pool.py describes.

// The floor of a quotient of whole numbers, exact below 2 ** 53.
export function floorDivided(a, b) {
  const rest = a % b;
  return (a - (rest < 0 ? rest + b : rest)) / b;
}

export class Sizes {
  // `net` has `dims` and `sums`; `at` a number for each symbol. A symbol that is not given is 1.
  constructor(net, at) {
    this.net = net;
    this.at = at;
    this.dims = new Array(net.dims.length);
    this.sums = new Array(net.sums.length);
  }

  size(number) {
    return number >= 0 ? number : this.dim(-1 - number);
  }

  dim(index) {
    if (this.dims[index] === undefined) {
      let total = 0;
      for (const [coefficient, ...atoms] of this.net.dims[index]) {
        total += atoms.reduce((product, atom) => product * this.atom(atom), coefficient);
      }
      this.dims[index] = total;
    }
    return this.dims[index];
  }

  atom(atom) {
    if (typeof atom === "string") return this.at[atom] ?? 1;
    return floorDivided(this.size(atom[0]), atom[1]);
  }

  // A sum of products; -1 stands for nothing.
  sum(index) {
    if (index < 0) return 0;
    if (this.sums[index] === undefined) {
      let total = 0;
      for (const [count, ...sizes] of this.net.sums[index]) {
        total += sizes.reduce((product, size) => product * this.size(size), count);
      }
      this.sums[index] = total;
    }
    return this.sums[index];
  }

  // `N × 64 × 56 × 56`: open sizes by name.
  shape(dims, open) {
    return dims.map((dim) => (dim < 0 && this.isOpen(-1 - dim, open) ? this.net.texts[-1 - dim] : this.size(dim)));
  }

  isOpen(index, open) {
    return this.net.dims[index].some(([, ...atoms]) =>
      atoms.some((atom) =>
        typeof atom === "string" ? open.has(atom) : atom[0] < 0 && this.isOpen(-1 - atom[0], open),
      ),
    );
  }
}
