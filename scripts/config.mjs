// Reads a config.yaml as LiteLLM does, and remembers on which line each field stands.

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";

import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from "yaml";

import { Problem } from "./steps.mjs";

// LiteLLM reads YAML 1.1 (`yes` is true, `<<` merges), but no one means a date or a set in a gateway's config.
const NOT_MEANT = ["timestamp", "set", "omap", "pairs", "binary"].map((name) => `tag:yaml.org,2002:${name}`);
// LiteLLM's reader takes no bare `y` or `n` for a truth value.
const TRUTHS = [/^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/, /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/];

/** The tags of YAML 1.1 that LiteLLM's users mean. */
function meant(tags) {
  const truths = [...TRUTHS];
  return tags
    .filter((tag) => !NOT_MEANT.includes(tag.tag))
    .map((tag) => (tag.tag === "tag:yaml.org,2002:bool" ? { ...tag, test: truths.shift() } : tag));
}

/**
 * Reads a config file and its `include` files: `{ config, place }`, where `place(path)` answers `file:line` of a field
 * such as `router_settings.fallbacks` or `model_list[0].model_name` (of its nearest ancestor where it has no line).
 */
export function readConfig(path) {
  const lines = new Map();
  const config = readFile(resolve(path), lines);
  if ("include" in config) include(config, dirname(resolve(path)), lines);
  return { config, place: (field) => placed(field, lines) ?? shown(resolve(path)) };
}

/** The line of a field, or of its nearest ancestor that has one. */
function placed(field, lines) {
  const keys = field.replaceAll(/\[(\d+)\]/g, ".$1").split(".");
  while (keys.length && !lines.has(keys.join("."))) keys.pop();
  return lines.get(keys.join("."));
}

/** A path as the person at the terminal would write it. */
function shown(path) {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : near;
}

function readFile(path, lines) {
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new Problem(`${shown(path)}: no such file; name a config by --config FILE`);
  }
  return parse(readFileSync(path, "utf8"), shown(path), lines);
}

/** Reads a configuration that is no file: YAML, of which JSON is a part. `include` needs a file. */
export function parseConfig(text) {
  const config = parse(text, "config", new Map());
  if ("include" in config) throw new Problem("config: include needs a configuration that is a file");
  return config;
}

/** Reads a configuration that is no file, as `readConfig` does: `{ config, place }`, where lines are called by `name`. */
export function readText(text, name) {
  const lines = new Map();
  const config = parse(text, name, lines);
  return { config, place: (field) => placed(field, lines) ?? name };
}

/** Parses a text that is called `name`, and notes in `lines` where each field stands. */
function parse(given, name, lines) {
  const text = given.replace(/^\uFEFF/, "");
  const counter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: counter,
    version: "1.1",
    customTags: meant,
    prettyErrors: false,
  });
  const line = (offset) => counter.linePos(offset ?? 0).line;
  const [error] = document.errors;
  if (error) throw new Problem(`${name}:${line(error.pos[0])}: ${mended(error)}`);
  let config;
  try {
    // More aliases than this are a bomb, not a config.
    config = document.toJS({ maxAliasCount: 1000 }) ?? {};
  } catch (problem) {
    throw new Problem(`${name}: ${problem.message}`);
  }
  if (typeof config !== "object" || Array.isArray(config)) {
    throw new Problem(`${name}:1: the file must hold a mapping such as \`model_list:\``);
  }
  const note = (node, keys) => {
    const value = isAlias(node) ? node.resolve(document) : node;
    if (isMap(value)) {
      for (const { key, value: inner } of value.items) {
        const field = [...keys, String(isScalar(key) ? key.value : key)];
        lines.set(field.join("."), `${name}:${line(key?.range?.[0])}`);
        note(inner, field);
      }
    } else if (isSeq(value)) {
      value.items.forEach((inner, index) => {
        lines.set([...keys, index].join("."), `${name}:${line(inner?.range?.[0])}`);
        note(inner, [...keys, index]);
      });
    }
  };
  note(document.contents, []);
  return config;
}

function mended(error) {
  const first = error.message.split("\n")[0].replace(/\.$/, "");
  if (error.code === "TAB_AS_INDENT") return "a tab cannot indent YAML; use spaces";
  if (error.code === "DUPLICATE_KEY") return "this key stands twice in the same mapping; keep one";
  return first.charAt(0).toLowerCase() + first.slice(1);
}

/** Merges the files that `include` names: lists of the same name are joined, all else is replaced. */
function include(config, folder, lines) {
  const files = config.include;
  if (!Array.isArray(files) || files.some((file) => typeof file !== "string")) {
    throw new Problem(`${lines.get("include")}: include must be a list of file names`);
  }
  delete config.include;
  for (const file of files) {
    const path = resolve(folder, file);
    if (!existsSync(path)) throw new Problem(`${lines.get("include")}: include names ${file}, which does not exist`);
    const theirs = new Map();
    for (const [key, value] of Object.entries(readFile(path, theirs))) {
      const joined = Array.isArray(value) && Array.isArray(config[key]);
      const shift = joined ? config[key].length : 0;
      config[key] = joined ? [...config[key], ...value] : value;
      for (const [name, place] of theirs) {
        if (name === key || name.startsWith(`${key}.`)) lines.set(shifted(name, key, shift), place);
      }
    }
  }
}

/** The name of a list's field after `shift` items were put before the list. */
function shifted(name, key, shift) {
  const rest = name.slice(key.length + 1);
  if (!shift || !rest) return name;
  const [index, ...inner] = rest.split(".");
  return [key, Number(index) + shift, ...inner].join(".");
}
