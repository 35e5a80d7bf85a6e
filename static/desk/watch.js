// @ts-check
/** Mark prices of every symbol that the desk trades. */

import { byId, setClass, setText } from "./dom.js";
import { number } from "./format.js";

/** @type {Map<string, number>} the first mark that this page heard */
const first = new Map();
/** @type {Map<string, HTMLTableRowElement>} */
const rows = new Map();

/** @param {(symbol: string) => void} pick */
export function startWatch(pick) {
  for (const row of /** @type {HTMLTableElement} */ (byId("watch")).tBodies[0].rows) {
    const symbol = row.dataset.symbol ?? "";
    rows.set(symbol, row);
    row.addEventListener("click", () => pick(symbol));
  }
}

/** @param {Record<string, {mark: string}>} marks */
export function showMarks(marks) {
  for (const [symbol, { mark }] of Object.entries(marks)) {
    const row = rows.get(symbol);
    if (!row) continue;
    const now = Number(mark); // for the eye only
    if (!first.has(symbol)) first.set(symbol, now);
    const change = (now / /** @type {number} */ (first.get(symbol)) - 1) * 100;
    setText(row.cells[1], number(mark));
    const isUp = change >= 0.005;
    const isDown = change <= -0.005;
    setText(row.cells[2], isUp ? `▲ +${change.toFixed(2)} %` : isDown ? `▼ −${Math.abs(change).toFixed(2)} %` : "0.00 %");
    setClass(row.cells[2], `num ${isUp ? "up" : isDown ? "down" : "dim"}`);
  }
}

/** @param {string} symbol */
export function showPicked(symbol) {
  for (const [name, row] of rows) row.classList.toggle("picked", name === symbol);
}
