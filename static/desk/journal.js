// @ts-check
/** The journal's end: what just happened, and what happened before the page was opened. */

import { bodyOf, byId, patchRows } from "./dom.js";
import { timeOf } from "./format.js";
import { get } from "./rest.js";

const MAX_ROWS = 100;

/** @typedef {{seq: number, event: string, at: string, data: any}} Entry */

/** @type {Map<number, Entry>} */
let entries = new Map();
let account = 0;
let isPlanned = false;

/** Show another account's journal, with its last events. @param {number} id @param {number} seq its head */
export async function openJournal(id, seq) {
  account = id;
  const after = Math.max(0, seq - MAX_ROWS);
  const answer = await get(`/api/v1/events?account=${id}&after=${after}&limit=${MAX_ROWS}`);
  if (!answer.ok || account !== id) return;
  for (const row of answer.body.items) {
    entries.set(row.seq, { seq: row.seq, event: row.type, at: row.recorded_at, data: row.data });
  }
  plan();
}

/** Leave nothing of another account on the page. */
export function clearJournal() {
  account = 0;
  entries = new Map();
  plan();
}

/** @param {Entry} frame */
export function addToJournal(frame) {
  entries.set(frame.seq, frame);
  plan();
}

/** Draw once a frame, however much happens. */
function plan() {
  if (isPlanned) return;
  isPlanned = true;
  setTimeout(() => {
    isPlanned = false;
    draw();
  }, 50);
}

function draw() {
  const rows = [...entries.values()].sort((a, b) => b.seq - a.seq).slice(0, MAX_ROWS);
  entries = new Map(rows.map((row) => [row.seq, row]));
  byId("journal-empty").hidden = rows.length > 0;
  patchRows(bodyOf("journal"), rows, (row) => String(row.seq), (row) => [
    { text: String(row.seq), className: "num dim" },
    { text: timeOf(row.at), className: "dim", title: row.at },
    { text: row.event, className: "word" },
    { text: summary(row.data), className: "what" },
  ]);
}

const SHOWN = [
  "kind", "symbol", "side", "order_type", "quantity", "price", "status", "code", "asset",
  "wallet_balance", "stream", "scope", "mode", "reason", "detail",
];

/** @param {any} data @returns {string} */
function summary(data) {
  return SHOWN.filter((name) => typeof data[name] === "string" && data[name])
    .map((name) => data[name])
    .join(" · ");
}
