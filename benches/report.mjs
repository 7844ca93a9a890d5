// The lines that benches answer, as one Markdown table.

import { cpus } from "node:os";

const number = (value) => (Math.abs(value) < 10 ? value.toFixed(2) : value.toFixed(0));

function verdict({ value, bar }) {
  if (bar === undefined) return "";
  return value <= bar ? "yes" : "no";
}

/** The report on `lines` as Markdown. */
export function report(lines) {
  const rows = lines.map((one) => [
    one.what,
    `${number(one.value)} ${one.unit}`,
    one.bar === undefined ? "" : `≤ ${one.bar} ${one.unit}`,
    verdict(one),
    one.detail,
  ]);
  const all = [["what", "measured", "bar", "held", "beside"], ["---", "---:", "---:", "---", "---"], ...rows];
  const table = all.map((row) => `| ${row.join(" | ")} |`).join("\n");
  const { model } = cpus()[0];
  return `${table}\n\nMedians of alternating rounds on ${cpus().length} cores (${model}), Node ${process.versions.node}.`;
}
