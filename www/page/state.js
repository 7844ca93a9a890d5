// What the page is set to, and its place in the fragment of the address: it never goes to a server.

/** What is set where nothing is said. */
const DEFAULTS = {
  view: "estimate", kind: "text", low: 200, out: 500, high: 1500, cached: 0, calls: 1000, tier: "", sort: "cost", down: 0,
  provider: "", can: "", find: "", fit: 0, pins: "", all: 0, exact: 0, model: "",
};

export const state = { ...DEFAULTS };

const views = ["estimate", "explain", "stream", "config"];

/** Reads the fragment; answers the texts (of the prompt, of other tools) that it carries, unpacked. */
export async function readFragment(fragment = location.hash) {
  const [view, query = ""] = fragment.replace(/^#/, "").split("?");
  const given = new URLSearchParams(query);
  Object.assign(state, DEFAULTS);
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    const value = given.get(name);
    if (value === null) continue;
    if (typeof usual === "string") state[name] = value;
    else if (Number.isFinite(Number(value)) && Number(value) >= 0) state[name] = Number(value);
  }
  if (views.includes(view)) state.view = view;
  const texts = {};
  for (const name of ["prompt", "request", "events", "yaml"]) {
    if (given.has(name)) texts[name] = await unpacked(given.get(name)).catch(() => undefined);
  }
  return texts;
}

/** The fragment of what is set, with these texts. */
export async function fragment(texts = {}) {
  const query = new URLSearchParams();
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    if (name !== "view" && state[name] !== usual && state[name] !== "") query.set(name, state[name]);
  }
  for (const [name, text] of Object.entries(texts)) query.set(name, await packed(text));
  const asked = query.toString();
  return `#${state.view}${asked && `?${asked}`}`;
}

/** Writes what is set into the address, without the texts: a history is no place for prompts. */
export async function writeFragment() {
  const wanted = await fragment();
  if (wanted !== location.hash) history.replaceState(null, "", wanted);
}

async function through(stream, bytes) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

async function packed(text) {
  const bytes = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(text));
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function unpacked(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(await through(new DecompressionStream("deflate-raw"), bytes));
}

export const pins = () => state.pins.split("\n").filter(Boolean);

export function pin(id) {
  const own = pins();
  state.pins = (own.includes(id) ? own.filter((other) => other !== id) : [...own, id].slice(-8)).join("\n");
}
