// Who may do what: groups across, routes down. A cell says why, and stages a change; nothing is written before the review.

import { count, download, field, h, show } from "../../elements.js";
import { KIND_WORDS, ORIGIN_WORDS, kindOf } from "../../model/access.js";
import { EVERYONE, nameOf, verbOf } from "../../model/permission_grid.js";
import { StagedChanges } from "../../model/staged_changes.js";
import { cellPicture } from "../../parts/cell_picture.js";
import { announce, nothing, trouble, waiting } from "../../parts/notices.js";
import { readGrid } from "../../published_grid.js";
import { reviewChanges } from "../review/review_dialog.js";
import { matrixAsCsv, matrixAsSvg } from "./export.js";
import { VirtualGrid } from "./virtual_grid.js";
import { cellPanel } from "./cell_panel.js";

/** @typedef {import("../../main.js").Place} Place */
/** @typedef {import("../../model/permission_grid.js").Line} Line */
/** @typedef {import("../../model/permission_grid.js").PermissionGrid} PermissionGrid */

/** The matrix of one API. */
export class MatrixView {
  /** @param {Place} place */
  constructor(place) {
    this.place = place;
    this.staged = new StagedChanges(place.api, sessionStorage);
    /** @type {PermissionGrid | null} */
    this.grid = null;
    this.etag = "";
    /** @type {{subject: string, route: string} | null} */
    this.opened = null;
    this.collapsed = new Set();
    this.body = h("div", { class: "matrix-body" });
    this.panel = h("aside", { class: "panel", hidden: true, "aria-label": "Cell" });
    this.bar = h("div", { class: "review-bar", hidden: true });
    this.element = h("div", { class: "matrix-view" }, h("h1", { class: "unseen" }, `Matrix of ${place.api}`), this.body, this.bar);
    this.drawn = new VirtualGrid(this, `Permissions of ${place.api}`);
    /** @type {string[]} */
    this.subjects = [];
    this.staged.watchers.add(() => this.#afterStaging());
  }

  async start() {
    show(this.body, waiting(`reading the permissions of ${this.place.api}`));
    try {
      ({ grid: this.grid, etag: this.etag } = await readGrid(this.place.client, this.place.api));
    } catch (error) {
      show(this.body, trouble(error, () => void this.start()));
      return;
    }
    this.#showTools();
    this.#filter();
    this.#afterStaging();
    this.#openNamed();
  }

  stop() {
    this.drawn.stop();
    this.staged.watchers.clear();
  }

  // What the grid asks.

  /** @param {number} column */
  heading(column) {
    const subject = this.subjects[column];
    const kind = subject.startsWith("group/") || subject === EVERYONE ? null : h("small", {}, subject.slice(0, subject.indexOf("/")));
    return h("span", { class: "column-name" }, kind ? subject.slice(subject.indexOf("/") + 1) : nameOf(subject), kind);
  }

  /** @param {number} column */
  columnLabel(column) {
    return nameOf(this.subjects[column]);
  }

  /** @param {Line} line */
  lineHead(line) {
    if (line.type === "group") {
      const isOpen = !this.collapsed.has(line.path);
      return h(
        "button",
        { type: "button", class: `fold depth-${Math.min(line.depth, 3)}`, "aria-expanded": isOpen, onclick: () => this.#fold(line.path) },
        h("span", { class: "path" }, line.path),
        h("small", {}, count(line.routes, "route")),
      );
    }
    const verb = verbOf(line.route);
    const isPublic = this.grid?.public.has(line.route);
    return h(
      "span",
      { class: "route", title: line.route },
      h("span", { class: `verb ${verb.toLowerCase()}` }, verb),
      h("span", { class: "path" }, line.route.slice(verb.length + 1)),
      isPublic ? h("small", { class: "tag" }, "public") : null,
    );
  }

  /** @param {Line} line @param {number} column */
  cell(line, column) {
    const route = line.type === "route" ? line.route : "";
    const subject = this.subjects[column];
    const words = this.grid?.access(subject, route) ?? "";
    const origin = this.grid?.origin(subject, route) ?? "own";
    const wish = this.staged.wish(subject, route);
    const kind = kindOf(words);
    const from = kind === "nothing" || origin === "own" ? "" : `, ${ORIGIN_WORDS[origin]}`;
    const isOpen = subject === this.opened?.subject && route === this.opened.route;
    const shown = wish === null ? kind : wish === "allow" ? "allowed" : "nothing";
    const planned = wish === null ? "" : `; staged: ${wish === "allow" ? "to be allowed" : "to be taken away"}`;
    return {
      // Most cells are dots, which are drawn without an element.
      content: shown === "nothing" ? null : cellPicture(shown, wish === null ? origin : "own"),
      label: `${nameOf(subject)}, ${route}: ${kind === "nothing" ? KIND_WORDS.nothing : words}${from}${planned}`,
      class: [shown, wish === null ? "" : "staged", isOpen ? "open" : ""].join(" "),
    };
  }

  /** @param {Line} line @param {number} column */
  open(line, column) {
    if (line.type !== "route" || !this.grid) return;
    const subject = this.subjects[column];
    this.opened = { subject, route: line.route };
    this.drawn.redraw();
    this.place.remember({ group: subject, route: line.route });
    show(this.panel, cellPanel(this.place, this.grid, this.staged, subject, line.route, () => this.#closePanel()));
    this.panel.hidden = false;
    // The panel has taken room of the grid: the cell that it is about stays in sight.
    this.drawn.moveTo(this.drawn.active.line, this.drawn.active.column);
    // By the keyboard one goes on in the panel, and comes back to the cell when it closes.
    this.panel.querySelector("h2")?.focus();
    announce(`${nameOf(subject)}, ${line.route}: ${this.grid.access(subject, line.route)}`);
  }

  #closePanel() {
    this.panel.hidden = true;
    this.opened = null;
    this.drawn.redraw();
    this.place.remember({ group: null, route: null });
    this.drawn.moveTo(this.drawn.active.line, this.drawn.active.column);
  }

  /** @param {string} path */
  #fold(path) {
    if (!this.collapsed.delete(path)) this.collapsed.add(path);
    this.#filter();
    const again = [...this.drawn.body.querySelectorAll(".fold")].find((each) => each.querySelector(".path")?.textContent === path);
    if (again instanceof HTMLElement) again.focus();
  }

  #showTools() {
    const query = this.place.query;
    const changed = () => this.#filter();
    this.search = h("input", { type: "search", placeholder: "pets, /owners", value: query.get("find") ?? "", oninput: changed });
    this.verb = h("select", { onchange: changed }, ["all verbs", "GET", "POST", "PUT", "PATCH", "DELETE", "WS"].map((verb) => h("option", { value: verb === "all verbs" ? "" : verb, selected: verb === query.get("verb") }, verb)));
    this.group = h("input", { type: "search", placeholder: "admin, guest", value: query.get("groups") ?? "", oninput: changed });
    this.changed = h("input", { type: "checkbox", onchange: changed });
    this.told = h("span", { class: "quiet", role: "status" });
    const grid = /** @type {PermissionGrid} */ (this.grid);
    const { api } = this.place;
    show(
      this.body,
      h(
        "div",
        { class: "tools" },
        field("Routes", this.search),
        field("Verb", this.verb),
        field("Groups", this.group),
        h("label", { class: "check" }, this.changed, "changed only"),
        this.told,
        h("span", { class: "grow" }),
        h("button", { type: "button", onclick: () => download(`${api}.csv`, "text/csv", matrixAsCsv(grid, api)) }, "CSV"),
        h("button", { type: "button", onclick: () => download(`${api}.svg`, "image/svg+xml", matrixAsSvg(grid, api)) }, "SVG"),
      ),
      legend(),
      h("div", { class: "matrix-stage" }, this.drawn.element, this.panel),
    );
  }

  #filter() {
    const { grid, search, verb, group, changed, told } = this;
    if (!grid || !search || !verb || !group || !changed || !told) return;
    const words = search.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
    const names = group.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
    this.place.remember({ find: search.value, verb: verb.value, groups: group.value });
    this.subjects = grid.subjects.filter((each) => (!names.length || names.some((name) => nameOf(each).toLowerCase().includes(name))) && (!changed.checked || this.staged.changes.some((change) => change.subject === each)));
    const routes = grid.routes.filter(
      (route) => (!words.length || words.some((word) => route.toLowerCase().includes(word))) && (!verb.value || verbOf(route) === verb.value) && (!changed.checked || this.staged.changes.some((change) => change.route === route)),
    );
    const lines = grid.lines(routes, this.collapsed);
    if (lines[this.drawn.active.line]?.type !== "route") this.drawn.active = { line: Math.max(0, lines.findIndex((line) => line.type === "route")), column: this.drawn.active.column };
    told.textContent = `${count(routes.length, "route")}, ${count(this.subjects.length, "group")}`;
    this.drawn.set(lines, this.subjects.length);
  }

  #afterStaging() {
    const number = this.staged.size;
    this.bar.hidden = number === 0;
    if (this.grid) this.drawn.redraw();
    if (!number) return;
    show(
      this.bar,
      h("strong", {}, `${count(number, "change")} staged`),
      h("span", { class: "quiet" }, "Nothing is written yet."),
      h("span", { class: "grow" }),
      h("button", { type: "button", onclick: () => this.staged.discard() }, "Discard"),
      h("button", { type: "button", class: "primary", onclick: () => this.#review() }, "Review"),
    );
  }

  #review() {
    if (!this.grid) return;
    this.panel.hidden = true;
    this.opened = null;
    this.drawn.redraw();
    reviewChanges(this.place, this.grid, this.etag, this.staged, () => {
      this.collapsed.clear();
      void this.start();
    });
  }

  /** @param {string} route */
  #lineOf(route) {
    return this.drawn.lines.findIndex((each) => each.type === "route" && each.route === route);
  }

  /** Looks for nothing any more, so that nothing is hidden. */
  #showAll() {
    for (const control of [this.search, this.verb, this.group]) if (control) control.value = "";
    this.#filter();
  }

  /** Opens the cell that the address names. */
  #openNamed() {
    const subject = this.place.query.get("group");
    const route = this.place.query.get("route");
    if (!subject || !route) return;
    if (!this.grid?.routes.includes(route) || !this.grid.subjects.includes(subject)) {
      show(this.panel, nothing(`${this.place.api} has no ${route} or no ${nameOf(subject)}`, "It may have been taken out since this address was written."));
      this.panel.hidden = false;
      return;
    }
    if (this.#lineOf(route) < 0 || !this.subjects.includes(subject)) this.#showAll();
    const [line, column] = [this.#lineOf(route), this.subjects.indexOf(subject)];
    this.drawn.moveTo(line, column);
    this.open(this.drawn.lines[line], column);
  }
}

function legend() {
  /** @type {[import("../../model/access.js").Kind, import("../../model/access.js").Origin, string][]} */
  const entries = [
    ["allowed", "own", "allowed"],
    ["allowed", "inherited", "inherited"],
    ["allowed", "everyone", "as everyone"],
    ["conditional", "own", "on a condition"],
    ["timed", "own", "for a time"],
    ["denied", "own", "denied"],
    ["nothing", "own", "not allowed"],
  ];
  return h("ul", { class: "legend", "aria-label": "Legend" }, entries.map(([kind, origin, words]) => h("li", {}, cellPicture(kind, origin), words)));
}
