// @ts-check
/** One websocket that stays: reconnects, watches its own age, falls back to REST, resumes by number. */

import { get } from "./rest.js";

/** @typedef {"connecting" | "live" | "stale" | "lost"} Freshness */
/** @typedef {{freshness: Freshness, silentS: number, retryInS: number | null, source: "ws" | "rest"}} LinkState */

const STALE_MS = 2_000;
const LOST_MS = 10_000;
const WATCH_MS = 250;
const REST_EVERY_MS = 5_000;
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000];

export class Link {
  /** @type {WebSocket | null} */ #socket = null;
  #account = 0;
  /** @type {number | null} */ #seq = null;
  #lastFrame = performance.now();
  #lastRest = 0;
  #failures = 0;
  /** @type {number | null} */ #retryAt = null;
  #hadSnapshot = false;
  /** @type {"ws" | "rest"} */ #source = "ws";

  /** @param {{snapshot: (data: any) => void, event: (frame: any) => void,
   *   marks: (data: any) => void, state: (state: LinkState) => void}} handlers */
  constructor(handlers) {
    this.handlers = handlers;
    setInterval(() => this.#watch(), WATCH_MS);
  }

  /** Watch this account from now on. @param {number} account */
  watch(account) {
    this.#account = account;
    this.#hadSnapshot = false;
    this.#failures = 0;
    this.#open();
  }

  #open() {
    this.#retryAt = null;
    this.#drop();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws/v1/live`);
    this.#socket = socket;
    this.#seq = null;
    socket.addEventListener("open", () => {
      socket.send(JSON.stringify({ subscribe: [`account:${this.#account}`], state: true }));
    });
    socket.addEventListener("message", (message) => {
      if (socket === this.#socket) this.#take(JSON.parse(message.data));
    });
    socket.addEventListener("close", () => {
      if (socket === this.#socket) this.#retry();
    });
  }

  #drop() {
    const old = this.#socket;
    this.#socket = null;
    old?.close();
  }

  #retry() {
    this.#drop();
    const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)];
    this.#failures += 1;
    this.#retryAt = performance.now() + wait * (0.8 + Math.random() * 0.4);
  }

  /** @param {any} frame */
  #take(frame) {
    this.#lastFrame = performance.now();
    if (frame.type === "snapshot" || frame.type === "state") {
      if (frame.account !== this.#account) return;
      this.#failures = 0;
      this.#hadSnapshot = true;
      this.#source = "ws";
      if (frame.type === "snapshot") this.#seq = frame.seq;
      this.handlers.snapshot(frame);
    } else if (frame.type === "event" && frame.account === this.#account) {
      if (this.#seq !== null && frame.seq > this.#seq + 1) {
        this.#socket?.send(JSON.stringify({ resync: this.#account }));
      }
      if (this.#seq !== null && frame.seq <= this.#seq) return;
      this.#seq = frame.seq;
      this.handlers.event(frame);
    } else if (frame.type === "marks" && frame.account === this.#account) {
      this.handlers.marks(frame.data);
    }
    this.#watch();
  }

  /** Tell the page how old its numbers are, and do something about it. */
  #watch() {
    const now = performance.now();
    const silent = now - this.#lastFrame;
    if (this.#retryAt !== null && now >= this.#retryAt) this.#open();
    else if (this.#socket && silent > LOST_MS) this.#retry();
    if (silent > LOST_MS && now - this.#lastRest > REST_EVERY_MS) void this.#readOverRest();
    this.handlers.state({
      freshness: this.#freshness(silent),
      silentS: silent / 1000,
      retryInS: this.#retryAt === null ? null : Math.max(0, (this.#retryAt - now) / 1000),
      source: this.#source,
    });
  }

  /** @param {number} silent @returns {Freshness} */
  #freshness(silent) {
    if (silent > LOST_MS) return "lost";
    if (silent > STALE_MS) return "stale";
    return this.#hadSnapshot ? "live" : "connecting";
  }

  async #readOverRest() {
    this.#lastRest = performance.now();
    const account = this.#account;
    const answer = await get(`snapshot?account=${account}`);
    const stillLost = performance.now() - this.#lastFrame > LOST_MS;
    if (answer.ok && stillLost && account === this.#account) {
      this.#source = "rest";
      this.handlers.snapshot(answer.body);
    }
    if (answer.status === 401 || answer.status === 403) location.reload();
  }
}
