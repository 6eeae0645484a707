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

/** The page of a network. Errors of the program are a page too, and so is a dslc that has no such command. */
export async function page(kind: Kind, command: readonly string[], file: string, net: string | undefined): Promise<Page> {
  const title = `${net ?? basename(file)}: ${kind}`;
  const folder = await mkdtemp(join(tmpdir(), "dslc-"));
  const output = join(folder, kind === "picture" ? "net.svg" : "net.html");
  try {
    const chosen = net === undefined ? [] : ["--net", net];
    const done = await run(command, [kind, basename(file), ...chosen, "-o", output], dirname(file));
    if (done.status !== 0) {
      const said = done.status === 2 && /no(?: such)? command/i.test(done.err) ? `this dslc has no command \`${kind}\`` : done.err || done.out;
      return { html: still(title, `<pre>${escaped(said.trim())}</pre>`), scripts: false };
    }
    const made = await readFile(output, "utf8");
    if (kind === "report") return { html: made, scripts: true }; // self-contained, with a policy of its own
    return { html: still(title, made.replace(/^<\?xml[^>]*\?>\s*/, "")), scripts: false };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
