// @ts-check
/** Messages bottom right. One command is one toast that goes sent → ack → filled. */

import { byId, element, setClass, setText } from "./dom.js";

const SUCCESS_MS = 5_000;
const MAX_SHOWN = 6;

export class Toast {
  /** @param {string} title @param {string[]} [steps] */
  constructor(title, steps = []) {
    this.steps = steps;
    this.isFinal = false;
    this.head = element("span", {}, title);
    const close = element("button", { type: "button", class: "close", "aria-label": "Dismiss" }, "×");
    close.addEventListener("click", () => this.remove());
    this.list = element("ol", {}, ...steps.map((step) => element("li", {}, step)));
    this.text = element("p");
    this.small = element("small");
    this.node = element("article", { class: "toast" }, element("header", {}, this.head, close), this.list, this.text, this.small);
    if (!steps.length) this.list.remove();
    const box = byId("toasts");
    box.append(this.node);
    while (box.children.length > MAX_SHOWN) box.firstElementChild?.remove();
  }

  /** Everything up to this step is done. @param {string} step @param {string} [word] what it reads now */
  reach(step, word) {
    const until = this.steps.indexOf(step);
    [...this.list.children].forEach((node, index) => {
      if (index <= until) setClass(node, "reached");
    });
    if (word) setText(this.list.children[until], word);
  }

  /** @param {string} text */
  say(text) {
    setText(this.text, text);
  }

  /** The end is good: the toast goes by itself. @param {string} [text] */
  succeed(text) {
    if (text) this.say(text);
    if (this.isFinal) return;
    this.isFinal = true;
    setClass(this.node, "toast done");
    setTimeout(() => this.remove(), SUCCESS_MS);
  }

  /** Nothing is proven yet; it stays and may still end well. @param {string} text */
  wait(text) {
    if (this.isFinal) return;
    this.say(text);
    setClass(this.node, "toast waiting");
  }

  /** The end is bad: the toast stays. @param {import("./rest.js").Answer | {code: string, detail: string, requestId: string}} answer */
  fail(answer) {
    if (this.isFinal) return;
    this.isFinal = true;
    setClass(this.node, "toast failed");
    this.node.setAttribute("role", "alert");
    const open = [...this.list.children].find((node) => node.className !== "reached");
    if (open) setClass(open, "missed");
    this.say(`${answer.code}: ${answer.detail}`);
    setText(this.small, answer.requestId ? `request ${answer.requestId}` : "");
  }

  remove() {
    this.node.remove();
  }
}
