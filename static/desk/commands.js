// @ts-check
/** Everything the desk asks the engine for, and the toast that follows it. */

import { number } from "./format.js";
import { newKey, post } from "./rest.js";
import { Toast } from "./toasts.js";

const ORDER_STEPS = ["sent", "ack", "filled"];

/** `isOpen`: the answer left the outcome open, so that only the journal can tell.
 * @typedef {{toast: Toast, ref: string, orderId: string, isOpen: boolean}} Followed */

const MAX_FOLLOWED = 50;

/** Orders whose end or price is not told yet. @type {Set<Followed>} */
const followed = new Set();

/** Send an order. `key` names the confirmation: repeating it does not repeat the order (F75).
 * @param {string} title @param {Record<string, unknown>} order @param {string} key */
export async function placeOrder(title, order, key) {
  const item = follow(title, key);
  const answer = await post("orders", { ...order, client_ref: key }, key);
  settle(item, answer);
}

/** @param {string} account @param {string} symbol @param {string} fraction @param {string} title @param {string} key */
export async function closePosition(account, symbol, fraction, title, key) {
  const item = follow(title, key);
  const reason = `desk ${key}`;
  settle(item, await post(`positions/${symbol}/close`, { account, fraction, reason }, key));
}

/** @param {string} orderId @param {string} title */
export async function cancelOrder(orderId, title) {
  const toast = new Toast(title, ["sent", "cancelled"]);
  toast.reach("sent");
  const answer = await post(`orders/${orderId}/cancel`, { reason: "desk" }, newKey());
  if (!answer.ok) return toast.fail(answer);
  if (answer.status === 202) return toast.wait("Asked; the venue has not confirmed yet.");
  if (answer.body.status !== "CANCELLED") return toast.succeed(`It ended as ${answer.body.status}.`);
  toast.reach("cancelled");
  return toast.succeed();
}

/** Tell the engine; without an account the whole desk.
 * @param {"pause" | "resume" | "halt" | "reconcile"} verb @param {string | null} account @param {string} reason */
export async function engine(verb, account, reason) {
  const words = { pause: "Pause", resume: "Resume", halt: "HALT", reconcile: "Reconcile" };
  const toast = new Toast(`${words[verb]} ${account ?? "the whole desk"}`, ["sent", "done"]);
  toast.reach("sent");
  const scope = account === null ? { scope: "all" } : { scope: "account", account };
  const answer = await post(`engine/${verb}`, { ...scope, reason }, newKey());
  if (!answer.ok) return toast.fail(answer);
  if (answer.status === 202) return toast.wait("Asked; not done yet.");
  toast.reach("done");
  return toast.succeed();
}

/** @param {string} title @param {string} key @returns {Followed} */
function follow(title, key) {
  const item = { toast: new Toast(title, ORDER_STEPS), ref: key, orderId: "", isOpen: false };
  item.toast.reach("sent");
  followed.add(item);
  for (const oldest of followed) {
    if (followed.size <= MAX_FOLLOWED) break;
    followed.delete(oldest);
  }
  return item;
}

/** @param {Followed} item @param {import("./rest.js").Answer} answer */
function settle(item, answer) {
  item.isOpen = answer.status === 0 || answer.status === 202;
  if (answer.status === 0) return item.toast.wait(`${answer.code}: ${answer.detail}`);
  if (!answer.ok) {
    followed.delete(item);
    return item.toast.fail(answer);
  }
  item.orderId ||= answer.body.id ?? answer.body.command?.id ?? "";
  if (answer.status === 202) {
    return item.toast.wait("No outcome yet. It is not sent again; the journal will tell.");
  }
  return show(item, answer.body.status, answer.body);
}

/** Show where an order is; called with its row or with an event that has less.
 * @param {Followed} item @param {string} status @param {any} order */
function show(item, status, order) {
  if (["ACKNOWLEDGED", "PARTIALLY_FILLED"].includes(status)) {
    item.toast.reach("ack");
    if (order.type === "LIMIT") item.toast.succeed(`Rests at ${number(order.price)}.`);
    else if (order.trigger_price) item.toast.succeed(`Waits for ${number(order.trigger_price)}.`);
  } else if (status === "FILLED") {
    item.toast.reach("filled");
    const price = order.average_price;
    item.toast.succeed(price ? `${number(order.filled_quantity)} @ ${number(price)}` : undefined);
    if (price) followed.delete(item);
  } else if (["CANCELLED", "EXPIRED", "REJECTED"].includes(status)) {
    item.toast.fail({ code: status, detail: order.reason || "The order ended.", requestId: "" });
    followed.delete(item);
  }
}

/** Move the toasts by what the journal says. @param {any} frame */
export function onEvent(frame) {
  const data = frame.data;
  for (const item of followed) {
    if (frame.event === "CommandSubmitted" && !item.orderId) {
      const payload = data.payload;
      const isMine = payload.client_ref === item.ref || payload.reason === `desk ${item.ref}`;
      if (isMine) item.orderId = data.command_id;
    }
    if (!item.orderId) continue;
    if (data.order_id === item.orderId) followOrder(item, frame.event, data);
    const isRefused = frame.event === "CommandCompleted" && data.status === "FAILED";
    if (isRefused && item.isOpen && data.command_id === item.orderId) {
      item.toast.fail({ code: data.code, detail: data.detail, requestId: "" });
      followed.delete(item);
    }
  }
}

/** @param {Followed} item @param {string} event @param {any} data */
function followOrder(item, event, data) {
  if (event === "OrderUpdated" || event === "OrderCancelled") show(item, data.status, data);
  if (event === "TradeExecuted") {
    item.toast.reach("ack");
    item.toast.say(`${number(data.quantity)} @ ${number(data.price)}`);
  }
}
