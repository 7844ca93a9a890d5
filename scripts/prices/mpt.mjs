// Writes the Model Price Table, format `MPT1`; `src/cost/table.rs` holds its description and reads it.

import { read } from './decimal.mjs';
import { TIERS, UNITS, splitRate } from './units.mjs';

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
const little = (value, width) => Array.from({ length: width }, (_, at) => Number((BigInt(value) >> BigInt(8 * at)) & 0xffn));
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

/** Ids in the order of their lower-case form, each after the part that it shares with the one before, from a whole one every 16. */
const frontCoded = (ids) => {
  let before = '';
  return records(ids.map((id, at) => {
    let shared = 0;
    if (at % GROUP !== 0) while (shared < before.length && shared < id.length && before[shared] === id[shared]) shared += 1;
    before = id;
    return [...varint(shared), ...Buffer.from(id.slice(shared))];
  }));
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
const planes = (numbers, width) => Array.from({ length: width }, (_, plane) => numbers.map((n) => (n >> (8 * plane)) & 0xff)).flat();

/** FNV-1a, 64 bits. */
const checksum = (bytes) => {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash;
};

/** The table of `rows` as bytes. */
export const buildTable = ({ rows, providers, date, hash }) => {
  const sorted = [...rows].sort((a, b) => {
    const [x, y] = [a.id.toLowerCase(), b.id.toLowerCase()];
    return x < y ? -1 : x > y ? 1 : a.id < b.id ? -1 : 1;
  });
  const names = [...new Set([...sorted.map((row) => row.provider), ...Object.keys(providers)])].sort();
  const family = (name) => names.indexOf(providers[name]?.family ?? name);
  for (const name of names) if (family(name) < 0) names.push(providers[name].family);
  const flag = (name) => (providers[name]?.reports_cost ? 1 : 0) | (providers[name]?.geo_prefix ? 2 : 0);
  const modes = [...new Set(sorted.map((row) => row.mode))].sort();
  const words = (row) => (row.can ? row.can.split(' ') : []);
  const capabilities = [...new Set(sorted.flatMap((row) => words(row).map((word) => word.replace('-', ''))))].sort();
  const lists = sorted.flatMap((row) => row.prices);
  const brackets = [...new Set(lists.flatMap((list) => Object.keys(list.rates).map((name) => splitRate(name).above)))].sort((a, b) => a - b);
  if (capabilities.length > 64 || names.length > 255 || brackets.length > 255) throw new Error('too many capabilities, providers or brackets');

  const values = interned(lists.flatMap((list) => Object.values(list.rates).map(String)));
  const shapeOf = (rates) => Object.keys(rates).map((name) => {
    const { unit, above, tier } = splitRate(name);
    return [UNITS.indexOf(unit), brackets.indexOf(above), TIERS.indexOf(tier)];
  }).flat().join(',');
  const shapes = interned(lists.map((list) => shapeOf(list.rates)));
  const setOf = (rates) => [shapes.at.get(shapeOf(rates)), ...Object.values(rates).map((value) => values.at.get(String(value)))].join(',');
  const sets = inOrder(lists.map((list) => setOf(list.rates)));
  const windowOf = (list) => JSON.stringify({ zone: list.zone ?? 0, windows: list.windows });
  const windows = interned(lists.filter((list) => list.windows).map(windowOf));
  const scheduleOf = (row) => row.prices.map((list) =>
    [list.from ? day(list.from) : 0, list.windows ? windows.at.get(windowOf(list)) + 1 : 0, sets.at.get(setOf(list.rates))].join(',')).join(';');
  const plain = (row) => row.prices.length === 1 && !row.prices[0].from && !row.prices[0].windows;
  const schedules = inOrder(sorted.filter((row) => !plain(row)).map(scheduleOf));
  // Most models have one list for all time: the column then names its price set, and a schedule only past the last set.
  const scheduleAt = (row) => (plain(row) ? sets.at.get(setOf(row.prices[0].rates)) : sets.list.length + schedules.at.get(scheduleOf(row)));
  const limitsOf = (row) => [row.max_input ?? 0, row.max_output ?? 0, row.context ?? 0, row.vector ?? 0].join(',');
  const limits = inOrder(sorted.map(limitsOf));
  const maskOf = (row) => {
    let [known, value] = [0n, 0n];
    for (const word of words(row)) {
      const bit = 1n << BigInt(capabilities.indexOf(word.replace('-', '')));
      known |= bit;
      if (!word.startsWith('-')) value |= bit;
    }
    return `${known},${value}`;
  };
  const masks = inOrder(sorted.map(maskOf));
  const goneOf = (row) => (row.gone ? day(row.gone) : 0);
  const gone = inOrder(sorted.map(goneOf));

  const numbers = (line) => (line === '' ? [] : line.split(',').map((part) => BigInt(part)));
  const window = (line) => {
    const { zone, windows: own } = JSON.parse(line);
    return [...varint(zone), ...own.flatMap(({ days, minutes }) => [days, ...varint(minutes.length), ...minutes.flat().flatMap(varint)])];
  };
  const sections = [
    records(names.map((name) => [family(name), flag(name), ...Buffer.from(name)])),
    records(modes.map((mode) => [...Buffer.from(mode)])),
    records(capabilities.map((name) => [...Buffer.from(name)])),
    records(brackets.map(varint)),
    records(values.list.map((value) => { const { num, den } = read(value); return [...varint(num), ...(den === 1n ? [] : varint(den))]; })),
    records(shapes.list.map((shape) => numbers(shape).map(Number))),
    records(sets.list.map((set) => numbers(set).flatMap(varint))),
    records(windows.list.map(window)),
    records(schedules.list.map((schedule) => schedule.split(';').flatMap((list) => numbers(list).flatMap(varint)))),
    records(limits.list.map((line) => numbers(line).flatMap(varint))),
    records(masks.list.map((line) => numbers(line).flatMap((mask) => little(mask, 8)))),
    records(gone.list.map(varint)),
    frontCoded(sorted.map((row) => row.id)),
    planes(sorted.map((row) => names.indexOf(row.provider)), 1),
    planes(sorted.map((row) => modes.indexOf(row.mode)), 1),
    planes(sorted.map((row) => limits.at.get(limitsOf(row))), 2),
    planes(sorted.map((row) => masks.at.get(maskOf(row))), 2),
    planes(sorted.map((row) => gone.at.get(goneOf(row))), 2),
    planes(sorted.map(scheduleAt), 2),
  ];
  const body = [
    ...little(day(date), 4), ...Buffer.from(hash, 'hex').subarray(0, 16), ...little(sorted.length, 3), sections.length,
    ...sections.flatMap((section) => little(section.length, 3)),
  ];
  const whole = Buffer.concat([Buffer.from(body), ...sections.map((section) => Buffer.from(section))]);
  return Buffer.concat([Buffer.from('MPT1'), Buffer.from(little(1, 2)), Buffer.from(little(checksum(whole), 8)), whole]);
};
