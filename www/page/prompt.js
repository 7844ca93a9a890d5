// The prompt: text, or an OpenAI request; what is very long is held in memory instead of being laid out.

import { size } from "./format.js";

/** Characters from which on a prompt is held and not shown. */
const LONG = 150_000;

export const SAMPLE =
  "Summarise the following support conversation in three sentences. Name the product, the problem, and what was promised to the customer, with its date.\n\n" +
  "Customer: Hello, our export has failed every night since Monday. The log says “quota exceeded”, but the dashboard shows 41 % used.\n" +
  "Agent: Thank you for the details. I can see two workspaces with the same name. The export runs in the older one, whose quota was not raised with your plan. I have asked the platform team to merge them by Thursday, and I will write to you when it is done.\n" +
  "Customer: That would help a lot. Please keep the schedules.";

const place = (id) => document.getElementById(id);
let held;

/** The prompt as it was typed or pasted. */
export const promptText = () => held ?? place("prompt").value;

/** Shows a prompt, or holds it. */
export function setPrompt(text) {
  const area = place("prompt");
  held = text.length > LONG ? text : undefined;
  area.hidden = held !== undefined;
  place("held").hidden = held === undefined;
  area.value = held === undefined ? text : "";
  if (held === undefined) return;
  place("held-size").textContent = size(new Blob([text]).size);
  place("held-start").textContent = `${text.slice(0, 400)}…`;
}

/** A request of what was typed: JSON text. Throws where JSON was expected. */
export function requestText(text, kind) {
  if (kind !== "json") return JSON.stringify({ messages: [{ role: "user", content: text }] });
  const request = JSON.parse(text);
  if (request === null || typeof request !== "object" || Array.isArray(request)) throw new SyntaxError("an object such as {\"messages\": […]} is expected");
  return text;
}

/** Listens to all ways by which a prompt changes; `changed` is called after each. */
export function watchPrompt(changed) {
  const area = place("prompt");
  const take = (text) => {
    setPrompt(text);
    changed();
  };
  area.addEventListener("input", () => {
    if (area.value.length > LONG) setPrompt(area.value);
    changed();
  });
  area.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (text.length <= LONG) return;
    event.preventDefault();
    take(text);
  });
  area.addEventListener("dragover", (event) => event.preventDefault());
  area.addEventListener("drop", async (event) => {
    const [file] = event.dataTransfer.files;
    if (!file) return;
    event.preventDefault();
    take(await file.text());
  });
  place("held-clear").addEventListener("click", () => {
    take("");
    area.focus();
  });
}

/** The head of a PNG of this size: all that counting an image needs. */
function imageUrl(width, height) {
  const bytes = new Uint8Array(33);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  bytes.set([8, 2], 24);
  return `data:image/png;base64,${btoa(String.fromCharCode(...bytes))}`;
}

/** The request of a text with an image of this size more; as JSON, indented. */
export function withImage(text, kind, width, height) {
  const request = JSON.parse(requestText(text, kind));
  const messages = request.messages ?? [];
  const last = messages.at(-1) ?? { role: "user", content: "" };
  const parts = Array.isArray(last.content) ? last.content : [{ type: "text", text: last.content ?? "" }];
  const image = { type: "image_url", image_url: { url: imageUrl(width, height) } };
  const changed = { ...last, content: [...parts, image] };
  return JSON.stringify({ ...request, messages: [...messages.slice(0, -1), changed] }, null, 2);
}
