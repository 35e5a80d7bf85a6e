// @ts-check
/** Build and patch elements. Text only: nothing that arrives is ever read as HTML. */

/** @typedef {{text?: string, className?: string, title?: string, label?: string,
 *   live?: boolean, flashes?: boolean, nodes?: () => Node[]}} Cell */

/** The element with this id; it is part of the page.
 * @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element #${id}`);
  return found;
}

/** The body of the table with this id. @param {string} id @returns {HTMLTableSectionElement} */
export function bodyOf(id) {
  return /** @type {HTMLTableElement} */ (byId(id)).tBodies[0];
}

/** @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, string>} [attributes] @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]} */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** @param {string} text @param {() => void} onClick @param {Record<string, string>} [attributes]
 * @returns {HTMLButtonElement} */
export function button(text, onClick, attributes = {}) {
  const made = element("button", { type: "button", class: "button", ...attributes }, text);
  made.addEventListener("click", onClick);
  return made;
}

/** Write only what changed. @param {Element} target @param {string} text */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** @param {Element} target @param {string} name */
export function setClass(target, name) {
  if (target.className !== name) target.className = name;
}

/** Facts as a definition list. @param {HTMLElement} list @param {[string, string, string?][]} facts */
export function setFacts(list, facts) {
  while (list.children.length > facts.length * 2) list.lastElementChild?.remove();
  facts.forEach(([name, value, className = ""], index) => {
    if (list.children.length <= index * 2) list.append(element("dt"), element("dd"));
    setText(list.children[index * 2], name);
    setText(list.children[index * 2 + 1], value);
    setClass(list.children[index * 2 + 1], className);
  });
}

/** Bring a table's body to `rows`: rows keep their element (and focus), cells change in place.
 * @template T
 * @param {HTMLTableSectionElement} body @param {T[]} rows
 * @param {(row: T) => string} keyOf @param {(row: T) => Cell[]} render
 * @param {{flash?: boolean}} [options] */
export function patchRows(body, rows, keyOf, render, options = {}) {
  /** @type {Map<string, HTMLTableRowElement>} */
  const known = new Map();
  for (const row of [...body.rows]) {
    if (row.dataset.key) known.set(row.dataset.key, row);
    else row.remove();
  }
  const settled = body.dataset.settled === "yes";
  rows.forEach((item, index) => {
    const key = keyOf(item);
    let row = known.get(key);
    known.delete(key);
    if (!row) {
      row = element("tr", settled && options.flash ? { class: "fresh" } : {});
      row.dataset.key = key;
    }
    patchCells(row, render(item));
    if (body.rows[index] !== row) body.insertBefore(row, body.rows[index] ?? null);
  });
  for (const gone of known.values()) gone.remove();
  body.dataset.settled = "yes";
}

/** @param {HTMLTableRowElement} row @param {Cell[]} cells */
function patchCells(row, cells) {
  cells.forEach((cell, index) => {
    let target = row.cells[index];
    if (!target) {
      target = row.insertCell();
      if (cell.nodes) target.append(...cell.nodes());
      if (cell.label) target.dataset.label = cell.label;
    }
    if (cell.text !== undefined && !cell.nodes) {
      if (cell.flashes && target.textContent && target.textContent !== cell.text) flash(target);
      setText(target, cell.text);
    }
    const name = `${cell.className ?? ""}${cell.live ? " live" : ""}`.trim();
    if (target.className.replace(" flash", "") !== name) target.className = name;
    if ((cell.title ?? "") !== target.title) target.title = cell.title ?? "";
  });
}

/** @param {HTMLElement} target */
function flash(target) {
  target.classList.add("flash");
  target.addEventListener("animationend", () => target.classList.remove("flash"), { once: true });
}
