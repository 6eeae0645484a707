// Whether a server and this extension are made for each other.

const PARTS = /^(\d+)\.(\d+)/;

/** What to tell the user where they are not; undefined where they are: the first two numbers of the versions agree. */
export function misfit(server: string | undefined, extension: string): string | undefined {
  const theirs = PARTS.exec(server ?? "");
  const ours = PARTS.exec(extension);
  if (theirs === null || ours === null) {
    return `dslc: the server does not say its version, and this extension is for ${extension}. Is \`dslc.command\` that of dslc?`;
  }
  if (theirs[1] === ours[1] && theirs[2] === ours[2]) return undefined;
  const older = Number(theirs[1]) - Number(ours[1]) || Number(theirs[2]) - Number(ours[2]);
  const help = older < 0 ? `update dslc: pip install -U "dslc[lsp]"` : "update this extension";
  return `dslc: the server is ${server} and this extension is for ${extension}: some of it will not work. Please ${help}.`;
}
