// Which network of a text a line belongs to.

const HEADER = /^net[ ]+([A-Za-z_][A-Za-z0-9_]*)/;

/** The name of the net that holds a line, counted from 0; else of the first one; undefined where there is none. */
export function netAt(text: string, line: number): string | undefined {
  let found: string | undefined;
  for (const [at, row] of text.split(/\r?\n/).entries()) {
    const name = HEADER.exec(row)?.[1];
    if (name !== undefined && (at <= line || found === undefined)) found = name;
  }
  return found;
}
