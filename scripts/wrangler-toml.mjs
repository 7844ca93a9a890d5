// Reads from wrangler.toml what the local gateway and the build must know, so that it stands in one place only.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { root } from "./place.mjs";

/** `{ date, flags, objects }`: the compatibility date and flags, and `[{ binding, className }]` of durable objects. */
export function workerSettings(path = join(root, "wrangler.toml")) {
  const lines = readFileSync(path, "utf8").split(/\r?\n/);
  const text = lines.filter((line) => !line.trimStart().startsWith("#")).join("\n");
  const value = (name, within = text) => within.match(new RegExp(`^${name} *= *"([^"]*)"`, "m"))?.[1];
  const flags = text.match(/^compatibility_flags *= *\[([^\]]*)\]/m)?.[1] ?? "";
  const tables = text.split(/^(?=\[)/m).filter((table) => table.startsWith("[[durable_objects.bindings]]"));
  return {
    date: value("compatibility_date"),
    flags: [...flags.matchAll(/"([^"]+)"/g)].map(([, flag]) => flag),
    objects: tables.map((table) => ({ binding: value("name", table), className: value("class_name", table) })),
  };
}

/** A table of a KV namespace, from its head to the line of its binding and to that of its id where it follows. */
function table(binding) {
  const head = "^\\[\\[kv_namespaces\\]\\]\\r?\\n(?:(?!\\[).*\\r?\\n)*?";
  return new RegExp(`${head}binding *= *"${binding}"\\r?\\n(?:id *= *"([^"]*)"\\r?\\n)?`, "m");
}

/** The id of a KV namespace in the text of wrangler.toml; `undefined` where it has none yet. */
export function namespaceId(text, binding) {
  return text.match(table(binding))?.[1] || undefined;
}

/** The text of wrangler.toml with the id of a KV namespace written behind its binding. */
export function withNamespaceId(text, binding, id) {
  return text.replace(table(binding), (found) => `${found.replace(/id *= *"[^"]*"\r?\n$/, "")}id = "${id}"\n`);
}
