// Keeps the page for offline use: what the build lists at once, vocabularies and the full table when they are first used.

const CACHE = "tollgate-VERSION_OF_BUILD";
const FILES = ["FILES_OF_BUILD"];

self.addEventListener("install", (event) => {
  const all = ["./", ...FILES.filter((name) => name !== "index.html")];
  // What the browser has just loaded is taken from its own cache.
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(all)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith("tollgate-") && name !== CACHE);
    await Promise.all(names.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(old());
});

/** Whether a path is the page's: the gateway's own routes beside it are none of this worker's business. */
function isOwn(url) {
  const base = new URL("./", self.location).pathname;
  if (url.origin !== self.location.origin || !url.pathname.startsWith(base)) return false;
  const path = url.pathname.slice(base.length);
  return path === "" || path === "index.html" || path.startsWith("page/") || path.startsWith("vocab/") || FILES.includes(path);
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || !isOwn(url)) return;
  const answer = async () => {
    const cache = await caches.open(CACHE);
    const path = url.pathname.endsWith("index.html") ? new URL("./", self.location).href : url.origin + url.pathname;
    const kept = await cache.match(path);
    if (kept) return kept;
    const fetched = await fetch(event.request);
    if (fetched.ok) await cache.put(path, fetched.clone());
    return fetched;
  };
  event.respondWith(answer());
});
