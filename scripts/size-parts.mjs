// Prints what each part of the core takes of the Worker's wasm: `npm run size-parts`, after `npm run build`.
//
// A part is the code of the functions whose symbols name it, library code that was compiled for it (lists, iterators)
// among them, optimised as the Worker is and then compressed together.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { kept } from "./place.mjs";
import { Problem, main } from "./steps.mjs";
import { wasmOpt } from "./wasm.mjs";

// The modules that are shown by their own modules; all others are one part each.
const PARTS = new Map(["provider", "gateway", "keys"].map((name) => [name, 2]));

/** The sections of a module, and the numbers in them. */
class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 8;
  }

  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }

  text() {
    const length = this.number();
    this.at += length;
    return this.bytes.toString("utf8", this.at - length, this.at);
  }
}

/** The bodies of a module's functions, by name. */
function functions(bytes) {
  const reader = new Reader(bytes);
  const bodies = [];
  const names = new Map();
  let imported = 0;
  while (reader.at < bytes.length) {
    const kind = bytes[reader.at++];
    const end = reader.number() + reader.at;
    if (kind === 2) imported = importedFunctions(reader);
    if (kind === 10) {
      for (let count = reader.number(); count > 0; count -= 1) {
        const length = reader.number();
        bodies.push(bytes.subarray(reader.at, reader.at + length));
        reader.at += length;
      }
    }
    if (kind === 0 && reader.text() === "name") {
      while (reader.at < end) {
        const part = bytes[reader.at++];
        const partEnd = reader.number() + reader.at;
        if (part === 1) {
          for (let count = reader.number(); count > 0; count -= 1) names.set(reader.number(), reader.text());
        }
        reader.at = partEnd;
      }
    }
    reader.at = end;
  }
  return bodies.map((body, index) => [names.get(index + imported) ?? "", body]);
}

function importedFunctions(reader) {
  let functions = 0;
  const limits = () => {
    const flags = reader.number();
    reader.number();
    if (flags & 1) reader.number();
  };
  for (let count = reader.number(); count > 0; count -= 1) {
    reader.text();
    reader.text();
    const kind = reader.bytes[reader.at++];
    if (kind === 0) {
      functions += 1;
      reader.number();
    } else if (kind === 1) {
      reader.at += 1;
      limits();
    } else if (kind === 2) limits();
    else reader.at += kind === 3 ? 2 : 1;
  }
  return functions;
}

/** The part that a symbol names: the first module of ours in it. */
function partOf(symbol) {
  let rest = symbol.match(/8tollgate(\d+\w+)/)?.[1] ?? "";
  const path = [];
  while (path.length < 2) {
    // Each name has its length before it, and an underscore where it starts with a digit.
    const length = rest.match(/^(\d+)_?/);
    if (!length) break;
    const start = length[0].length;
    path.push(rest.slice(start, start + Number(length[1])));
    rest = rest.slice(start + Number(length[1]));
  }
  return path.slice(0, PARTS.get(path[0]) ?? 1).join("::");
}

await main(async () => {
  const built = join(kept, "staged", "worker-cargo", "tollgate.wasm");
  if (!existsSync(built)) throw new Problem("there is no build to look at: `npm run build` makes one");
  const folder = mkdtempSync(join(tmpdir(), "tollgate-parts-"));
  try {
    const named = join(folder, "named.wasm");
    await wasmOpt(built, named, ["-g"]);
    const parts = new Map();
    for (const [symbol, body] of functions(readFileSync(named))) {
      const part = partOf(symbol) || "libraries";
      parts.set(part, [...(parts.get(part) ?? []), body]);
    }
    const kb = (bytes) => (bytes / 1024).toFixed(1).padStart(8);
    const rows = [...parts].map(([part, bodies]) => {
      const code = Buffer.concat(bodies);
      return { part, raw: code.length, gzip: gzipSync(code, { level: 9 }).length };
    });
    console.log("part                              raw KB  gzip KB");
    for (const { part, raw, gzip } of rows.sort((a, b) => b.gzip - a.gzip).filter(({ gzip }) => gzip >= 512)) {
      console.log(`${part.padEnd(30)} ${kb(raw)} ${kb(gzip)}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
