// Before anything is written: who gains and who loses, in words and as a picture, what else the change would do, and why it is made.

import { ApiError } from "../../api_client.js";
import { count, field, h, show } from "../../elements.js";
import { directionOf, kindOf } from "../../model/access.js";
import { nameOf, subjectsAtOnce } from "../../model/permission_grid.js";
import { patchOf } from "../../model/staged_changes.js";
import { cellPicture } from "../../parts/cell_picture.js";
import { announce, trouble, waiting } from "../../parts/notices.js";

/** @typedef {import("../../main.js").Place} Place */
/** @typedef {import("../../model/permission_grid.js").PermissionGrid} PermissionGrid */
/** @typedef {import("../../model/staged_changes.js").StagedChanges} StagedChanges */

const SHOWN = 200;
const WORDS = { gains: "gains", loses: "loses", differs: "changes" };

/**
 * Opens the review. `onPublished` is called after a publish, and after the page has to read anew.
 *
 * @param {Place} place
 * @param {PermissionGrid} grid what the changes were made on
 * @param {string} etag its version
 * @param {StagedChanges} staged
 * @param {() => void} onPublished
 */
export function reviewChanges(place, grid, etag, staged, onPublished) {
  const body = h("div", { class: "review-body" });
  const dialog = h(
    "dialog",
    { class: "review", "aria-labelledby": "review-title", onclose: () => dialog.remove() },
    h("h2", { id: "review-title" }, `Review ${count(staged.size, "change")} to ${place.api}`),
    body,
  );
  document.body.append(dialog);
  dialog.showModal();
  void new Review(place, grid, etag, staged, dialog, body, onPublished).look();
}

class Review {
  /** @param {Place} place @param {PermissionGrid} grid @param {string} etag @param {StagedChanges} staged @param {HTMLDialogElement} dialog @param {Element} body @param {() => void} onPublished */
  constructor(place, grid, etag, staged, dialog, body, onPublished) {
    this.place = place;
    this.grid = grid;
    this.etag = etag;
    this.staged = staged;
    this.dialog = dialog;
    this.body = body;
    this.onPublished = onPublished;
    /** @type {Record<string, unknown>} */
    this.patch = {};
  }

  /** Asks what the changes would do, and shows it. */
  async look() {
    show(this.body, waiting("looking at what this would change"));
    try {
      this.patch = patchOf(this.grid.document, this.staged.changes, (subject, route) => this.grid.access(subject, route));
      let result = await this.#try();
      const kept = this.staged.changes.filter((change) => change.wish === "take" && !loses(result, change));
      if (kept.length) {
        // Something wider still allows these: only a deny takes them away.
        this.patch = patchOf(this.grid.document, this.staged.changes, (subject, route) => this.grid.access(subject, route), new Set(kept));
        result = await this.#try();
      }
      this.#show(result);
    } catch (error) {
      this.#refused(error);
    }
  }

  async #try() {
    const { value } = await this.place.client.ask("changeDocument", { api: this.place.api }, { query: { dry_run: true }, body: this.patch, ifMatch: this.etag });
    return value;
  }

  /** @param {any} result */
  #show(result) {
    const reason = h("input", { required: true, maxlength: 500, placeholder: "why, for the history" });
    const problem = h("div", {});
    const publish = h("button", { type: "submit", class: "primary", disabled: !result.changed }, "Publish");
    const form = h(
      "form",
      {
        onsubmit: async (/** @type {SubmitEvent} */ event) => {
          event.preventDefault();
          publish.disabled = true;
          show(problem, waiting("publishing"));
          await this.#publish(reason.value.trim());
        },
      },
      field("Reason", reason, "It stands in the history beside your name."),
      problem,
      h("div", { class: "row end" }, h("button", { type: "button", onclick: () => this.dialog.close() }, "Back"), publish),
    );
    show(
      this.body,
      result.changed ? null : h("p", { class: "notice" }, "These changes come to nothing: the document says so already."),
      changesOf(result),
      warningsOf(result),
      form,
    );
    reason.focus();
  }

  /** @param {string} reason */
  async #publish(reason) {
    try {
      const { value } = await this.place.client.ask("changeDocument", { api: this.place.api }, { query: { reason }, body: this.patch, ifMatch: this.etag });
      this.staged.discard();
      this.dialog.close();
      this.onPublished();
      announce(`version ${value.version} is published`);
    } catch (error) {
      this.#refused(error);
    }
  }

  /** @param {unknown} error */
  #refused(error) {
    const isStale = error instanceof ApiError && error.status === 412;
    if (!isStale) {
      show(this.body, trouble(error), this.#back());
      return;
    }
    show(
      this.body,
      h("p", { class: "notice bad", role: "alert" }, "Somebody else published while you were working. Nothing of yours is written, and nothing is lost."),
      h("h3", {}, "What they changed"),
      error.changes.length ? h("ul", {}, error.changes.map((each) => h("li", {}, each))) : h("p", {}, "Nothing about who may do what."),
      h("h3", {}, "What you changed"),
      h("ul", {}, this.staged.changes.map((each) => h("li", {}, `${nameOf(each.subject)}: ${each.wish === "allow" ? "allow" : "take away"} ${each.route}`))),
      h(
        "div",
        { class: "row end" },
        h("button", { type: "button", onclick: () => this.#readAnew() }, "Back to the matrix"),
        h("button", { type: "button", class: "primary", onclick: () => this.#rebase() }, "Make my changes on theirs"),
      ),
    );
  }

  #readAnew() {
    this.dialog.close();
    this.onPublished();
  }

  /** Looks at the same changes on what is published now. */
  async #rebase() {
    show(this.body, waiting("reading what is published now"));
    try {
      const { value, etag } = await this.place.client.ask("document", { api: this.place.api });
      const rows = await this.place.client.all("matrix", { api: this.place.api }, "rows", { limit: subjectsAtOnce(value) });
      const Grid = /** @type {new (document: any, rows: any[]) => PermissionGrid} */ (this.grid.constructor);
      this.grid = new Grid(value, rows);
      this.etag = etag;
    } catch (error) {
      this.#refused(error);
      return;
    }
    await this.look();
  }

  #back() {
    return h("div", { class: "row end" }, h("button", { type: "button", onclick: () => this.dialog.close() }, "Back"));
  }
}

/** @param {any} result @param {{subject: string, route: string}} change */
function loses(result, change) {
  return result.access.some((/** @type {any} */ each) => each.subject === change.subject && each.route === change.route && !each.after.startsWith("allowed"));
}

/** @param {any} result */
function changesOf(result) {
  const shown = result.access.slice(0, SHOWN);
  const more = result.access_in_all - shown.length;
  if (!shown.length) return h("p", {}, "Nobody gains or loses anything.");
  return h(
    "table",
    { class: "changes" },
    h("caption", {}, `${count(result.access_in_all, "change")} of access${more > 0 ? `, ${shown.length} shown` : ""}`),
    h("thead", {}, h("tr", {}, ["Who", "Change", "Route", "Now", "Then"].map((title) => h("th", { scope: "col" }, title)))),
    h(
      "tbody",
      {},
      shown.map((/** @type {any} */ each) => {
        const direction = directionOf(each.before, each.after);
        return h(
          "tr",
          { class: direction },
          h("th", { scope: "row" }, nameOf(each.subject)),
          h("td", { class: "direction" }, WORDS[direction]),
          h("td", {}, h("code", {}, each.route)),
          h("td", {}, cellPicture(kindOf(each.before)), h("span", {}, each.before)),
          h("td", {}, cellPicture(kindOf(each.after)), h("span", {}, each.after)),
        );
      }),
    ),
  );
}

/** @param {any} result */
function warningsOf(result) {
  const verdicts = (result.token_scope ?? []).filter((/** @type {any} */ each) => !each.expressible);
  const lines = [
    ...(result.rules ?? []).map((/** @type {string} */ each) => `Rule: ${each}`),
    ...verdicts.map((/** @type {any} */ each) => `Callers in ${each.callers_in.join(" and ") || "no group"} cannot be answered in token scope: ${each.message ?? each.reason}`),
    ...(result.findings ?? []).map((/** @type {any} */ each) => each.message),
    ...(result.notes ?? []),
  ];
  if (!lines.length) return null;
  return h("div", { class: "notice" }, h("h3", {}, "Look at this as well"), h("ul", {}, lines.map((line) => h("li", {}, line))));
}
