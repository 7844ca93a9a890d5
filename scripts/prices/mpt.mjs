// Writes the Model Price Table, format `MPT1`; `src/cost/table.rs` holds its description and reads it.

import { read } from "./decimal.mjs";
import { TIERS, UNITS, splitRate } from "./units.mjs";

const GROUP = 16;

const varint = (value) => {
  const bytes = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest ? low | 0x80 : low);
  } while (rest);
  return bytes;
};
const little = (value, width) =>
  Array.from({ length: width }, (_, at) => Number((BigInt(value) >> BigInt(8 * at)) & 0xffn));
const text = (value) => {
  const bytes = [...Buffer.from(value)];
  return [...varint(bytes.length), ...bytes];
};
const day = (date) => Math.round(Date.parse(`${date}T00:00:00Z`) / 86_400_000);

/** Records that follow one another: how many, where every 16th starts, then each with its length in front. */
const records = (list) => {
  const starts = [];
  const body = [];
  list.forEach((record, at) => {
    if (at % GROUP === 0) starts.push(...little(body.length, 3));
    body.push(...varint(record.length), ...record);
  });
  return [...little(list.length, 3), ...starts, ...body];
};

/** Ids in order, each after the part that it shares with the one before, whole every 16. */
const frontCoded = (ids) => {
  let before = "";
  return records(
    ids.map((id, at) => {
      let shared = 0;
      if (at % GROUP !== 0)
        while (shared < before.length && shared < id.length && before[shared] === id[shared]) shared += 1;
      before = id;
      return [...varint(shared), ...Buffer.from(id.slice(shared))];
    }),
  );
};

/** Numbers each distinct value, the most frequent first: small numbers are small varints. */
const interned = (values) => {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const list = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([value]) => value);
  return { list, at: new Map(list.map((value, at) => [value, at])) };
};

/** Numbers each distinct value in the order of first use: neighbours by name are neighbours here, and alike. */
const inOrder = (values) => {
  const list = [...new Set(values)];
  return { list, at: new Map(list.map((value, at) => [value, at])) };
};

/** One byte plane after the other: equal bytes lie together. */
const planes = (numbers, width) =>
  Array.from({ length: width }, (_, plane) => numbers.map((n) => (n >> (8 * plane)) & 0xff)).flat();

/** FNV-1a, 64 bits. */
const checksum = (bytes) => {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash;
};

const numbers = (line) => (line === "" ? [] : line.split(",").map((part) => BigInt(part)));
const distinct = (values) => [...new Set(values)].sort();

/** Models in the order in which the reader searches them. */
const byName = (rows) =>
  [...rows].sort((a, b) => {
    const [x, y] = [a.id.toLowerCase(), b.id.toLowerCase()];
    return x < y ? -1 : x > y ? 1 : a.id < b.id ? -1 : 1;
  });

/** Sections 0 to 2 and the columns that point to them: providers, modes, capabilities. */
const facts = (rows, providers) => {
  const names = distinct([...rows.map((row) => row.provider), ...Object.keys(providers)]);
  const family = (name) => names.indexOf(providers[name]?.family ?? name);
  for (const name of names) if (family(name) < 0) names.push(providers[name].family);
  const flags = (name) => (providers[name]?.reports_cost ? 1 : 0) | (providers[name]?.geo_prefix ? 2 : 0);
  const modes = distinct(rows.map((row) => row.mode));
  const words = (row) => (row.can ? row.can.split(" ") : []);
  const bare = (word) => word.replace(/^-/, "");
  const capabilities = distinct(rows.flatMap((row) => words(row).map(bare)));
  if (capabilities.length > 64 || names.length > 255) throw new Error("too many capabilities or providers");
  const mask = (row, counts) =>
    words(row)
      .filter(counts)
      .reduce((bits, word) => bits | (1n << BigInt(capabilities.indexOf(bare(word)))), 0n);
  const maskOf = (row) => `${mask(row, () => true)},${mask(row, (word) => !word.startsWith("-"))}`;
  const masks = inOrder(rows.map(maskOf));
  return {
    names: [
      records(names.map((name) => [family(name), flags(name), ...Buffer.from(name)])),
      records(modes.map((mode) => [...Buffer.from(mode)])),
      records(capabilities.map((name) => [...Buffer.from(name)])),
    ],
    masks: records(masks.list.map((line) => numbers(line).flatMap((bits) => little(bits, 8)))),
    provider: planes(
      rows.map((row) => names.indexOf(row.provider)),
      1,
    ),
    mode: planes(
      rows.map((row) => modes.indexOf(row.mode)),
      1,
    ),
    mask: planes(
      rows.map((row) => masks.at.get(maskOf(row))),
      2,
    ),
  };
};

/** Sections 3 to 6: brackets, values, shapes and price sets; and which set a list is. */
const priceSets = (lists) => {
  const parts = (rates) => Object.keys(rates).map(splitRate);
  const brackets = [...new Set(lists.flatMap((list) => parts(list.rates).map(({ above }) => above)))].sort(
    (a, b) => a - b,
  );
  if (brackets.length > 255) throw new Error("too many brackets");
  const values = interned(lists.flatMap((list) => Object.values(list.rates).map(String)));
  const shapeOf = (rates) =>
    parts(rates)
      .flatMap(({ unit, above, tier }) => [UNITS.indexOf(unit), brackets.indexOf(above), TIERS.indexOf(tier)])
      .join(",");
  const shapes = interned(lists.map((list) => shapeOf(list.rates)));
  const setOf = ({ rates }) =>
    [shapes.at.get(shapeOf(rates)), ...Object.values(rates).map((value) => values.at.get(String(value)))].join(",");
  const sets = inOrder(lists.map(setOf));
  const fraction = (value) => {
    const { num, den } = read(value);
    return [...varint(num), ...(den === 1n ? [] : varint(den))];
  };
  return {
    sections: [
      records(brackets.map(varint)),
      records(values.list.map(fraction)),
      records(shapes.list.map((shape) => numbers(shape).map(Number))),
      records(sets.list.map((set) => numbers(set).flatMap(varint))),
    ],
    count: sets.list.length,
    at: (list) => sets.at.get(setOf(list)),
  };
};

/** Sections 7 and 8, windows and schedules, and the column that points to them. */
const schedules = (rows, sets) => {
  const windowOf = (list) => JSON.stringify({ zone: list.zone ?? 0, windows: list.windows });
  const windows = interned(
    rows
      .flatMap((row) => row.prices)
      .filter((list) => list.windows)
      .map(windowOf),
  );
  const listOf = (list) =>
    [list.from ? day(list.from) : 0, list.windows ? windows.at.get(windowOf(list)) + 1 : 0, sets.at(list)].join(",");
  const scheduleOf = (row) => row.prices.map(listOf).join(";");
  const plain = (row) => row.prices.length === 1 && !row.prices[0].from && !row.prices[0].windows;
  const all = inOrder(rows.filter((row) => !plain(row)).map(scheduleOf));
  // Most models have one list for all time: the column then names its price set, and a schedule only past the last set.
  const at = (row) => (plain(row) ? sets.at(row.prices[0]) : sets.count + all.at.get(scheduleOf(row)));
  const span = ({ days, minutes }) => [days, ...varint(minutes.length), ...minutes.flat().flatMap(varint)];
  const window = ({ zone, windows: spans }) => [...varint(zone), ...spans.flatMap(span)];
  return {
    sections: [
      records(windows.list.map((line) => window(JSON.parse(line)))),
      records(all.list.map((schedule) => schedule.split(";").flatMap((list) => numbers(list).flatMap(varint)))),
    ],
    column: planes(rows.map(at), 2),
  };
};

/** The table of `rows` as bytes. */
export const buildTable = ({ rows: unsorted, providers, date, hash }) => {
  const rows = byName(unsorted);
  const { names, masks, provider, mode, mask } = facts(rows, providers);
  const sets = priceSets(rows.flatMap((row) => row.prices));
  const times = schedules(rows, sets);
  const limitsOf = (row) => [row.max_input ?? 0, row.max_output ?? 0, row.context ?? 0, row.vector ?? 0].join(",");
  const limits = inOrder(rows.map(limitsOf));
  const goneOf = (row) => (row.gone ? day(row.gone) : 0);
  const gone = inOrder(rows.map(goneOf));
  const sections = [
    ...names,
    ...sets.sections,
    ...times.sections,
    records(limits.list.map((line) => numbers(line).flatMap(varint))),
    masks,
    records(gone.list.map(varint)),
    frontCoded(rows.map((row) => row.id)),
    provider,
    mode,
    planes(
      rows.map((row) => limits.at.get(limitsOf(row))),
      2,
    ),
    mask,
    planes(
      rows.map((row) => gone.at.get(goneOf(row))),
      2,
    ),
    times.column,
  ];
  const head = [
    ...little(day(date), 4),
    ...Buffer.from(hash, "hex").subarray(0, 16),
    ...little(rows.length, 3),
    sections.length,
    ...sections.flatMap((section) => little(section.length, 3)),
  ];
  const whole = Buffer.concat([head, ...sections].map((part) => Buffer.from(part)));
  return Buffer.concat([
    Buffer.from("MPT1"),
    Buffer.from(little(1, 2)),
    Buffer.from(little(checksum(whole), 8)),
    whole,
  ]);
};
