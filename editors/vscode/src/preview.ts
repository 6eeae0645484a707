// Pages beside the text: the picture and the report of a network, or what is wrong with the program.

import { run } from "./run";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

export type Kind = "picture" | "report";

/** Text as it stands in a page. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (each) => `&#${each.codePointAt(0)};`);
}

/** A page that runs nothing and loads nothing, whatever its body holds. */
export function still(title: string, body: string): string {
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>body { padding: 1rem } pre { white-space: pre-wrap } svg { max-width: 100%; height: auto; background: white }</style>
</head><body>${body}</body></html>
`;
}

export interface Page {
  html: string;
  scripts: boolean;
}

/** The page of a network; where none is written, what was said. A report has the mistakes of its program on top. */
export async function page(kind: Kind, command: readonly string[], file: string, net: string | undefined): Promise<Page> {
  const title = `${net ?? basename(file)}: ${kind}`;
  const folder = await mkdtemp(join(tmpdir(), "dslc-"));
  const output = join(folder, kind === "picture" ? "net.svg" : "net.html");
  try {
    const chosen = net === undefined ? [] : ["--net", net];
    const done = await run(command, [kind, basename(file), ...chosen, "-o", output], dirname(file));
    const made = await readFile(output, "utf8").catch(() => undefined);
    if (made === undefined) return { html: still(title, `<pre>${escaped((done.err || done.out).trim())}</pre>`), scripts: false };
    if (kind === "report") return { html: made, scripts: true }; // self-contained, with a policy of its own
    return { html: still(title, made.replace(/^<\?xml[^>]*\?>\s*/, "")), scripts: false };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
