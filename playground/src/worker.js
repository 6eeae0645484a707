// The compiler, off the page's thread. It answers each request in turn; of those that wait only the last matters.
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
  python.runPython("import sys, json; sys.path.insert(0, '/dslc'); from dslc.playground import answer, examples");
  const ask = python.runPython("lambda text, net, sizes: answer(text, net or None, json.loads(sizes))");
  postMessage({ examples: JSON.parse(python.runPython("examples()")) });
  return ask;
})();
ready.catch((error) => postMessage({ failed: String(error) }));

let next = null;
onmessage = async ({ data }) => {
  const idle = next === null;
  next = data;
  if (!idle) return;
  const ask = await ready;
  while (next !== null) {
    await new Promise((resolve) => setTimeout(resolve)); // requests that came meanwhile take the place of this one
    const { id, text, net, sizes } = next;
    const start = performance.now();
    try {
      const found = JSON.parse(ask(text, net, JSON.stringify(sizes)));
      postMessage({ id, found, ms: performance.now() - start });
    } catch (error) {
      postMessage({ id, failed: String(error) });
    }
    if (next.id === id) next = null;
  }
};
