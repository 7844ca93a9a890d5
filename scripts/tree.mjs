// Checks what no compiler checks: how long files are, and where providers are named.

import { readFileSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";

import { root } from "./place.mjs";
import { Problem } from "./steps.mjs";

const MOST_LINES = 800;
const MOST_SCRIPT_LINES = 300;
// OpenAI's protocol is the gateway's own language (custom is one of its kinds of tool), and mock is the gateway itself.
const EVERYWHERE = new Set(["openai", "custom", "mock"]);
// Where a provider's name belongs; the tests at a file's foot may name one as an example.
const HOMES = ["src/provider/", "src/cost/"];

function files(folder, ending) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)).split(sep).join("/"))
    .sort();
}

const read = (path) => readFileSync(join(root, path), "utf8");

function tooLong(paths, most) {
  return paths
    .map((path) => [path, read(path).split("\n").length - 1])
    .filter(([, lines]) => lines > most)
    .map(([path, lines]) => `${path}: ${lines} lines; ${most} is the most: make two files of it`);
}

/** The names of the registry's rows. */
function providers() {
  const rows = files("src/provider", "registry.rs").concat(files("src/provider", "rows.rs"));
  const names = rows.flatMap((path) => [...read(path).matchAll(/\brow\(\s*"([^"]+)"/g)].map(([, name]) => name));
  return [...new Set(names)].filter((name) => !EVERYWHERE.has(name));
}

/** The code of a file: without comments, and without the tests at its foot. */
function code(text) {
  return text
    .split(/^#\[cfg\(test\)\]\r?\nmod /m)[0]
    .split("\n")
    .map((line) => line.replace(/(^|\s)\/\/.*$/, ""));
}

/** The lines of a file that name a provider. */
export function namedIn(path, text, names) {
  // As a whole string, or as a model's prefix (`name/…`): an English word in a sentence is no provider.
  const literal = new RegExp(`"(${names.join("|")})(/[^"]*)?"`);
  return code(text).flatMap((line, index) => {
    const [, name] = line.match(literal) ?? [];
    return name ? [`${path}:${index + 1}: names the provider ${name}; only ${HOMES.join(" and ")} may`] : [];
  });
}

/** Throws with one line for each place that breaks a rule. */
export function checkTree() {
  const sources = files("src", ".rs");
  const strangers = sources.filter((path) => !HOMES.some((home) => path.startsWith(home)) && !path.endsWith("/tests.rs"));
  const names = providers();
  const broken = [
    ...tooLong(sources, MOST_LINES),
    ...tooLong(files("scripts", ".mjs"), MOST_SCRIPT_LINES),
    ...(names.length ? strangers.flatMap((path) => namedIn(path, read(path), names)) : []),
  ];
  if (broken.length) throw new Problem(`${broken.length} broken rules of the tree`, broken.join("\n"));
  console.log(`Tree: ${sources.length} sources, no rule broken`);
}
