// Starts other programs: argument lists, no shell, and no child is left behind.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const children = new Set();
const stopChildren = () => children.forEach((child) => child.kill());
process.on("exit", stopChildren);

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];
let interrupted;
onInterrupt(() => process.exit(130));

/** Replaces what Ctrl-C does, which is to end this process and its children; answers what it did before. */
export function onInterrupt(handler) {
  const before = interrupted;
  interrupted = handler;
  for (const signal of SIGNALS) {
    // A package's own handler (Miniflare has one) would end the process before ours is done.
    process.removeAllListeners(signal);
    process.on(signal, () => interrupted(signal));
  }
  return before;
}

/** Finds a program on the PATH; `undefined` where there is none. */
export function which(name) {
  const endings = process.platform === "win32" ? [".exe", ".cmd", ".bat"] : [""];
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const found = endings.map((ending) => join(folder, name + ending)).find((path) => folder && existsSync(path));
    if (found) return found;
  }
  return undefined;
}

/**
 * Runs a program to its end and answers `{ code, output }`; `onLine` sees each line of both outputs as it comes.
 * Throws only where the program cannot be started.
 */
export function run(program, args, { cwd, env, onLine, input } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, windowsHide: true });
    children.add(child);
    let output = "";
    let stdout = "";
    const listen = (stream, keep) => {
      let rest = "";
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
        if (keep) stdout += text;
        const lines = (rest + text).split(/\r?\n/);
        rest = lines.pop();
        lines.forEach((line) => onLine?.(line));
      });
      stream.on("end", () => rest && onLine?.(rest));
    };
    listen(child.stdout, true);
    listen(child.stderr, false);
    // A program that does not read its input closes the pipe early, which is its right.
    child.stdin.on("error", () => {});
    child.stdin.end(input ?? "");
    child.on("error", (error) => {
      children.delete(child);
      reject(error);
    });
    child.on("close", (code, signal) => {
      children.delete(child);
      resolve({ code: code ?? 1, signal, output, stdout });
    });
  });
}

/**
 * Runs a program on this terminal and answers its exit code. Ctrl-C ends the program, which ends us by ending; it may
 * reach the program twice, from the terminal and from here.
 */
export function handOver(program, args, { env, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: "inherit", env: { ...process.env, ...env } });
    children.add(child);
    const before = onInterrupt((signal) => child.kill(signal));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      children.delete(child);
      onInterrupt(before);
      resolve(code ?? (signal === "SIGINT" ? 130 : 1));
    });
  });
}
