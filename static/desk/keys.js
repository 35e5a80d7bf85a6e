// @ts-check
/** One key, one dialog. Nothing is done by a key alone, except what cannot hurt. */

/** @param {Record<string, () => void>} actions by key @param {() => boolean} isBlocked */
export function listen(actions, isBlocked) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isBlocked()) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") /** @type {HTMLElement} */ (event.target).blur();
      return;
    }
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

/** @param {EventTarget | null} target @returns {boolean} */
function isTyping(target) {
  if (target instanceof HTMLInputElement) return !["radio", "range"].includes(target.type);
  return target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;
}
