// Options of the command line: what is not known is refused with the name that was perhaps meant.

/** A mistake in how the command was called: exit code 2. */
export class Usage extends Error {}

/** The nearest of `names`, where one is near. */
function near(name, names) {
  const [best] = names.map((other) => [distance(name, other), other]).sort(([a], [b]) => a - b);
  return best && best[0] <= Math.max(1, Math.floor(name.length / 3)) ? best[1] : undefined;
}

/** How many letters have to be put in, taken out, changed or swapped. */
function distance(a, b) {
  const rows = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
  }
  return rows[a.length][b.length];
}

/** Names something that is not known, with its near name. */
export function unknown(what, name, names) {
  const meant = near(name, names);
  return new Usage(`unknown ${what} \`${name}\`${meant ? `; did you mean \`${meant}\`?` : ""}`);
}

/**
 * Reads arguments: `{ options, rest }`. `known` maps each option's name to "text", "flag" or "list"; `--name=value` and
 * `--name value` are the same, and so are `--a-name` and LiteLLM's `--a_name`. `most` is how many other words may stand;
 * `short` maps single letters to names.
 */
export function readOptions(args, known, most = 0, short = {}) {
  const options = {};
  const rest = [];
  const names = Object.keys(known);
  for (let at = 0; at < args.length; at++) {
    const arg = args[at];
    if (arg === "--") {
      rest.push(...args.slice(at + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      rest.push(arg);
      continue;
    }
    const [, dashes, given, , inline] = arg.match(/^(--?)([^=]*)(=([\s\S]*))?$/);
    const name = dashes === "-" ? short[given] : given.replaceAll("_", "-");
    if (!names.includes(name)) throw unknown("option", arg.replace(/=.*/s, ""), names.map((own) => `--${own}`));
    if (known[name] === "flag") {
      if (inline !== undefined) throw new Usage(`--${name} takes no value`);
      options[name] = true;
      continue;
    }
    const value = inline ?? args[++at];
    if (value === undefined || (inline === undefined && value.startsWith("--"))) throw new Usage(`--${name} needs a value`);
    options[name] = known[name] === "list" ? [...(options[name] ?? []), ...value.split(",")] : value;
  }
  if (rest.length > most) throw new Usage(`what is \`${rest[most]}\`?`);
  return { options, rest };
}

/** A number within bounds. */
export function number(options, name, least, most, fallback) {
  if (options[name] === undefined) return fallback;
  const value = Number(options[name]);
  if (options[name].trim() === "" || !Number.isInteger(value) || value < least || value > most) {
    throw new Usage(`--${name} takes a whole number from ${least} to ${most}`);
  }
  return value;
}
