// For tests of the command: the gateway of `tollgate serve` in a process of its own.

import { spawn } from "node:child_process";

import { CLI } from "./package.mjs";

/** Runs the command to its end: `{ code, stdout, stderr }`. */
export function command(args, { cwd, env, input } = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...args], { cwd, env: { ...process.env, ...env } });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text) => (stdout += text));
    child.stderr.on("data", (text) => (stderr += text));
    child.stdin.on("error", () => {}).end(input ?? "");
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/**
 * Starts `tollgate serve` on any free port: `{ url, child, ended, said() }`. `ended` is a promise of its exit code; `program`
 * is an installed one in place of the built command.
 */
export async function served(args, { cwd, env, program } = {}) {
  const [file, ...first] = program ? [program] : [process.execPath, CLI];
  const child = spawn(file, [...first, "--port", "0", ...args], { cwd, env: { ...process.env, ...env } });
  let said = "";
  child.stderr.on("data", (text) => (said += text));
  const ended = new Promise((resolve) => child.on("close", (code, signal) => resolve(code ?? signal)));
  const url = await new Promise((resolve, reject) => {
    child.stdout.on("data", (text) => {
      said += text;
      const [, found] = said.match(/Tollgate serves (http:\S+)/) ?? [];
      if (found) resolve(found);
    });
    ended.then((code) => reject(new Error(`the gateway ended with ${code} before it served: ${said}`)));
  });
  return { url, child, ended, said: () => said };
}
