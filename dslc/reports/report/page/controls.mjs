// Sliders for the sizes of the input, which take what the network allows.

import { byId, element } from "./dom.mjs";

const LARGEST = 16_384;

// Whether a size may have a value, by the record of its guards.
export function isAllowed(size, value) {
  if (size.also && !isAllowed(size.also, value)) return false;
  if (!Number.isInteger(value) || value < 1 || value > LARGEST) return false;
  const { allowed } = size;
  if (!allowed) return true;
  if (value < (allowed.min ?? 1) || value > (allowed.max ?? Infinity)) return false;
  if (!allowed.residues.includes(((value % allowed.mod) + allowed.mod) % allowed.mod)) return false;
  return !allowed.holes.includes(value);
}

export function nearest(size, value) {
  for (let far = 0; far <= LARGEST; far += 1) {
    for (const near of [value - far, value + far]) if (isAllowed(size, near)) return near;
  }
  return size.value;
}

export function sizeControls(net, sizes, act) {
  const now = { ...sizes };
  return net.sizes.map((size) => {
    const least = size.batch ? 1 : Math.max(size.allowed?.min ?? 1, Math.ceil(size.value / 8));
    const most = size.batch ? 64 : Math.min(size.allowed?.max ?? LARGEST, Math.max(size.value * 4, least));
    const id = `size-${size.name}`;
    const words = element("span", { class: "wrong", role: "status" });
    const range = element("input", { type: "range", min: least, max: most, value: now[size.name], "aria-label": `${size.name}, by sliding` });
    const number = element("input", { type: "number", id, min: 1, max: LARGEST, value: now[size.name] });
    const set = (value) => {
      now[size.name] = value;
      range.value = value;
      number.removeAttribute("aria-invalid");
      words.textContent = "";
      act({ ...now });
    };
    range.addEventListener("input", () => {
      number.value = nearest(size, Number(range.value));
      set(Number(number.value));
    });
    number.addEventListener("input", () => {
      const value = Number(number.value);
      if (isAllowed(size, value)) return set(value);
      number.setAttribute("aria-invalid", "true");
      const texts = new Set([size, size.also].flatMap((each) => each?.allowed?.text ?? []));
      words.textContent = texts.size ? `${size.name}: ${[...texts].join(" and ")}` : `${size.name} is from 1 to ${LARGEST}`;
      return undefined;
    });
    return element("div", { class: "size" }, element("label", { for: id }, size.batch ? `${size.name} (memory and time)` : size.name), range, number, words);
  });
}

// Sliders for the parameters of a sweep: each combination is a network of its own.
export function pointControls(group, shown, act) {
  const names = Object.keys(shown.net.point);
  const now = { ...shown.net.point };
  const status = element("span", { class: "wrong", role: "status" });
  const controls = names.map((name) => {
    const values = [...new Set(group.map((view) => view.net.point[name]))];
    const words = element("output", {}, now[name]);
    const range = element("input", { type: "range", id: `point-${name}`, min: 0, max: values.length - 1, value: values.indexOf(now[name]), "aria-valuetext": now[name] });
    range.addEventListener("input", () => {
      now[name] = values[range.value];
      words.textContent = now[name];
      range.setAttribute("aria-valuetext", now[name]);
      const view = group.find((each) => names.every((key) => each.net.point[key] === now[key]));
      status.textContent = view ? "" : "this combination has a mistake";
      if (view) act(view);
    });
    return element("div", { class: "size" }, element("label", { for: `point-${name}` }, name), range, words);
  });
  return [...controls, status];
}

// A choice among several: `[value, words]`.
export function select(id, choices, act) {
  byId(id).replaceChildren(...choices.map(([value, words]) => element("option", { value }, words)));
  byId(id).addEventListener("change", () => act(byId(id).value));
}

// The device, and the type of elements among those that it has a rate for; `act` is called once at the beginning.
export function deviceControls(devices, act) {
  let device = devices[0];
  let dtype = "";
  const types = () => {
    const names = Object.keys(device.peaks);
    if (!names.includes(dtype)) [dtype] = names;
    byId("dtype").replaceChildren(...names.map((name) => element("option", { value: name, selected: name === dtype }, name)));
  };
  select("device", devices.map((each, i) => [i, each.title]), (value) => {
    device = devices[value];
    types();
    act(device, dtype);
  });
  types();
  byId("dtype").addEventListener("change", () => act(device, (dtype = byId("dtype").value)));
}
