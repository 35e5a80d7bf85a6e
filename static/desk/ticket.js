// @ts-check
/** The order ticket: what would happen, then review, then send. */

import { byId, element, setClass, setFacts, setText } from "./dom.js";
import { confirm } from "./dialogs.js";
import { decimalInput, decimals, fixed, money, number } from "./format.js";
import { newKey, post } from "./rest.js";
import { placeOrder } from "./commands.js";

const PREVIEW_DELAY_MS = 250;
const PREVIEW_EVERY_MS = 5_000;

export class Ticket {
  #account = "";
  #isLinkGood = false;
  /** @type {any} the preview of exactly what the form says, or null */ #preview = null;
  #asked = 0;
  #askedAt = 0;
  /** @type {number | undefined} */ #timer;

  /** @param {(symbol: string) => void} onSymbol told which symbol the ticket is for */
  constructor(onSymbol) {
    this.onSymbol = onSymbol;
    this.form = /** @type {HTMLFormElement} */ (byId("ticket-form"));
    this.form.addEventListener("input", () => this.#changed());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#review();
    });
    setInterval(() => this.#refresh(), 1_000);
  }

  /** @param {string} account name */
  use(account) {
    this.#account = account;
    this.#changed();
  }

  /** Numbers older than ten seconds are nothing to trade on. @param {boolean} isGood */
  allow(isGood) {
    if (isGood === this.#isLinkGood) return;
    this.#isLinkGood = isGood;
    this.form.querySelectorAll("input, select").forEach((node) => node.toggleAttribute("disabled", !isGood));
    this.#changed();
  }

  focus() {
    const input = /** @type {HTMLInputElement} */ (byId("ticket-amount"));
    input.focus();
    input.select();
  }

  /** @param {string} symbol */
  pick(symbol) {
    const choice = /** @type {HTMLSelectElement} */ (byId("ticket-symbol"));
    if ([...choice.options].some((option) => option.value === symbol)) choice.value = symbol;
    this.#changed();
  }

  /** @param {number} by */
  step(by) {
    const choice = /** @type {HTMLSelectElement} */ (byId("ticket-symbol"));
    const count = choice.options.length;
    choice.selectedIndex = (choice.selectedIndex + by + count) % count;
    this.#changed();
  }

  /** What the form says as the API takes it; null while it says nothing whole. */
  #order() {
    const data = new FormData(this.form);
    const type = String(data.get("type"));
    const closes = type === "STOP_MARKET" && data.has("close_position");
    const amount = closes ? null : decimalInput(String(data.get("amount") ?? ""));
    const price = type === "MARKET" ? null : decimalInput(String(data.get("price") ?? ""));
    if (!(closes || amount) || (type !== "MARKET" && !price)) return null;
    return {
      account: this.#account,
      symbol: String(data.get("symbol")),
      side: String(data.get("side")),
      type,
      ...(closes ? { close_position: true } : { amount, leverage: Number(data.get("leverage")) }),
      ...(price ? { [type === "LIMIT" ? "price" : "trigger_price"]: price } : {}),
    };
  }

  #changed() {
    const type = this.form.querySelector("input[name=type]:checked")?.getAttribute("value");
    const isStop = type === "STOP_MARKET";
    const isBuy = this.form.querySelector("input[name=side]:checked")?.getAttribute("value") === "BUY";
    const closes = isStop && /** @type {HTMLInputElement} */ (byId("ticket-close")).checked;
    byId("price-field").hidden = type === "MARKET";
    setText(byId("price-label"), isStop ? "Trigger (mark price)" : "Limit price");
    byId("close-field").hidden = !isStop;
    byId("amount-field").hidden = closes;
    byId("leverage-field").hidden = closes;
    setText(byId("leverage-out"), `${/** @type {HTMLInputElement} */ (byId("ticket-leverage")).value}×`);
    this.onSymbol(/** @type {HTMLSelectElement} */ (byId("ticket-symbol")).value);
    this.#mark("ticket-amount");
    this.#mark("ticket-price");
    const review = byId("review");
    setClass(review, `button wide ${isBuy ? "buy" : "sell"}`);
    setText(review, `Review ${isBuy ? "BUY" : "SELL"}`);
    this.#preview = null;
    this.#asked += 1;
    review.toggleAttribute("disabled", true);
    clearTimeout(this.#timer);
    if (!this.#isLinkGood) this.#clear("Ordering waits for live numbers.");
    else if (!this.#order()) this.#clear(closes ? "Enter a trigger to see what it would do." : "Enter an amount to see what it would do.");
    else this.#timer = setTimeout(() => void this.#ask(), PREVIEW_DELAY_MS);
  }

  /** Something that decides about orders changed. */
  recheck() {
    if (this.#preview && this.#isLinkGood) void this.#ask();
  }

  /** Prices move on: look again now and then. */
  #refresh() {
    const isDue = performance.now() - this.#askedAt > PREVIEW_EVERY_MS;
    if (isDue && this.#preview && this.#isLinkGood && !document.hidden) void this.#ask();
  }

  /** @param {string} id */
  #mark(id) {
    const input = /** @type {HTMLInputElement} */ (byId(id));
    const isWrong = input.value.trim() !== "" && decimalInput(input.value) === null;
    input.setAttribute("aria-invalid", String(isWrong));
  }

  /** @param {string} note */
  #clear(note) {
    byId("preview").replaceChildren();
    byId("gates").replaceChildren();
    this.#note(note);
  }

  /** @param {string} text @param {boolean} [isBad] */
  #note(text, isBad = false) {
    setText(byId("ticket-note"), text);
    setClass(byId("ticket-note"), `note${isBad ? " bad" : ""}`);
  }

  async #ask() {
    const order = this.#order();
    if (!order) return;
    this.#askedAt = performance.now();
    const turn = (this.#asked += 1);
    const answer = await post("orders/preview", order);
    if (turn !== this.#asked) return; // the form changed meanwhile
    if (!answer.ok) {
      const fields = (answer.body.errors ?? []).map((/** @type {any} */ item) => item.detail).join(" ");
      this.#clear("");
      this.#note(`${answer.code}: ${fields || answer.detail}`, true);
      return;
    }
    this.#preview = { order, ...answer.body };
    this.#show(answer.body);
  }

  /** @param {any} found */
  #show(found) {
    setFacts(byId("preview"), this.#facts(found));
    const gates = (found.verdicts ?? []).map((/** @type {any} */ gate) => {
      const numbers = Object.entries(gate.numbers ?? {}).map(([name, value]) => `${name} ${value}`).join(", ");
      const word = gate.gate.replaceAll("_", " ");
      const text = gate.passed ? word : `${word}: ${gate.detail || gate.code}`;
      return element("li", { class: gate.passed ? "passed" : "refused", title: numbers }, text);
    });
    byId("gates").replaceChildren(...gates);
    byId("review").toggleAttribute("disabled", !found.accepted);
    const isTold = (found.verdicts ?? []).some((/** @type {any} */ gate) => !gate.passed);
    if (found.accepted) this.#note("Every gate lets it pass at this price.");
    else this.#note(isTold ? "It would be refused." : `${found.code}: ${found.detail}`, true);
  }

  /** @param {any} found @returns {[string, string][]} */
  #facts(found) {
    if (this.#preview?.order.close_position) return [["Closes", "whatever is held when it triggers"]];
    return [
      ["Quantity", `${number(found.quantity)}`],
      ["Reference price", number(found.reference_price)],
      ["Notional", `${money(found.notional)} USDT`],
      ["Margin", `${money(found.margin)} USDT`],
      ["Fee, about", `${number(fixed(found.fee, 4))} USDT`],
      ...(found.liquidation_price ? [/** @type {[string, string]} */ (["Liquidation, about", number(fixed(found.liquidation_price, decimals(found.reference_price)))])] : []),
    ];
  }

  #review() {
    const shown = this.#preview;
    if (!shown?.accepted || !this.#isLinkGood) return;
    const { order } = shown;
    const isBuy = order.side === "BUY";
    const how = order.price ? `limit ${number(order.price)}` : order.trigger_price ? `stop at ${number(order.trigger_price)}` : "market";
    const size = order.close_position ? "the whole" : number(shown.quantity);
    const title = `${isBuy ? "▲ BUY" : "▼ SELL"} ${size} ${order.symbol}`;
    const key = newKey(); // of this confirmation: sent twice it is still one order
    confirm({
      title: `${title}, ${how}?`,
      facts: [
        ["Account", order.account],
        ...(order.leverage ? [/** @type {[string, string]} */ (["Leverage", `${order.leverage}×`])] : []),
        ...this.#facts(shown),
      ],
      confirm: isBuy ? "Send BUY" : "Send SELL",
      tone: isBuy ? "buy" : "sell",
      onConfirm: () => void placeOrder(`${title} ${how}`, order, key),
    });
  }
}
