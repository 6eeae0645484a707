// The compiler, off the page's thread. It answers each request in turn; of programs that wait only the last matters.
import { loadPyodide } from "./pyodide/pyodide.mjs";

const ready = (async () => {
  const [python, archive] = await Promise.all([
    loadPyodide({ indexURL: new URL("./pyodide/", import.meta.url).href }),
    fetch(new URL("./dslc.zip", import.meta.url)).then((reply) => {
      if (!reply.ok) throw new Error(`dslc.zip: ${reply.status}`);
      return reply.arrayBuffer();
    }),
  ]);
  python.unpackArchive(archive, "zip", { extractDir: "/dslc" });
  python.runPython("import sys, json; sys.path.insert(0, '/dslc'); from dslc.playground import answer, complete, examples");
  const made = {
    answer: python.runPython("lambda text, net, sizes, view: answer(text, net or None, json.loads(sizes), (view,))"),
    complete: python.runPython("lambda text, offset: complete(text, offset)"),
  };
  postMessage({ examples: JSON.parse(python.runPython("examples()")) });
  return made;
})();
ready.catch((error) => postMessage({ failed: String(error) }));

const DO = {
  answer: (made, { text, net, sizes, view }) => made.answer(text, net, JSON.stringify(sizes), view),
  complete: (made, { text, offset }) => made.complete(text, offset),
};

let waiting = [];
let busy = false;
onmessage = async ({ data }) => {
  if (data.kind === "answer") waiting = waiting.filter((each) => each.kind !== "answer");
  waiting.push(data);
  if (busy) return;
  busy = true;
  const made = await ready;
  while (waiting.length) {
    await new Promise((resolve) => setTimeout(resolve)); // requests that came meanwhile take the place of this one
    const request = waiting.shift();
    const start = performance.now();
    try {
      const found = JSON.parse(DO[request.kind](made, request));
      postMessage({ id: request.id, found, ms: performance.now() - start });
    } catch (error) {
      postMessage({ id: request.id, failed: String(error) });
    }
  }
  busy = false;
};
