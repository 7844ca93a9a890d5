// What a provider answers, before any dialect: it follows from what was asked, so that nothing can be mixed up.

import { readFileSync } from "node:fs";

const FIXTURES = new URL("../../fixtures/", import.meta.url);

/** The key that each provider takes; another is refused. */
export const UPSTREAM_KEY = "sk-upstream-0123456789";

/** A provider's true answer: `{ status, headers, body }` of `tests/fixtures/<provider>/<case>`. */
export function fixture(provider, name) {
  const text = readFileSync(new URL(`${provider}/${name}/upstream-response.http`, FIXTURES), "utf8");
  const end = text.indexOf("\n\n");
  const [start, ...lines] = text.slice(0, end).split("\n");
  const headers = Object.fromEntries(lines.map((line) => line.split(/: (.*)/s).slice(0, 2)));
  return { status: Number(start.split(" ")[1]), headers, body: text.slice(end + 2) };
}

/**
 * The answer to `asked`, which a dialect's `read` has found in a request:
 * `{ text, images, results, tools, schema, thinking }`.
 *
 * Answers `{ thinking, words, calls, finish, input, output }`: words of text to send one by one, `calls` of tools as
 * `{ name, args }`, `finish` is `stop`, `length` or `tool`, and the counts of tokens.
 */
export function plan(asked, { kind, count, nth }) {
  const answer = {
    thinking: asked.thinking ? "Let me think about it." : undefined,
    words: [],
    calls: [],
    finish: "stop",
  };
  if (kind === "chunks") answer.words = Array.from({ length: count }, (_, index) => `w${index} `);
  else if (asked.results.length) answer.words = words(`The tools said: ${asked.results.join(" and ")}`);
  else if (asked.tools.length) {
    answer.words = ["I ", "look."];
    answer.calls = asked.tools.map(({ name, schema }) => ({ name, args: sample(schema) }));
    answer.finish = "tool";
  } else if (asked.schema) answer.words = words(JSON.stringify(sample(asked.schema)));
  else if (asked.images.length) answer.words = words(`I see ${asked.images.map(seen).join(" and ")}`);
  else answer.words = words(`You said: ${asked.text}`);
  if (kind === "length") answer.finish = "length";
  answer.input = 7;
  answer.output = answer.words.length + 3 * answer.calls.length;
  answer.nth = nth;
  return answer;
}

const seen = ({ type, bytes, url }) => (url ? `a picture at ${url}` : `${type} of ${bytes} bytes`);

const words = (text) => text.match(/\s*\S+/g) ?? [""];

/** A value that fits a JSON schema, in JSON's or OpenAPI's spelling of types. */
export function sample(schema = {}) {
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return sample(schema.anyOf[0]);
  const type = String(Array.isArray(schema.type) ? schema.type[0] : (schema.type ?? "object")).toLowerCase();
  if (type === "object") {
    return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, inner]) => [name, sample(inner)]));
  }
  if (type === "array") return [sample(schema.items)];
  return { string: "Zürich", integer: 3, number: 2.5, boolean: true }[type] ?? null;
}

/** A JSON text in pieces of five characters, as arguments are streamed. */
export const inPieces = (value) => JSON.stringify(value).match(/[^]{1,5}/gu) ?? [];

/** Numbers from a text, the same for the same text: short enough to be exact in 32 bits. */
export function vector(text, dimensions = 4) {
  return Array.from({ length: dimensions }, (_, index) => ((text.length + 1) * (index + 1)) / 128);
}

/** The picture in a data URL or in base64. */
export const picture = (type, base64) => ({ type, bytes: Buffer.from(base64, "base64").length });
