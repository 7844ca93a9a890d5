// What became of each field of a request: kept, renamed, rewritten, or dropped.

const same = (left, right) => JSON.stringify(left) === JSON.stringify(right);
const isTree = (value) => value !== null && typeof value === "object";

/** All places of a value, the nearest first: `[path, value]`. */
function places(root) {
  const found = [];
  const queue = [["", root]];
  for (const [path, value] of queue) {
    if (path) found.push([path, value]);
    if (!isTree(value)) continue;
    for (const [key, inner] of Object.entries(value)) {
      const step = Array.isArray(value) ? `[${key}]` : path ? `.${key}` : key;
      queue.push([path + step, inner]);
    }
  }
  return found;
}

const top = (path) => path.split(/[.[]/)[0];

/** Texts and numbers that stand in a value and say where it went: short ones are everywhere. */
function telling(value) {
  if (!isTree(value)) return [value];
  return places(value).map(([, inner]) => inner).filter((inner) => typeof inner === "string" && inner.length > 3);
}

/** `{ fields: [{ field, fate, where }], added: [name] }`; fates are kept, renamed, rewritten, translated and dropped. */
export function fates(request, upstream) {
  const all = places(upstream);
  const [taken, fields] = [new Set(), []];
  /** The fields of the upstream's own that hold texts of a value. */
  const homes = (value) => {
    const words = new Set(telling(value).map((word) => JSON.stringify(word)));
    const found = all.filter(([path, other]) => !isTree(other) && words.has(JSON.stringify(other)) && !(top(path) in request));
    return [...new Set(found.map(([path]) => top(path)))];
  };
  for (const [field, value] of Object.entries(request)) {
    const note = (fate, where = []) => {
      for (const path of where) taken.add(top(path));
      fields.push({ field, fate, where });
    };
    if (field in upstream) {
      const rest = same(value, upstream[field]) ? [] : homes(value);
      note(same(value, upstream[field]) ? "kept" : "rewritten", [field, ...rest]);
      continue;
    }
    const moved = all.find(([path, other]) => same(value, other) && !(top(path) in request));
    if (moved) {
      note("renamed", [moved[0]]);
      continue;
    }
    const into = homes(value);
    if (into.length) note("translated", into);
    else note("dropped");
  }
  return { fields, added: Object.keys(upstream).filter((name) => !taken.has(name) && name !== "model") };
}
