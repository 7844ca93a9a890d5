// Exact decimals: prices leave JSON as text and become integers of pico-dollars, or fractions of them.

const PICO = 12;

const gcd = (a, b) => (b === 0n ? a : gcd(b, a % b));

/** A fraction in lowest terms. */
export const fraction = (num, den) => {
  const common = gcd(num < 0n ? -num : num, den) || 1n;
  return { num: num / common, den: den / common };
};

/** Reads `1.5e-07` as an exact fraction of one. */
export const parse = (text) => {
  const match = /^(-?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(String(text).trim());
  if (!match || !(match[2] + match[3])) throw new Error(`not a decimal number: ${text}`);
  const [, sign, whole, part, exponent] = match;
  const scale = Number(exponent ?? 0) - part.length;
  const digits = BigInt((sign ? "-" : "") + whole + part);
  return scale >= 0 ? fraction(digits * 10n ** BigInt(scale), 1n) : fraction(digits, 10n ** BigInt(-scale));
};

const significant = (text) =>
  String(text)
    .replace(/[eE].*$/, "")
    .replace(/[-.]/g, "")
    .replace(/^0+/, "").length;

/** The decimal nearest to `value` with at most `digits` significant digits, as a fraction. */
const rounded = (value, digits) => parse((Number(value.num) / Number(value.den)).toPrecision(digits));

const near = (a, b, part) => {
  const difference = a.num * b.den - b.num * a.den;
  const size = difference < 0n ? -difference : difference;
  return size * part <= (b.num < 0n ? -b.num : b.num) * a.den;
};

/**
 * Dollars as written to pico-dollars: `{ value, note }`. The note is empty where the value is a whole number of them;
 * else it says what became of it: `noise` (a float's tail, rounded), `per minute` (a price by the minute that was cut
 * off when divided), or `fraction` (kept exactly as written).
 */
export const pico = (text) => {
  const dollars = parse(text);
  const value = fraction(dollars.num * 10n ** BigInt(PICO), dollars.den);
  if (value.den === 1n) return { value, note: "" };
  const whole = (value.num * 2n + value.den) / (value.den * 2n);
  const off = value.num - whole * value.den;
  if ((off < 0n ? -off : off) * 1000n < value.den) return { value: fraction(whole, 1n), note: "noise" };
  const minute = rounded(fraction(value.num * 60n, value.den), 6);
  if (significant(text) >= 10 && near(fraction(value.num * 60n, value.den), minute, 10n ** 9n)) {
    return { value: fraction(minute.num, minute.den * 60n), note: "per minute" };
  }
  return { value, note: "fraction" };
};

/** A price of dollars for `per` units (a minute's seconds, a million tokens), in pico-dollars a unit. */
export const picoPer = (text, per) => {
  const dollars = parse(text);
  return fraction(dollars.num * 10n ** BigInt(PICO), dollars.den * BigInt(per));
};

/** How a price is written in `models.jsonl`: a number, or `"num/den"`. */
export const write = ({ num, den }) =>
  den === 1n && num < 2n ** 53n ? Number(num) : den === 1n ? `${num}` : `${num}/${den}`;

/** Reads what `write` wrote. */
export const read = (value) => {
  const [num, den] = String(value).split("/");
  return { num: BigInt(num), den: BigInt(den ?? 1) };
};

/** Parses JSON with every number kept as the text that was written (`{"$n": "1.5e-07"}` never leaves this file). */
export const parseJson = (text) =>
  // Numbers outside of strings become strings behind a mark; JSON.parse alone would round them.
  JSON.parse(
    text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (m) => (m[0] === '"' ? m : `"\\u0001${m}"`)),
    (_, v) => (typeof v === "string" && v[0] === "\u0001" ? new Decimal(v.slice(1)) : v),
  );

/** A number as it was written. */
export class Decimal {
  constructor(text) {
    this.text = text;
  }
  toString() {
    return this.text;
  }
  valueOf() {
    return Number(this.text);
  }
}
