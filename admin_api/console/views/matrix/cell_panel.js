// One cell: what it says, why, and what could be changed.

import { h, show } from "../../elements.js";
import { KIND_WORDS, ORIGIN_WORDS, kindOf } from "../../model/access.js";
import { EVERYONE, nameOf, pathOf, subjectIn, verbOf } from "../../model/permission_grid.js";
import { cellPicture } from "../../parts/cell_picture.js";
import { announce, trouble, waiting } from "../../parts/notices.js";

/**
 * @param {import("../../main.js").Place} place
 * @param {import("../../model/permission_grid.js").PermissionGrid} grid
 * @param {import("../../model/staged_changes.js").StagedChanges} staged
 * @param {string} subject
 * @param {string} route
 * @param {() => void} close
 */
export function cellPanel(place, grid, staged, subject, route, close) {
  const words = grid.access(subject, route);
  const kind = kindOf(words);
  const origin = grid.origin(subject, route);
  const why = h("div", { class: "why" }, waiting("asking why"));
  const actions = h("div", { class: "actions" });
  const drawActions = () => show(actions, ...actionsFor(place, grid, staged, subject, route, again));
  const again = () => {
    drawActions();
    // The button that was pressed is gone: whoever goes by the keyboard goes on at the one in its place.
    actions.querySelector("button")?.focus();
  };
  drawActions();
  void explain(place, subject, route, kind, why);
  const parents = grid.parents(subject).map(nameOf);
  return h(
    "div",
    { onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && close() },
    h("h2", { tabindex: -1 }, nameOf(subject)),
    h("p", { class: "route" }, h("span", { class: `verb ${verbOf(route).toLowerCase()}` }, verbOf(route)), h("span", { class: "path" }, pathOf(route))),
    h("p", { class: "verdict" }, cellPicture(kind, origin), h("strong", {}, kind === "nothing" ? KIND_WORDS.nothing : words)),
    kind !== "nothing" && origin !== "own" ? h("p", { class: "quiet" }, `${ORIGIN_WORDS[origin]}${origin === "inherited" ? ` from ${parents.join(", ")}` : ""}`) : null,
    grid.delegated.has(subject) ? h("p", { class: "quiet" }, "A delegated client: people through it may no more than its tokens' scopes.") : null,
    grid.public.has(route) ? h("p", { class: "notice" }, "This route is public: the gateway asks no authorizer, so that permissions change nothing here.") : null,
    why,
    actions,
    h("button", { type: "button", class: "plain close", "aria-label": "Close", onclick: close }, "\u00d7"),
  );
}

/** @param {import("../../main.js").Place} place @param {any} grid @param {import("../../model/staged_changes.js").StagedChanges} staged @param {string} subject @param {string} route @param {() => void} again @returns {Node[]} */
function actionsFor(place, grid, staged, subject, route, again) {
  if (!place.mayWrite) return [h("p", { class: "quiet" }, "You may look at these permissions and not change them.")];
  const wish = staged.wish(subject, route);
  const stage = (/** @type {import("../../model/staged_changes.js").Wish | null} */ to) => () => {
    staged.stage(subject, route, to);
    again();
    announce(to === null ? "no longer staged" : "staged");
  };
  if (wish !== null) {
    const words = wish === "allow" ? "Staged: to be allowed." : "Staged: to be taken away.";
    return [h("p", { class: "notice" }, words), h("button", { type: "button", onclick: stage(null) }, "Take this back")];
  }
  const kind = kindOf(grid.access(subject, route));
  const buttons = [];
  if (kind !== "allowed") buttons.push(h("button", { type: "button", class: "primary", onclick: stage("allow") }, "Allow"));
  if (kind !== "nothing" && kind !== "denied" && subject !== EVERYONE) buttons.push(h("button", { type: "button", class: "danger", onclick: stage("take") }, "Take away"));
  if (kind !== "nothing" && kind !== "denied" && subject === EVERYONE && subjectIn(grid.document, subject)) buttons.push(h("button", { type: "button", class: "danger", onclick: stage("take") }, "Take away from everyone"));
  return buttons;
}

/** @param {import("../../main.js").Place} place @param {string} subject @param {string} route @param {import("../../model/access.js").Kind} access @param {Element} shown */
async function explain(place, subject, route, access, shown) {
  const [kind, name] = subject === EVERYONE ? ["", ""] : [subject.slice(0, subject.indexOf("/")), subject.slice(subject.indexOf("/") + 1)];
  const body = { method: verbOf(route) === "ANY" ? "GET" : verbOf(route), path: examplePath(route), ...(kind ? { [`${kind}s`]: [name] } : {}) };
  try {
    const { value } = await place.client.ask("explain", { api: place.api }, { body });
    show(
      shown,
      h("h3", {}, "Why"),
      // The question names no claims, so that the answer alone would say the contrary of the cell.
      access === "conditional" && !value.allowed ? h("p", {}, "It depends on the token. Of one without the claim that is asked for:") : null,
      h("p", {}, value.sentence),
      access === "conditional" && !value.allowed ? h("ul", {}, value.near_misses.map((/** @type {any} */ each) => h("li", {}, each.message))) : null,
      value.determining.length ? h("ul", {}, value.determining.map((/** @type {string} */ each) => h("li", {}, h("code", {}, each)))) : null,
      h("a", { href: `#/${encodeURIComponent(place.api)}/explain?${new URLSearchParams({ method: body.method, path: body.path, ...(kind === "group" ? { groups: name } : {}) })}` }, "Try other requests"),
    );
  } catch (error) {
    show(shown, trouble(error));
  }
}

/** A request's path for a route: `/pets/{petId}` -> `/pets/petId`, and the route key of a message. @param {string} route */
function examplePath(route) {
  if (verbOf(route) === "WS") return pathOf(route);
  return pathOf(route).replace(/\{([^}+]+)\+?\}/g, "$1");
}
