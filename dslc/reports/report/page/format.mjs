// Numbers as `dslc stats` writes them (numbers.py).

const UNITS = [[1e18, "E"], [1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];
const BYTES = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]];
const SECONDS = [[1, "s"], [1e-3, "ms"], [1e-6, "us"]];

// A number with so many decimals; a tie goes to the even digit, as in Python.
export function fixed(number, digits) {
  const exact = number.toFixed(Math.min(digits + 40, 100));
  const cut = exact.indexOf(".") + 1 + digits;
  const rounded = number.toFixed(digits);
  if (!/^50*$/.test(exact.slice(cut))) return rounded;
  const below = exact.slice(0, digits ? cut : cut - 1);
  return Number(below.at(-1)) % 2 ? rounded : below;
}

export function short(number, digits = 3) {
  for (const [unit, letter] of UNITS) if (number >= unit) return `${fixed(number / unit, digits)} ${letter}`;
  return String(number);
}

export function bytesText(number) {
  if (!number) return "0 B";
  if (number >= 1e15) return `${short(number, 1)}B`;
  for (const [unit, name] of BYTES) if (number >= unit) return `${fixed(number / unit, 1)} ${name}`;
  return `${number} B`;
}

export function secondsText(seconds) {
  if (!seconds) return "0 s";
  for (const [unit, name] of SECONDS) if (seconds >= unit) return `${digits(seconds / unit)} ${name}`;
  return `${digits(seconds * 1e9)} ns`;
}

// Three digits: `12.3`, `0.25`, `1e+03`.
export function digits(number) {
  const rounded = Number(number.toPrecision(3));
  return rounded >= 1000 && rounded < 1e21 ? rounded.toExponential().replace(/e\+(\d)$/, "e+0$1") : String(rounded);
}

export function grouped(number) {
  return number.toLocaleString("en-US", { maximumFractionDigits: 2 });
}

// A number with its unit, as totals and details show it.
export function amount(value, unit) {
  if (value === null || value === undefined) return "—";
  if (unit === "B") return bytesText(value);
  if (unit === "s") return secondsText(value);
  if (unit === "places") return grouped(value);
  return short(value);
}

export function shapeText(shape) {
  return `[${shape.join(", ")}]`;
}
