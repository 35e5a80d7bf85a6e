// @ts-check
/** Header, figures, system panel, banners: are we safe, and what does the desk know? */

import { button, byId, element, setClass, setFacts, setText } from "./dom.js";
import { duration, fixed, money, number, signed, tone } from "./format.js";

const RECONCILE_OLD_S = 30;
const CLOCK_OFF_MS = 500;

/** @param {string} id @param {string} text @param {"ok" | "warn" | "bad" | "plain"} level @param {string} [title] */
function setState(id, text, level, title = "") {
  const box = byId(id);
  setClass(box, `state ${level}`);
  setText(/** @type {Element} */ (box.lastElementChild), text);
  box.title = title;
}

/** @type {Record<string, "ok" | "warn" | "bad">} */
const ENGINE_LEVEL = { RUNNING: "ok", PAUSED: "warn", BOOTING: "warn", SAFE: "bad", HALTED: "bad" };
/** @type {Record<string, "ok" | "warn" | "bad">} */
const STREAM_LEVEL = { CONNECTED: "ok", CONNECTING: "warn", RECONNECTING: "warn", DISCONNECTED: "bad" };

/** @param {any} data the snapshot @param {number | null} lagMs of the newest fill */
export function showHeader(data, lagMs) {
  const engine = data.engine;
  setState("engine-state", engine.state, ENGINE_LEVEL[engine.state] ?? "warn", engine.reason);
  const lag = lagMs === null ? "" : ` ${lagMs} ms`;
  setState("stream-state", engine.stream.state + lag, STREAM_LEVEL[engine.stream.state] ?? "warn", engine.stream.detail);
  showWeight(engine.venue);
  const age = engine.reconcile_age_s;
  const isOld = age === null || age > RECONCILE_OLD_S;
  setState("reconcile-state", age === null ? "never" : `${duration(age)} ago`, isOld ? "warn" : "ok");
  setState("drift-state", String(engine.drift), engine.drift ? "bad" : "ok");
  byId("bar").classList.toggle("halted", engine.state === "HALTED");
  const isStopped = engine.state !== "RUNNING";
  setText(byId("pause-word"), isStopped ? "Resume" : "Pause");
  byId("halt").toggleAttribute("disabled", engine.state === "HALTED");
}

/** @param {any} venue */
function showWeight(venue) {
  const box = byId("weight-state");
  const used = venue?.used_weight_1m;
  const limit = venue?.weight_limit_1m;
  const value = /** @type {Element} */ (box.lastElementChild);
  if (used === undefined || !limit) {
    setClass(box, "state plain");
    setText(value, "–");
    return;
  }
  setClass(box, "state meter");
  const share = Math.min(1, used / limit);
  let bar = /** @type {HTMLElement | null} */ (value.querySelector(".bars"));
  if (!bar) {
    bar = element("span", { class: "bars", "aria-hidden": "true" }, element("i"));
    value.replaceChildren(bar, "");
  }
  setClass(bar, `bars${share > 0.95 ? " bad" : share > 0.6 ? " warn" : ""}`);
  /** @type {HTMLElement} */ (bar.firstElementChild).style.transform = `scaleX(${share})`;
  /** @type {Text} */ (value.lastChild).data = `${used}/${limit}`;
}

/** @param {any} data the snapshot */
export function showFigures(data) {
  const { equity, positions, risk } = data;
  setFigure("equity", money(equity.equity));
  setFigure("upnl", signed(equity.upnl), tone(equity.upnl));
  setFigure("wallet", money(equity.wallet));
  setFigure("margin", money(equity.margin));
  const exposure = positions.reduce((/** @type {number} */ sum, /** @type {any} */ row) => sum + Number(row.notional), 0);
  const wealth = Number(equity.equity ?? equity.wallet);
  const ratio = wealth > 0 ? `${(exposure / wealth).toFixed(2)}×` : "";
  setFigure("exposure", money(exposure.toFixed(2)));
  setText(byId("stat-exposure-ratio"), ratio);
  setFigure("order-limit", limitOf(risk.limits, "max_order_notional"));
  setFigure("position-limit", limitOf(risk.limits, "max_position_notional"));
}

/** The narrowest limit that holds for every symbol. @param {any[]} limits @param {string} metric @returns {string} */
function limitOf(limits, metric) {
  const general = limits.filter((row) => row.metric === metric && !row.symbol);
  const found = general.find((row) => row.scope === "account") ?? general[0];
  return found ? number(fixed(found.value, 0)) : "none";
}

/** @param {string} name @param {string} text @param {string} [className] */
function setFigure(name, text, className = "") {
  const box = byId(`stat-${name}`);
  setText(box, text);
  setClass(box, className);
}

/** @param {any} data the snapshot @param {import("./link.js").LinkState} link */
export function showSystem(data, link) {
  const engine = data.engine;
  const offset = engine.venue?.clock_offset_ms;
  const isOff = offset !== undefined && Math.abs(offset) > CLOCK_OFF_MS;
  setFacts(byId("system"), [
    ["Journal", `#${number(String(data.seq))}`],
    ["Stream", `${engine.stream.state}${engine.stream.detail ? ` · ${engine.stream.detail}` : ""}`],
    ["Account news", engine.stream.heard_at ? `${duration((Date.parse(data.at) - Date.parse(engine.stream.heard_at)) / 1000)} ago` : "none yet"],
    ["Clock against venue", offset === undefined ? "–" : `${offset > 0 ? "+" : ""}${offset} ms`, isOff ? "bad" : ""],
    ["Outcome unknown", String(engine.unknown), engine.unknown ? "bad" : ""],
    ["Numbers come by", link.source === "ws" ? "websocket" : "REST"],
    ...data.balances.map((/** @type {any} */ row) => /** @type {[string, string]} */ ([`Wallet ${row.asset}`, money(row.wallet_balance)])),
  ]);
}

/** @param {import("./link.js").LinkState} link */
export function showLink(link) {
  const silent = `${Math.floor(link.silentS)} s`;
  const retry = link.retryInS === null ? "reconnecting…" : `reconnecting in ${Math.ceil(link.retryInS)} s`;
  const isOld = link.freshness === "stale" || link.freshness === "lost";
  document.documentElement.classList.toggle("stale", isOld);
  if (link.freshness === "live") setState("link-state", "live", "ok");
  else if (link.freshness === "connecting") setState("link-state", "connecting", "warn");
  else setState("link-state", `stale ${silent}`, link.freshness === "lost" ? "bad" : "warn");
  setBanner("stale", link.freshness !== "lost" ? null : {
    level: "warn",
    text: link.source === "rest"
      ? `The live link is down for ${silent}; these numbers come over REST every 5 s. Ordering is off, ${retry}.`
      : `These numbers are ${silent} old. Ordering is off, ${retry}.`,
  });
}

/** @param {any} data the snapshot @param {() => void} resume */
export function showEngineBanner(data, resume) {
  const { state, reason, actor, changed_at: since, scope } = data.engine;
  const when = since ? ` since ${since.slice(11, 19)} UTC` : "";
  const who = actor ? ` by ${actor}` : "";
  const why = reason ? ` (${reason})` : "";
  const where = scope === "all" ? "The whole desk" : data.name;
  const words = /** @type {Record<string, [string, string]>} */ ({
    HALTED: ["HALTED", "openings are refused, resting orders are cancelled, exits pass"],
    SAFE: ["in SAFE mode", "only reducing orders pass"],
    PAUSED: ["paused", "openings are refused, exits pass"],
    BOOTING: ["starting", "openings are refused"],
  })[state];
  setBanner("engine", words === undefined ? null : {
    level: state === "HALTED" || state === "SAFE" ? "danger" : "warn",
    text: `${where} is ${words[0]}${when}${who}${why}: ${words[1]}.`,
    action: ["Resume…", resume],
  });
}

/** @param {string} name @param {{level: string, text: string, action?: [string, () => void]} | null} banner */
export function setBanner(name, banner) {
  const box = byId("banners");
  const id = `banner-${name}`;
  let node = document.getElementById(id);
  if (!banner) {
    node?.remove();
    return;
  }
  if (!node) {
    node = element("p", { id }, element("span"));
    if (banner.action) node.append(button(banner.action[0], banner.action[1]));
    box.append(node);
  }
  setClass(node, `banner ${banner.level}`);
  setText(/** @type {Element} */ (node.firstElementChild), banner.text);
}

/** Both clocks of the desk, every second. */
export function startClock() {
  const seoul = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Seoul", hour: "2-digit", minute: "2-digit" });
  const box = byId("clock");
  const time = element("b");
  const rest = element("span");
  box.replaceChildren(time, rest);
  const tick = () => {
    const now = new Date();
    setText(time, `${now.toISOString().slice(11, 19)} UTC`);
    setText(rest, `${seoul.format(now)} KST`);
  };
  tick();
  setInterval(tick, 1000);
}
