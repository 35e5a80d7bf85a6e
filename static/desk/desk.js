// @ts-check
/** The desk page: one account, one link, everything else follows from them. */

import { cancelOrder, closePosition, engine, onEvent } from "./commands.js";
import { applyColours, confirm, help, isOpen } from "./dialogs.js";
import { button, byId } from "./dom.js";
import { fixed, number } from "./format.js";
import { addToJournal, clearJournal, openJournal } from "./journal.js";
import { listen } from "./keys.js";
import { Link } from "./link.js";
import { newKey } from "./rest.js";
import { setBanner, showEngineBanner, showFigures, showHeader, showLink, showSystem, startClock } from "./status.js";
import { showFills, showOrders, showPositions } from "./tables.js";
import { Toast } from "./toasts.js";
import { Ticket } from "./ticket.js";
import { showMarks, showPicked, startWatch } from "./watch.js";

const config = JSON.parse(byId("desk-config").textContent ?? "{}");
const choice = /** @type {HTMLSelectElement} */ (byId("account"));
const ticket = new Ticket(showPicked);

/** @type {any} */ let snapshot = null;
/** @type {any[]} */ let fills = [];
/** @type {import("./link.js").LinkState} */ let linkState = { freshness: "connecting", silentS: 0, retryInS: null, source: "ws" };
/** @type {number | null} */ let lagMs = null;

const link = new Link({ snapshot: take, event: hear, marks: move, state: watch });
const rows = { close: askClose, cancel: askCancel };

/** @param {any} data */
function take(data) {
  if (snapshot === null) void openJournal(data.account, data.seq);
  else if (snapshot.engine.state !== data.engine.state) ticket.recheck();
  snapshot = data;
  fills = data.fills;
  draw();
}

function draw() {
  if (!snapshot) return;
  showPositions(snapshot.positions, snapshot.at, rows);
  showOrders(snapshot.orders, rows);
  showFills(fills);
  showHeader(snapshot, lagMs);
  showFigures(snapshot);
  showSystem(snapshot, linkState);
  showEngineBanner(snapshot, askResume);
  document.title = `${snapshot.positions.length ? `${snapshot.positions.length} open · ` : ""}${snapshot.name} · tradeops`;
}

/** @param {any} frame */
function hear(frame) {
  onEvent(frame);
  addToJournal(frame);
  if (frame.event !== "TradeExecuted") return;
  lagMs = Math.max(0, Date.parse(frame.at) - Date.parse(frame.data.traded_at));
  if (!fills.some((row) => row.fill_id === frame.data.fill_id)) {
    fills = [frame.data, ...fills];
    showFills(fills);
  }
}

/** @param {Record<string, {mark: string, upnl: string}>} marks */
function move(marks) {
  showMarks(marks);
  if (!snapshot) return;
  for (const row of snapshot.positions) {
    const found = marks[row.symbol];
    if (!found) continue;
    row.mark_price = found.mark;
    row.upnl = found.upnl;
    row.mark_at = snapshot.at;
    // For the eye only: the next snapshot brings the exact figures.
    const margin = Number(row.margin);
    row.roe_pct = margin ? ((Number(found.upnl) / margin) * 100).toFixed(2) : null;
    row.notional = fixed(String(Math.abs(Number(row.quantity)) * Number(found.mark)), 2);
  }
  const upnl = snapshot.positions.reduce((/** @type {number} */ sum, /** @type {any} */ row) => sum + Number(row.upnl ?? 0), 0);
  snapshot.equity.upnl = upnl.toFixed(2);
  snapshot.equity.equity = (Number(snapshot.equity.wallet) + upnl).toFixed(2);
  showPositions(snapshot.positions, snapshot.at, rows);
  showFigures(snapshot);
}

/** @param {import("./link.js").LinkState} state */
function watch(state) {
  linkState = state;
  showLink(state);
  ticket.allow(snapshot !== null && (state.freshness === "live" || state.freshness === "stale"));
}

/** @returns {string} name of the account that the page shows */
function account() {
  return choice.selectedOptions[0]?.text ?? "";
}

/** @param {string} id @param {string} fraction */
function askClose(id, fraction) {
  const row = snapshot?.positions.find((/** @type {any} */ item) => item.id === id);
  if (!row) return;
  const part = fraction === "1" ? "" : "half of ";
  const title = `Close ${part}${row.direction} ${row.symbol}`;
  const key = newKey();
  confirm({
    title: `${title}?`,
    text: "A reduce-only market order. It passes while the desk is paused.",
    facts: [
      ["Account", account()],
      ["Open quantity", number(row.quantity.replace("-", ""))],
      ["Part", fraction === "1" ? "all of it" : "½"],
      ["Mark price", number(row.mark_price)],
    ],
    confirm: fraction === "1" ? "Close position" : "Close half",
    tone: row.direction === "LONG" ? "sell" : "buy",
    onConfirm: () => void closePosition(account(), row.symbol, fraction, title, key),
  });
}

/** @param {string} id */
function askCancel(id) {
  const row = snapshot?.orders.find((/** @type {any} */ item) => item.id === id);
  if (!row) return;
  const kind = row.type.replaceAll("_", " ").toLowerCase();
  const title = `Cancel ${kind} ${row.side} ${row.close_position ? "" : `${number(row.quantity)} `}${row.symbol}`;
  const go = () => void cancelOrder(id, title);
  if (config.env === "paper") go();
  else confirm({ title: `${title}?`, confirm: "Cancel order", tone: "danger", onConfirm: go });
}

function askPause() {
  if (snapshot?.engine.state !== "RUNNING") return askResume();
  return confirm({
    title: `Pause ${account()}?`,
    text: "New positions are refused until you resume. Closing and cancelling stay possible.",
    reason: "operator pause",
    confirm: "Pause",
    onConfirm: (reason) => void engine("pause", account(), reason || "operator pause"),
  });
}

function askResume() {
  const whole = snapshot?.engine.scope === "all";
  confirm({
    title: `Resume ${whole ? "the whole desk" : account()}?`,
    text: "New positions are possible again at once.",
    reason: "operator resume",
    confirm: "Resume",
    onConfirm: (reason) => void engine("resume", whole ? null : account(), reason || "operator resume"),
  });
}

function askHalt() {
  if (snapshot?.engine.state === "HALTED") return;
  confirm({
    title: `HALT ${account()}`,
    text: "Openings are refused and resting orders are cancelled. Open positions stay open.",
    phrase: `HALT ${account()}`,
    confirm: "HALT",
    tone: "danger",
    onConfirm: () => void engine("halt", account(), "operator halt"),
  });
}

function reconcile() {
  void engine("reconcile", account(), "operator");
}

/** Rows that a key acts on: the selected one, else the only one. @param {string} table @returns {string | null} */
function selected(table) {
  const row = document.querySelector(`#${table} tr.selected`) ?? onlyRow(table);
  return row instanceof HTMLElement ? (row.dataset.key ?? null) : null;
}

/** @param {string} table */
function onlyRow(table) {
  const all = document.querySelectorAll(`#${table} tbody tr[data-key]`);
  return all.length === 1 ? all[0] : null;
}

/** @param {number} by */
function moveSelection(by) {
  const all = [...document.querySelectorAll("#positions tbody tr[data-key], #orders tbody tr[data-key]")];
  if (!all.length) return;
  const now = all.findIndex((row) => row.classList.contains("selected"));
  const next = now < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, now + by));
  all.forEach((row, index) => row.classList.toggle("selected", index === next));
  all[next].scrollIntoView({ block: "nearest" });
}

/** @param {string} table @param {(key: string) => void} action */
function withSelected(table, action) {
  const key = selected(table);
  if (key) action(key);
  else if (document.querySelector(`#${table} tbody tr[data-key]`)) new Toast("Choose a row first: j and k").succeed();
}

/** @param {number} index */
function useAccount(index) {
  if (index >= choice.options.length) return;
  choice.selectedIndex = index;
  choose();
}

function choose() {
  snapshot = null;
  fills = [];
  lagMs = null;
  clearJournal();
  setBanner("engine", null);
  ticket.use(account());
  link.watch(Number(choice.value));
}

function tabs() {
  const all = ["fills", "journal"];
  for (const name of all) {
    const tab = byId(`tab-${name}`);
    tab.addEventListener("click", () => show(name));
    tab.addEventListener("keydown", (event) => {
      if (event.key === "ArrowRight" || event.key === "ArrowLeft") show(all[1 - all.indexOf(name)], true);
    });
  }
  /** @param {string} chosen @param {boolean} [focus] */
  function show(chosen, focus = false) {
    for (const name of all) {
      const isChosen = name === chosen;
      byId(`tab-${name}`).setAttribute("aria-selected", String(isChosen));
      byId(`tab-${name}`).tabIndex = isChosen ? 0 : -1;
      byId(`pane-${name}`).hidden = !isChosen;
      if (isChosen && focus) byId(`tab-${name}`).focus();
    }
  }
}

function start() {
  applyColours();
  startClock();
  startWatch((symbol) => ticket.pick(symbol));
  tabs();
  byId("positions-empty").append(
    `No open positions – the ${config.env} account is flat.`,
    button("New order", () => ticket.focus(), { class: "button small" }),
  );
  byId("pause").addEventListener("click", askPause);
  byId("halt").addEventListener("click", askHalt);
  byId("reconcile").addEventListener("click", reconcile);
  byId("help").addEventListener("click", help);
  choice.addEventListener("change", choose);
  /** @type {Record<string, () => void>} */
  const actions = {
    n: () => ticket.focus(), j: () => moveSelection(1), k: () => moveSelection(-1),
    x: () => withSelected("positions", (id) => askClose(id, "1")),
    h: () => withSelected("positions", (id) => askClose(id, "0.5")),
    c: () => withSelected("orders", askCancel),
    p: askPause, r: reconcile, K: askHalt, "?": help,
    "[": () => ticket.step(-1), "]": () => ticket.step(1),
  };
  for (let digit = 1; digit <= 9; digit += 1) actions[String(digit)] = () => useAccount(digit - 1);
  listen(actions, isOpen);
  if (choice.options.length) choose();
  else setBanner("engine", { level: "warn", text: "No account is yours yet: an administrator adds you to one." });
}

start();
