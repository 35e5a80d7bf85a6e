// @ts-check
/** Positions, open orders, fills: rows from a snapshot, patched in place. */

import { bodyOf, button, byId, patchRows, setText } from "./dom.js";
import { decimals, duration, fixed, money, number, signed, timeOf, tone } from "./format.js";

const MAX_FILLS = 50;
const MARK_OLD_S = 5;
const LIQUIDATION_NEAR_PCT = 5;
const LIQUIDATION_FAR_PCT = 100;

/** @param {"BUY" | "SELL" | "LONG" | "SHORT"} word @returns {import("./dom.js").Cell} */
function sideCell(word) {
  const isUp = word === "BUY" || word === "LONG";
  return { text: `${isUp ? "▲" : "▼"} ${word}`, className: `word ${isUp ? "up" : "down"}`, label: "Side" };
}

/** @typedef {{close: (id: string, fraction: string) => void, cancel: (id: string) => void}} RowActions */

/** @param {any[]} positions @param {string} at time of the snapshot @param {RowActions} actions */
export function showPositions(positions, at, actions) {
  setText(byId("positions-count"), positions.length ? String(positions.length) : "");
  byId("positions-empty").hidden = positions.length > 0;
  byId("positions").hidden = positions.length === 0;
  patchRows(bodyOf("positions"), positions, (row) => row.id, (row) => positionCells(row, at, actions), { flash: true });
}

/** @param {any} row @param {string} at @param {RowActions} actions @returns {import("./dom.js").Cell[]} */
function positionCells(row, at, actions) {
  const isOld = row.mark_at && (Date.parse(at) - Date.parse(row.mark_at)) / 1000 > MARK_OLD_S;
  const roe = row.roe_pct === null ? "" : ` (${signed(row.roe_pct, " %").replace(/^[▲▼] /, "")})`;
  const age = row.opened_at ? duration((Date.parse(at) - Date.parse(row.opened_at)) / 1000) : "–";
  return [
    { text: row.symbol, className: "word", title: marginOf(row), label: "Symbol" },
    sideCell(row.direction),
    { text: number(row.quantity.replace("-", "")), className: "num", flashes: true, label: "Quantity" },
    { text: number(fixed(row.entry_price, decimals(row.mark_price ?? "0.00"))), className: "num", label: "Entry", title: row.entry_price },
    {
      text: number(row.mark_price), className: `num${isOld ? " bad" : ""}`, live: true, label: "Mark",
      title: isOld ? "This mark price is old." : "",
    },
    { text: signed(row.upnl) + roe, className: `num word ${tone(row.upnl)}`, live: true, label: "Open PnL" },
    { text: money(row.notional), className: "num", label: "Notional" },
    liquidationCell(row),
    { text: age, className: "num dim", label: "Age" },
    {
      className: "actions",
      nodes: () => [
        button("Close", () => actions.close(row.id, "1"), { class: "button small", "aria-label": `Close ${row.symbol}` }),
        button("½", () => actions.close(row.id, "0.5"), { class: "button small", "aria-label": `Close half of ${row.symbol}` }),
      ],
    },
  ];
}

/** @param {any} row @returns {string} */
function marginOf(row) {
  const isolated = row.isolated_margin ? `, ${money(row.isolated_margin)} USDT in it` : "";
  const queue = row.adl_quantile === null ? "" : `, deleveraging queue ${row.adl_quantile} of 4`;
  return `${row.margin_mode} ${row.leverage ?? "–"}×${isolated}${queue}`;
}

/** The estimate and how far the mark price is from it. @param {any} row @returns {import("./dom.js").Cell} */
function liquidationCell(row) {
  const label = "Liquidation";
  if (!row.liquidation_price) return { text: "none", className: "num dim", label, title: "The account covers the whole position." };
  const mark = Number(row.mark_price ?? row.entry_price);
  const away = Math.abs(Number(row.liquidation_price) / mark - 1) * 100;
  const price = number(fixed(row.liquidation_price, mark >= 1000 ? 0 : decimals(row.mark_price ?? "0.00")));
  const isFar = away > LIQUIDATION_FAR_PCT;
  return {
    text: isFar ? `> ${LIQUIDATION_FAR_PCT} % away` : `≈ ${price} · ${away.toFixed(away < 10 ? 1 : 0)} %`,
    className: `num${isFar ? " dim" : away < LIQUIDATION_NEAR_PCT ? " bad" : ""}`,
    label,
    title: `Estimate by the venue's brackets: ${number(row.liquidation_price)}; how far the mark price is from it.`,
  };
}

/** @param {any} row @returns {string} */
function typeOf(row) {
  const what = row.close_position ? " · close" : row.reduce_only ? " · reduce" : "";
  return row.type.replaceAll("_", " ") + what;
}

/** It closes whatever is held: its quantity comes with the trigger. @param {any} row */
function isWhole(row) {
  return row.close_position && Number(row.quantity) === 0;
}

/** @param {any} row @returns {import("./dom.js").Cell} */
function triggerCell(row) {
  const text = row.trigger_price ? number(row.trigger_price) : row.callback_rate ? `${number(row.callback_rate)} %` : "–";
  const title = row.triggered_at ? `Triggered at ${row.triggered_at}` : row.callback_rate ? "How far the price must turn back" : "";
  return { text, className: `num${row.triggered_at ? " dim" : ""}`, label: "Trigger", title };
}

/** @param {any[]} orders @param {RowActions} actions */
export function showOrders(orders, actions) {
  setText(byId("orders-count"), orders.length ? String(orders.length) : "");
  byId("orders-empty").hidden = orders.length > 0;
  byId("orders").hidden = orders.length === 0;
  patchRows(bodyOf("orders"), orders, (row) => row.id, (row) => [
    { text: timeOf(row.submitted_at), className: "dim", title: row.submitted_at, label: "Time" },
    { text: row.symbol, className: "word", label: "Symbol" },
    sideCell(row.side),
    { text: typeOf(row), label: "Type" },
    { text: `${number(row.filled_quantity)} / ${isWhole(row) ? "all" : number(row.quantity)}`, className: "num", flashes: true, label: "Filled" },
    triggerCell(row),
    { text: row.price === null ? "–" : number(row.price), className: "num", label: "Price" },
    { text: row.status.replace("_", " ").toLowerCase(), label: "Status" },
    {
      className: "actions",
      nodes: () => [
        button("Cancel", () => actions.cancel(row.id), { class: "button small", "aria-label": `Cancel ${typeOf(row)} ${row.side} ${row.symbol}` }),
      ],
    },
  ], { flash: true });
}

/** Newest first. @param {any[]} fills */
export function showFills(fills) {
  byId("fills-empty").hidden = fills.length > 0;
  patchRows(bodyOf("fills"), fills.slice(0, MAX_FILLS), (row) => row.fill_id, (row) => [
    { text: timeOf(row.traded_at), className: "dim", title: row.traded_at },
    { text: row.symbol, className: "word" },
    sideCell(row.side),
    { text: number(row.quantity), className: "num" },
    { text: number(row.price), className: "num" },
    { text: `${number(fixed(row.commission, 4))} ${row.commission_asset}`, className: "num dim" },
    { text: signed(row.realized_pnl), className: `num ${tone(row.realized_pnl)}` },
    { text: row.liquidity.toLowerCase(), className: "dim" },
  ], { flash: true });
}
