// Says in words what a new `models.jsonl` changes against the one that is checked in.

import { read } from "./decimal.mjs";

const FACTOR_TO_LOOK_AT = 3;

const number = (value) => {
  const { num, den } = read(value);
  return Number(num) / Number(den);
};
/** Token prices read best by the million, all others as they are. */
const dollars = (value) => {
  const pico = number(value);
  return pico < 1e9 ? `$${pico / 1e6}/M` : `$${pico / 1e12}`;
};

const current = (row) => row.prices.filter((list) => !list.windows).at(-1)?.rates ?? {};

const ratesChanged = (before, after) => {
  const lines = [];
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, now] = [before[name], after[name]];
    if (String(old) === String(now)) continue;
    const jump =
      old !== undefined &&
      now !== undefined &&
      number(old) > 0 &&
      (number(now) / number(old) > FACTOR_TO_LOOK_AT || number(now) / number(old) < 1 / FACTOR_TO_LOOK_AT);
    const from = old === undefined ? "none" : dollars(old);
    lines.push(
      `    ${name}: ${from} -> ${now === undefined ? "none" : dollars(now)}` +
        (jump ? `   LOOK TWICE: more than ${FACTOR_TO_LOOK_AT} times` : ""),
    );
  }
  return lines;
};

/** The differences as lines, most telling first. */
export const diff = (before, after) => {
  const lines = [];
  const added = [...after.keys()].filter((id) => !before.has(id));
  const gone = [...before.keys()].filter((id) => !after.has(id));
  const show = (title, ids) => {
    if (ids.length)
      lines.push(
        `${title}: ${ids.length}`,
        ...ids.slice(0, 40).map((id) => `    ${id}`),
        ...(ids.length > 40 ? ["    …"] : []),
      );
  };
  show("gone (kept nowhere: is that meant?)", gone);
  show("new", added);
  for (const [id, row] of after) {
    const old = before.get(id);
    if (!old || JSON.stringify(old) === JSON.stringify(row)) continue;
    const rates = ratesChanged(current(old), current(row));
    const facts = ["provider", "mode", "max_input", "max_output", "context", "vector", "gone", "can"]
      .filter((field) => old[field] !== row[field])
      .map((field) => `    ${field}: ${old[field] ?? "none"} -> ${row[field] ?? "none"}`);
    const history =
      old.prices.length === row.prices.length ? [] : [`    price lists: ${old.prices.length} -> ${row.prices.length}`];
    lines.push(`${id}`, ...rates, ...facts, ...history);
  }
  return lines;
};
