// Serves the built page as any static host would, and opens it in headless Chromium.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

import { chromium } from "playwright-core";

import { pageFolder } from "../../scripts/place.mjs";

const TYPES = {
  ".css": "text/css", ".gz": "application/octet-stream", ".html": "text/html; charset=utf-8", ".js": "text/javascript",
  ".json": "application/json", ".svg": "image/svg+xml", ".wasm": "application/wasm",
};
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
const QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The path of a Chromium: that of CHROMIUM_BIN, one that is installed, else apt's where it may install. */
function program() {
  const found = () => [process.env.CHROMIUM_BIN, ...PLACES].find((path) => path && existsSync(path));
  if (found()) return found();
  const mayInstall = process.platform === "linux" && process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (!mayInstall) throw new Error("the page's tests need Chromium: install it, or set CHROMIUM_BIN to its program");
  console.log("installing Chromium by apt-get, which the page's tests need");
  execFileSync("apt-get", ["update"], { stdio: "ignore" });
  execFileSync("apt-get", ["install", "-y", "chromium"], { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  if (!found()) throw new Error("apt-get installed no Chromium: install it, or set CHROMIUM_BIN to its program");
  return found();
}

/**
 * A static host of a folder, without headers of its own and under a path as many hosts have it: `{ url, asked, stop }`.
 * `own` holds further files: `{ "/path": { type, body } }`.
 */
export async function serve({ folder = pageFolder, under = "/somewhere", own = {} } = {}) {
  const asked = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://page").pathname).slice(under.length);
    asked.push(path);
    const send = (type, bytes) => response.writeHead(200, { "content-type": type, "content-length": bytes.length }).end(bytes);
    if (own[path]) return send(own[path].type, Buffer.from(own[path].body));
    const file = normalize(join(folder, path.endsWith("/") ? `${path}index.html` : path));
    if (!file.startsWith(folder) || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    return send(TYPES[extname(file)] ?? "application/octet-stream", readFileSync(file));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${server.address().port}${under}/`;
  const stop = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return { url, asked, stop };
}

export const launch = () => chromium.launch({ executablePath: program(), args: [...FLAGS, ...QUIET] });

/** Opens the page; answers `{ page, context, wrong }`, where `wrong` collects errors and violations of its policy. */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (line) => line.type() === "error" && wrong.push(line.text()));
  await page.addInitScript(() => {
    globalThis.violations = [];
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => violations.push(`${violatedDirective}: ${blockedURI}`));
  });
  await page.goto(url);
  return { page, context, wrong };
}

/** Waits until every model is priced. */
export const priced = (page) => page.waitForFunction(() => / models /.test(document.getElementById("count").textContent) && !document.getElementById("prompt-note").classList.contains("wrong") && document.querySelector("#plot path.line"));
