// Commands of dslc, without a shell.

import { execFile } from "node:child_process";

export interface Done {
  status: number;
  out: string;
  err: string;
}

/** The outcome of a command; status 127 where it cannot be started, 124 where it takes longer than `limit` ms. */
export function run(command: readonly string[], args: readonly string[], cwd: string, limit = 60_000): Promise<Done> {
  const [program, ...first] = command;
  if (program === undefined) return Promise.resolve({ status: 127, out: "", err: "`dslc.command` is empty" });
  const options = { cwd, timeout: limit, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, NO_COLOR: "1", COLUMNS: "100" } };
  return new Promise((resolve) => {
    execFile(program, [...first, ...args], options, (error, out, err) => {
      if (error === null) resolve({ status: 0, out, err });
      else if (typeof error.code === "number") resolve({ status: error.code, out, err });
      else if (error.killed) resolve({ status: 124, out, err: `${err}\nit took longer than ${limit / 1000} s` });
      else resolve({ status: 127, out, err: `${err}${error.message}` });
    });
  });
}
