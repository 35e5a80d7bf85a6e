// @ts-check
/** Text of numbers and times. Money arrives and leaves as text; a float is made for the eye only. */

const MINUS = "−";
const EMPTY = "–";

/** Group the whole part of a decimal text: "68320.5" → "68,320.5".
 * @param {string | null | undefined} text @returns {string} */
export function number(text) {
  if (text === null || text === undefined || text === "") return EMPTY;
  const [whole, fraction] = String(text).split(".");
  const grouped = whole.replace("-", MINUS).replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction ? `${grouped}.${fraction}` : grouped;
}

/** A decimal text with exactly `places` decimals, cut by rounding half up in text.
 * @param {string | null | undefined} text @param {number} [places] @returns {string} */
export function fixed(text, places = 2) {
  if (text === null || text === undefined || text === "") return EMPTY;
  const negative = String(text).startsWith("-");
  const [whole, fraction = ""] = String(text).replace("-", "").split(".");
  const digits = BigInt(whole + fraction.padEnd(places + 1, "0").slice(0, places + 1));
  const rounded = ((digits + 5n) / 10n).toString().padStart(places + 1, "0");
  const body = places ? `${rounded.slice(0, -places)}.${rounded.slice(-places)}` : rounded;
  return (negative && /[1-9]/.test(body) ? "-" : "") + body;
}

/** How many decimals a text has. @param {string} text @returns {number} */
export function decimals(text) {
  return (text.split(".")[1] ?? "").length;
}

/** Two decimals, grouped. @param {string | null | undefined} text @returns {string} */
export function money(text) {
  return text === null || text === undefined ? EMPTY : number(fixed(text));
}

/** Sign of a decimal text. @param {string | null | undefined} text @returns {-1 | 0 | 1} */
export function sign(text) {
  if (!text || !/[1-9]/.test(text)) return 0;
  return text.startsWith("-") ? -1 : 1;
}

/** Arrow, sign and two decimals: colour is never alone.
 * @param {string | null | undefined} text @param {string} [unit] @returns {string} */
export function signed(text, unit = "") {
  if (text === null || text === undefined) return EMPTY;
  const direction = sign(fixed(text));
  const body = money(text.replace("-", ""));
  if (direction === 0) return `${body}${unit}`;
  return direction > 0 ? `▲ +${body}${unit}` : `▼ ${MINUS}${body}${unit}`;
}

/** Class for a signed value. @param {string | null | undefined} text @returns {string} */
export function tone(text) {
  return ["down", "", "up"][sign(text) + 1];
}

/** @param {string | null | undefined} iso @returns {string} UTC time of day */
export function timeOf(iso) {
  return iso ? new Date(iso).toISOString().slice(11, 19) : EMPTY;
}

/** @param {number} seconds @returns {string} "45s", "12m", "3h 4m", "2d 5h" */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`;
  return `${Math.floor(whole / 86400)}d ${Math.floor((whole % 86400) / 3600)}h`;
}

/** The amount as the API takes it, or null: digits with at most one point.
 * @param {string} text @returns {string | null} */
export function decimalInput(text) {
  const clean = text.trim().replaceAll(",", "");
  return /^\d{1,20}(\.\d{1,18})?$/.test(clean) && /[1-9]/.test(clean) ? clean : null;
}
