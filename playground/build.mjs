// The files of the page, all of them: into dslc/playground/site, from which `dslc playground` serves them.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const site = `${here}../dslc/playground/site`;
const PYODIDE = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"];

rmSync(site, { recursive: true, force: true });
mkdirSync(`${site}/pyodide`, { recursive: true });
for (const name of PYODIDE) copyFileSync(`${here}node_modules/pyodide/${name}`, `${site}/pyodide/${name}`);
for (const name of ["index.html", "style.css"]) copyFileSync(`${here}src/${name}`, `${site}/${name}`);
const common = { bundle: true, format: "esm", minify: true, outdir: site, logLevel: "warning", target: "es2022", legalComments: "eof" };
await build({ ...common, entryPoints: [`${here}src/main.js`] });
await build({ ...common, entryPoints: [`${here}src/worker.js`], external: ["./pyodide/*"] });
execFileSync(process.env.PYTHON ?? "python3", [`${here}bundle.py`, `${site}/dslc.zip`], { stdio: "inherit" });
