// Two charts, drawn by hand: what a call costs, and how that grows with the answer.

import { money, short } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";

function draw(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function sheet(place, height, label) {
  const width = Math.max(place.clientWidth, 240);
  const svg = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  place.replaceChildren(svg);
  return { svg, width };
}

/** The name of a model without its providers' folders, short enough for `most` letters. */
function named(id, most) {
  const name = id.split("/").pop();
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}

/** Bars of `[{ id, cost, low, high }]`, the cheapest first, each with the range of its answer. */
export function bars(place, rows) {
  const known = rows.filter(({ cost }) => !Number.isNaN(cost)).sort((left, right) => left.cost - right.cost);
  const label = known.map(({ id, cost }) => `${id} ${money(cost)}`).join(", ");
  const height = place.clientHeight;
  const { svg, width } = sheet(place, height, `Cost of a call: ${label || "nothing to show"}`);
  const [names, values] = [Math.min(170, width * 0.4), 74];
  const step = Math.min(30, height / Math.max(known.length, 1));
  const most = Math.max(...known.map(({ high }) => high), 0) || 1;
  const x = (dollars) => names + ((width - names - values) * dollars) / most;
  for (const [at, { id, cost, low, high }] of known.entries()) {
    const middle = at * step + step / 2;
    svg.append(draw("text", { x: names - 10, y: middle, class: "name", "text-anchor": "end" }, named(id, Math.floor((names - 12) / 7))));
    svg.append(draw("rect", { x: names, y: middle - step * 0.3, width: Math.max(x(cost) - names, 1.5), height: step * 0.6, rx: 2, class: "bar" }));
    svg.append(draw("path", { d: `M${x(low)} ${middle}H${x(high)}M${x(high)} ${middle - 4}v8M${x(low)} ${middle - 4}v8`, class: "range" }));
    svg.append(draw("text", { x: x(high) + 8, y: middle, class: "value" }, money(cost)));
  }
}

/** A round number of steps up to `most`. */
function ticks(most, about) {
  const rough = most / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((times) => times * power >= rough) * power;
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, at) => at * step);
}

/** Lines of `[{ id, costs }]` over `lengths` in tokens; `expected` is marked. */
export function plot(place, lengths, rows, expected) {
  const known = rows.filter(({ costs }) => costs.length && !costs.some(Number.isNaN));
  const height = place.clientHeight;
  const label = known.map(({ id, costs }) => `${id} up to ${money(costs.at(-1))}`).join(", ");
  const { svg, width } = sheet(place, height, `Cost over the length of the answer: ${label || "nothing to show"}`);
  if (!known.length) return;
  const [left, right, top, bottom] = [58, Math.min(150, width * 0.34), 8, height - 24];
  const longest = lengths.at(-1) || 1;
  const most = Math.max(...known.map(({ costs }) => costs.at(-1))) || 1;
  const x = (length) => left + ((width - left - right) * length) / longest;
  const y = (dollars) => bottom - ((bottom - top) * dollars) / most;
  for (const dollars of ticks(most, 4)) {
    svg.append(draw("path", { d: `M${left} ${y(dollars)}H${width - right}`, class: "grid" }));
    svg.append(draw("text", { x: left - 8, y: y(dollars), class: "tick", "text-anchor": "end" }, money(dollars)));
  }
  for (const length of ticks(longest, 4)) {
    svg.append(draw("text", { x: x(length), y: height - 8, class: "tick", "text-anchor": "middle" }, short(length)));
  }
  if (expected <= longest) svg.append(draw("path", { d: `M${x(expected)} ${top}V${bottom}`, class: "mark" }));
  const ends = known
    .map(({ id, costs }, at) => ({ id, at, costs, y: y(costs.at(-1)) }))
    .sort((one, other) => one.y - other.y);
  spread(ends, top + 6, bottom - 2);
  for (const { id, at, costs, y: end, place: label } of ends) {
    const points = costs.map((cost, index) => `${x(lengths[index]).toFixed(1)} ${y(cost).toFixed(1)}`);
    svg.append(draw("path", { d: `M${points.join("L")}`, class: `line line-${at}` }));
    const edge = width - right;
    svg.append(draw("path", { d: `M${edge + 2} ${end}L${edge + 10} ${label}`, class: `lead line-${at}` }));
    svg.append(draw("text", { x: edge + 13, y: label, class: "name" }, named(id, Math.floor((right - 14) / 6.6))));
  }
}

/** Moves labels apart so that none covers another. */
function spread(ends, top, bottom) {
  const gap = Math.min(15, (bottom - top) / Math.max(ends.length - 1, 1));
  let last = top - gap;
  for (const end of ends) last = end.place = Math.max(end.y, last + gap);
  let next = bottom + gap;
  for (const end of ends.toReversed()) next = end.place = Math.min(end.place, next - gap);
}
