// @ts-check
/** The one dialog of the page. A key or click only opens it; what happens next is confirmed here. */

import { button, byId, element, setFacts } from "./dom.js";

/** @typedef {{title: string, text?: string, facts?: [string, string][], confirm: string,
 *   tone?: "primary" | "danger" | "buy" | "sell", phrase?: string, reason?: string,
 *   onConfirm: (reason: string) => void}} Question */

/** @returns {HTMLDialogElement} */
function dialog() {
  return /** @type {HTMLDialogElement} */ (byId("dialog"));
}

/** @returns {boolean} */
export function isOpen() {
  return dialog().open;
}

export function close() {
  dialog().close();
}

/** Ask before doing. `phrase` has to be typed; `reason` proposes one that may be changed.
 * @param {Question} question */
export function confirm(question) {
  const facts = element("dl", { class: "facts" });
  if (question.facts) setFacts(facts, question.facts);
  const reason = question.reason === undefined ? null : field("Reason", question.reason);
  const phrase = question.phrase === undefined ? null : field(`Type “${question.phrase}”`, "");
  const go = element("button", { type: "submit", class: `button ${question.tone ?? "primary"}`, id: "dialog-confirm" }, question.confirm);
  const form = element(
    "form", { method: "dialog" },
    element("h2", { id: "dialog-title" }, question.title),
    ...(question.text ? [element("p", {}, question.text)] : []),
    ...(question.facts ? [facts] : []),
    ...(reason ? [reason.label] : []),
    ...(phrase ? [phrase.label] : []),
    element("div", { class: "buttons" }, button("Back", close), go),
  );
  const isReady = () => !phrase || phrase.input.value.trim() === question.phrase;
  go.disabled = !isReady();
  phrase?.input.addEventListener("input", () => { go.disabled = !isReady(); });
  let isSent = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (isSent || !isReady()) return;
    isSent = true; // a double click is one order
    close();
    question.onConfirm(reason?.input.value.trim() ?? "");
  });
  show(form, phrase?.input ?? reason?.input ?? go);
}

/** @param {string} text @param {string} value */
function field(text, value) {
  const input = element("input", { maxlength: "200", value });
  return { input, label: element("label", { class: "field" }, element("span", {}, text), input) };
}

/** @param {HTMLElement} content @param {HTMLElement} focus */
function show(content, focus) {
  const box = dialog();
  box.replaceChildren(content);
  if (!box.open) box.showModal();
  focus.focus();
}

const KEYS = /** @type {[string, string][]} */ ([
  ["1–9", "account"], ["j / k", "row down / up"], ["n", "new order"], ["[ / ]", "symbol"],
  ["x", "close position"], ["h", "close half"], ["c", "cancel order"], ["p", "pause / resume"],
  ["r", "reconcile"], ["⇧K", "HALT"], ["?", "this list"], ["Esc", "leave"],
]);
const COLOURS = /** @type {[string, string][]} */ ([
  ["safe", "Blue up, orange down (safe for colour-blind eyes)"],
  ["green", "Green up, red down"],
  ["korean", "Red up, blue down (Korea)"],
]);
const STORED = "tradeops.colors";

/** Use the colours that this browser chose. */
export function applyColours() {
  document.documentElement.dataset.colors = localStorage.getItem(STORED) ?? "safe";
}

/** Keys and colours. */
export function help() {
  const keys = element("ul", { class: "keys" });
  for (const [key, what] of KEYS) keys.append(element("li", {}, element("kbd", {}, key), what));
  const choice = element("select", { id: "colours" });
  for (const [value, text] of COLOURS) choice.append(element("option", { value }, text));
  choice.value = document.documentElement.dataset.colors ?? "safe";
  choice.addEventListener("change", () => {
    localStorage.setItem(STORED, choice.value);
    applyColours();
  });
  const back = button("Close", close);
  show(
    element(
      "form", { method: "dialog" },
      element("h2", { id: "dialog-title" }, "Keys and colours"),
      keys,
      element("label", { class: "field" }, element("span", {}, "Colours"), choice),
      element("div", { class: "buttons" }, back),
    ),
    back,
  );
}
