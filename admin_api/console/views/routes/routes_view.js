// The catalogue: which routes the document knows, which are public, and how many may call each; and what an OpenAPI file has otherwise.

import { count, field, h, show } from "../../elements.js";
import { catalogueOf } from "../../model/catalogue.js";
import { pathOf, verbOf } from "../../model/permission_grid.js";
import { nothing, trouble, waiting } from "../../parts/notices.js";
import { readGrid } from "../../published_grid.js";
import { DriftCard } from "./drift_card.js";

/** @typedef {import("../../model/catalogue.js").Entry} Entry */

const SHOWN = 500;
const NAMED = 4;

/** The routes of one API. */
export class RoutesView {
  /** @param {import("../../main.js").Place} place */
  constructor(place) {
    this.place = place;
    this.search = h("input", { type: "search", placeholder: "pets, delete, public, nobody", value: place.query.get("find") ?? "", oninput: () => this.#filter() });
    this.told = h("p", { class: "quiet", role: "status" });
    this.list = h("div", {});
    this.body = h("div", {});
    this.element = h("div", { class: "page routes" }, h("h1", {}, "Routes"), this.body);
    /** @type {Map<string, Entry[]>} */
    this.catalogue = new Map();
    this.most = SHOWN;
  }

  async start() {
    show(this.body, waiting("reading the catalogue"));
    try {
      const { grid, etag } = await readGrid(this.place.client, this.place.api);
      this.catalogue = catalogueOf(grid);
      const drift = new DriftCard(this.place, grid.document, etag, () => void this.start());
      show(this.body, field("Find routes", this.search), this.told, this.list, drift.element);
      this.#filter();
    } catch (error) {
      show(this.body, trouble(error, () => void this.start()));
    }
  }

  #filter() {
    this.place.remember({ find: this.search.value });
    const words = this.search.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
    /** @type {[string, Entry[]][]} */
    const found = [];
    for (const [path, entries] of this.catalogue) {
      const fitting = entries.filter((each) => words.every((word) => `${each.route} ${each.words} ${each.isPublic ? "public" : ""}`.toLowerCase().includes(word)));
      if (fitting.length) found.push([path, fitting]);
    }
    const entries = found.flatMap(([, each]) => each);
    const noCaller = entries.filter((each) => each.words === "nobody").length;
    const isPublic = entries.filter((each) => each.isPublic).length;
    this.told.textContent = [`${count(entries.length, "route")} at ${count(found.length, "path")}`, isPublic ? `${isPublic} public` : "", noCaller ? `${noCaller} that nobody may call` : ""].filter(Boolean).join(", ");
    if (!entries.length) {
      show(this.list, this.catalogue.size ? nothing("No route is like this.", "Words are looked for in the verb, the path and who may call it.") : nothing("The catalogue is empty.", "Compare it with an OpenAPI file below to see what it lacks."));
      return;
    }
    const shown = found.slice(0, this.most);
    const more = found.length - shown.length;
    const all = () => {
      this.most = Infinity;
      this.#filter();
    };
    show(this.list, this.#table(shown), more > 0 ? h("button", { type: "button", onclick: all }, `Show ${count(more, "path")} more`) : null);
  }

  /** @param {[string, Entry[]][]} paths */
  #table(paths) {
    return h(
      "table",
      { class: "catalogue" },
      h("thead", {}, h("tr", {}, ["Path", "Verb", "Who may call it"].map((title) => h("th", { scope: "col" }, title)))),
      paths.map(([path, entries]) => h("tbody", {}, entries.map((entry, number) => this.#row(path, entry, number === 0 ? entries.length : 0)))),
    );
  }

  /** @param {string} path @param {Entry} entry @param {number} rows how many the path heads, 0 behind the first */
  #row(path, entry, rows) {
    const verb = verbOf(entry.route);
    const matrix = `#/${encodeURIComponent(this.place.api)}/matrix?${new URLSearchParams({ find: pathOf(entry.route) })}`;
    const others = entry.callers.length - NAMED;
    const named = entry.callers.slice(0, NAMED).join(", ") + (others > 0 ? ` and ${others} more` : "");
    return h(
      "tr",
      { class: entry.words === "nobody" ? "nobody" : "" },
      rows ? h("th", { scope: "rowgroup", rowspan: rows }, h("code", {}, verb === "WS" ? pathOf(entry.route) : path)) : null,
      h("td", {}, h("span", { class: `verb ${verb.toLowerCase()}` }, verb), entry.isPublic ? h("small", { class: "tag" }, "public") : null),
      h("td", {}, entry.isPublic ? entry.words : h("a", { href: matrix }, entry.words), entry.callers.length ? h("small", { class: "callers" }, named) : null),
    );
  }
}
