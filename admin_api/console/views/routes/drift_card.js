// What an OpenAPI file has that the catalogue lacks, and the other way round. The file is read in the page, and goes nowhere.

import { count, field, h, show } from "../../elements.js";
import { additions, differencesOf, keyOf, readDefinition } from "../../model/openapi_routes.js";
import { pathOf, routeOf, verbOf } from "../../model/permission_grid.js";
import { trouble, waiting } from "../../parts/notices.js";
import { PatchProposal } from "../review/patch_proposal.js";
import { review } from "../review/review.js";

/** @typedef {ReturnType<typeof differencesOf>} Differences */

const MOST_BYTES = 20_000_000;
const SHOWN = 200;

/** The card with the file's field and what came of it. */
export class DriftCard {
  /** @param {import("../../main.js").Place} place @param {any} document @param {string} etag @param {() => void} onPublished */
  constructor(place, document, etag, onPublished) {
    this.place = place;
    this.document = document;
    this.etag = etag;
    this.onPublished = onPublished;
    this.result = h("div", { "aria-live": "polite" });
    // Who opens the dialog may choose the same file again, which has changed meanwhile.
    const input = h("input", { type: "file", accept: ".json,.yaml,.yml,application/json", onclick: () => (input.value = ""), onchange: () => input.files?.[0] && void this.#read(input.files[0]) });
    this.element = h(
      "section",
      {
        class: "card drift",
        ondragover: (/** @type {DragEvent} */ event) => {
          event.preventDefault();
          this.element.classList.add("over");
        },
        ondragleave: () => this.element.classList.remove("over"),
        ondrop: (/** @type {DragEvent} */ event) => {
          event.preventDefault();
          this.element.classList.remove("over");
          const file = event.dataTransfer?.files[0];
          // The field's own file is not the one that is compared.
          input.value = "";
          if (file) void this.#read(file);
        },
      },
      h("h2", {}, "Compare with an OpenAPI file"),
      field("Choose a file, or drop it here", input, "OpenAPI 3 or Swagger 2.0 in JSON. It is read in this page, and nothing is uploaded. The base path belongs to no route."),
      this.result,
    );
  }

  /** @param {File} file */
  async #read(file) {
    show(this.result, waiting(`reading ${file.name}`));
    try {
      if (file.size > MOST_BYTES) throw new Error(`${file.name} has more than ${MOST_BYTES / 1_000_000} MB: compare it with the command gatebook drift`);
      const definition = readDefinition(await file.text(), file.name);
      const catalogue = /** @type {string[]} */ ((this.document.routes ?? []).map(routeOf));
      show(this.result, ...this.#differences(definition, catalogue, differencesOf(catalogue, definition.routes)));
    } catch (error) {
      show(this.result, trouble(error));
    }
  }

  /** @param {import("../../model/openapi_routes.js").Definition} definition @param {string[]} catalogue @param {Differences} found @returns {(Node | null)[]} */
  #differences(definition, catalogue, found) {
    const { lacking, gone, renamed, compared } = found;
    const isSame = !lacking.length && !gone.length;
    const messages = catalogue.filter((route) => route.startsWith("WS ")).length;
    const add = additions(catalogue, lacking);
    const notes = [
      ...renamed.map((each) => `${each.route} is ${each.theirs} in the file: parameters are told apart by their places, so that nothing breaks.`),
      ...definition.unread.map((each) => `Not compared: ${each}.`),
      ...(messages ? [`${count(messages, "route")} of WebSocket messages left out: OpenAPI knows none.`] : []),
      "Who guards each route is not compared here: gatebook drift does it, also with a template or what is deployed.",
    ];
    return [
      h("p", { class: `notice ${isSame ? "good" : "bad"}` }, `${definition.title}: ${count(compared, "route")} compared, ${isSame ? "nothing differs" : `${count(lacking.length + gone.length, "difference")}`}.`),
      listed("The file has, and the catalogue lacks", "Requests there are denied, or in token scope may be let through by what allows their neighbours.", lacking.length, (number) => line(lacking[number].route, lacking[number].verbs, lacking[number].pointer)),
      add.length && this.place.mayWrite ? h("div", { class: "row end" }, h("button", { type: "button", class: "primary", onclick: () => this.#add(add) }, `Add ${count(add.length, "route")} to the catalogue`)) : null,
      listed("The catalogue has, and the file lacks", "Permissions there mean nothing if the route is not deployed.", gone.length, (number) => line(gone[number].route, gone[number].verbs, "")),
      h("details", { open: notes.length > 1 && isSame }, h("summary", {}, count(notes.length, "note")), ...shortened(notes.length, "notes", (number) => h("li", {}, notes[number]))),
    ];
  }

  /** @param {string[]} routes */
  #add(routes) {
    const patchFor = (/** @type {any} */ document) => {
      const known = new Set((document.routes ?? []).map((/** @type {any} */ each) => keyOf(routeOf(each))));
      return { routes: [...(document.routes ?? []), ...routes.filter((route) => !known.has(keyOf(route)))] };
    };
    const words = { title: `Add ${count(routes.length, "route")} to ${this.place.api}`, home: "the routes", mine: routes.map((route) => `route added: ${route}`) };
    review(new PatchProposal(this.place, words, this.document, this.etag, patchFor, this.onPublished));
  }
}

/** @param {string} title @param {string} meaning @param {number} number how many @param {(number: number) => HTMLElement} lineAt */
function listed(title, meaning, number, lineAt) {
  return number ? h("div", {}, h("h3", {}, `${title} (${number.toLocaleString("en")})`), h("p", { class: "quiet" }, meaning), ...shortened(number, "differing", lineAt)) : null;
}

/** A list whose end is shown when it is asked for. @param {number} number @param {string} kind @param {(number: number) => HTMLElement} lineAt @returns {Node[]} */
function shortened(number, kind, lineAt) {
  const linesFrom = (/** @type {number} */ from, /** @type {number} */ to) => Array.from({ length: Math.max(0, to - from) }, (_, each) => lineAt(from + each));
  const list = h("ul", { class: kind }, linesFrom(0, Math.min(number, SHOWN)));
  const more = h(
    "button",
    {
      type: "button",
      onclick: () => {
        list.append(...linesFrom(SHOWN, number));
        more.remove();
      },
    },
    `Show ${(number - SHOWN).toLocaleString("en")} more`,
  );
  return number > SHOWN ? [list, more] : [list];
}

/** @param {string} route @param {string[]} verbs those that differ @param {string} pointer */
function line(route, verbs, pointer) {
  const verb = verbOf(route);
  const isPart = verb === "ANY" && verbs.length < 7;
  return h(
    "li",
    {},
    h("span", { class: `verb ${verb.toLowerCase()}` }, verb),
    h("code", {}, pathOf(route)),
    isPart ? h("small", {}, `with ${verbs.join(" ")}`) : null,
    verb === "OPTIONS" ? h("small", {}, "perhaps a browser's preflight, which nobody guards") : null,
    pointer ? h("small", { class: "pointer" }, pointer) : null,
  );
}
