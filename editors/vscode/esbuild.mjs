// Bundles the extension, and its parts that need no editor for the tests.
import { build } from "esbuild";
import { copyFileSync } from "node:fs";

const shared = { bundle: true, platform: "node", target: "node20", logLevel: "warning" };
await build({ ...shared, entryPoints: ["src/extension.ts"], outfile: "dist/extension.js", format: "cjs", external: ["vscode"], minify: true });
await build({ ...shared, entryPoints: ["src/parts.ts"], outfile: "dist/parts.mjs", format: "esm" });
copyFileSync("../../LICENSE", "LICENSE.txt");
