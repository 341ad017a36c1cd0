// What every view says in the same way: that it waits, that something went wrong, that there is nothing.

import { h } from "../elements.js";

/** @param {string} what */
export function waiting(what) {
  return h("p", { class: "waiting", role: "status" }, what);
}

/** @param {unknown} error @param {() => void} [again] */
export function trouble(error, again) {
  const places = /** @type {any} */ (error).places ?? [];
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("p", {}, error instanceof Error ? error.message : String(error)),
    places.length ? h("ul", {}, places.map((/** @type {any} */ each) => h("li", {}, h("code", {}, each.pointer || "/"), ` ${each.message}`))) : null,
    again ? h("button", { type: "button", onclick: again }, "Try again") : null,
  );
}

/** @param {string} what @param {string} [hint] */
export function nothing(what, hint) {
  return h("div", { class: "notice" }, h("p", {}, what), hint ? h("p", { class: "quiet" }, hint) : null);
}

/** Says something to people who hear the page. @param {string} text */
export function announce(text) {
  const place = document.getElementById("announcements");
  if (place) place.textContent = text;
}
