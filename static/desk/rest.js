// @ts-check
/** The desk's own routes: same origin, session cookie, CSRF token. */

/** @typedef {{status: number, ok: boolean, body: any, code: string, detail: string, requestId: string}} Answer */

const BASE = "/desk/api/";
const TIMEOUT_MS = 15_000;

/** @returns {string} */
function csrfToken() {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  return field instanceof HTMLInputElement ? field.value : "";
}

/** @param {string} path @param {RequestInit} init @returns {Promise<Answer>} */
async function ask(path, init) {
  try {
    const response = await fetch(path.startsWith("/") ? path : BASE + path, {
      credentials: "same-origin",
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...init,
    });
    const text = await response.text();
    const isJson = (response.headers.get("content-type") ?? "").includes("json");
    const body = isJson ? JSON.parse(text) : {};
    return {
      status: response.status,
      ok: response.ok,
      body,
      code: body.code ?? (response.ok ? "" : `HTTP ${response.status}`),
      detail: body.detail ?? (response.ok ? "" : "The desk did not take it."),
      requestId: response.headers.get("x-request-id") ?? body.request_id ?? "",
    };
  } catch (error) {
    // No answer proves nothing: an order may have been taken. The journal will tell.
    const late = error instanceof DOMException && error.name === "TimeoutError";
    return {
      status: 0,
      ok: false,
      body: {},
      code: late ? "NO_ANSWER" : "UNREACHABLE",
      detail: late ? "No answer in 15 s; the journal shows what became of it." : "The desk cannot be reached.",
      requestId: "",
    };
  }
}

/** @param {string} path @param {object} body @param {string} [key] Idempotency key of this confirmation
 * @returns {Promise<Answer>} */
export function post(path, body, key) {
  return ask(path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-csrftoken": csrfToken(),
      ...(key ? { "idempotency-key": key } : {}),
    },
    body: JSON.stringify(body),
  });
}

/** @param {string} path @returns {Promise<Answer>} */
export function get(path) {
  return ask(path, { method: "GET", cache: "no-store" });
}

/** A key that names one confirmation, however often it is sent. @returns {string} */
export function newKey() {
  return crypto.randomUUID ? crypto.randomUUID() : randomHex();
}

/** `randomUUID` exists on HTTPS and loopback only. @returns {string} */
function randomHex() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
