// What the tests try without an editor.

export { misfit } from "./fit";
export { netAt } from "./nets";
export { escaped, page, still } from "./preview";
export { run } from "./run";
