// How numbers are shown. They come from the engine; here they are only written.

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const cents = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const fine = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3, maximumFractionDigits: 20 });

const coarse = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 2, maximumFractionDigits: 20 });

export const UNKNOWN = "unknown";

/** Dollars: cents from a dollar on, whole dollars from a thousand on, else three significant digits, below a tenth of a cent two. */
export function money(dollars) {
  if (dollars === null || dollars === undefined || Number.isNaN(dollars)) return UNKNOWN;
  if (dollars === 0) return "$0";
  if (dollars >= 1000) return `$${whole.format(dollars)}`;
  const small = dollars < 0.001 ? coarse : fine;
  return `$${dollars >= 1 ? cents.format(dollars) : small.format(dollars)}`;
}

/** All digits of an amount. */
export const exactly = (dollars) => (Number.isNaN(dollars) ? UNKNOWN : `$${plain(dollars)}`);

const digits = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 15, maximumFractionDigits: 20, useGrouping: false });
export const plain = (number) => digits.format(number);

export const count = (number) => (number === null || Number.isNaN(number) ? UNKNOWN : whole.format(number));

/** Tokens, short: 128K, 1.05M. */
export function short(number) {
  if (number === null || number === undefined) return UNKNOWN;
  if (number >= 1e6) return `${fine.format(number / 1e6)}M`;
  return number >= 1000 ? `${fine.format(number / 1000)}K` : String(number);
}

/** Bytes, for people. */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes >= 1e6 ? `${fine.format(bytes / 1e6)} MB` : `${fine.format(bytes / 1000)} KB`;
}

/** An element with attributes, properties and children. */
export function el(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

/** Runs `work` once, so many ms after the last call. */
export function later(ms, work) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, ms);
  };
}

let fading;
/** Says in a corner what has happened. */
export function toast(text) {
  const place = document.getElementById("toast");
  place.textContent = text;
  place.classList.add("shown");
  clearTimeout(fading);
  fading = setTimeout(() => place.classList.remove("shown"), 2500);
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages that are not served by https have no clipboard of their own.
    const area = el("textarea", { "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  toast(`${what} copied`);
}
