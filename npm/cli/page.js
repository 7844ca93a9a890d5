// The page at `/`: the files that `tollgate init` copies for a Worker, with the headers that are stated beside them.

import { existsSync, readFileSync, statSync } from "node:fs";
import { extname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const TYPES = {
  ".css": "text/css; charset=utf-8", ".gz": "application/gzip", ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
  ".json": "application/json", ".svg": "image/svg+xml", ".wasm": "application/wasm",
};

const folder = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** The headers of all files: the indented lines of `_headers`. */
function stated(pages) {
  const lines = readFileSync(join(pages, "_headers"), "utf8").split(/\r?\n/).filter((line) => /^\s+\S+:/.test(line));
  return lines.flatMap((line) => [line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 1).trim()]);
}

/** What answers for the page's own paths: `pageAt(path)` is `{ headers, body }`, or undefined where the gateway answers. */
export function openPage(pages = folder("worker/www"), vocabularies = folder("dist")) {
  if (!existsSync(join(pages, "index.html"))) return () => undefined;
  const headers = stated(pages);
  return (path) => {
    const own = path === "/" ? "/index.html" : path;
    if (!/^\/(index\.html|sw\.js|page\/[\w.-]+|vocab\/[\w.-]+)$/.test(own)) return undefined;
    const file = join(own.startsWith("/vocab/") ? vocabularies : pages, ...own.split("/"));
    if (file.includes(`..${sep}`) || !existsSync(file) || !statSync(file).isFile()) return undefined;
    return { headers: [...headers, "content-type", TYPES[extname(file)] ?? "application/octet-stream"], body: readFileSync(file) };
  };
}
