// Before anything is written: who gains and who loses, in words and as a picture, what else the change would do, and why it is made.

import { ApiError } from "../../api_client.js";
import { count, field, h, show } from "../../elements.js";
import { directionOf, kindOf } from "../../model/access.js";
import { nameOf } from "../../model/permission_grid.js";
import { cellPicture } from "../../parts/cell_picture.js";
import { announce, trouble, waiting } from "../../parts/notices.js";

/**
 * What is reviewed. `look` asks what it would do, `publish` does it, and `rebase` makes it anew on what is published now: each throws `ApiError`.
 *
 * `mine` tells the changes in words, and `home` where they were made: `the matrix`. `published` is called after a publish, `left` when somebody goes back there
 * because of what others published. `lines` are those of a text that change, where the proposal is one.
 *
 * @typedef {{title: string, home: string, mine: string[], lines?: import("../../model/line_diff.js").Line[], look(): Promise<any>, publish(reason: string): Promise<any>, rebase(): Promise<void>, published(): void, left(): void}} Proposal
 */

const SHOWN = 200;
const SHOWN_LINES = 400;
const WORDS = { gains: "gains", loses: "loses", differs: "changes" };

/** Opens the review of a proposal. @param {Proposal} proposal */
export function review(proposal) {
  const body = h("div", { class: "review-body" });
  const dialog = h("dialog", { class: "review", "aria-labelledby": "review-title", onclose: () => dialog.remove() }, h("h2", { id: "review-title" }, proposal.title), body);
  document.body.append(dialog);
  dialog.showModal();
  void new Review(proposal, dialog, body).look();
}

class Review {
  /** @param {Proposal} proposal @param {HTMLDialogElement} dialog @param {Element} body */
  constructor(proposal, dialog, body) {
    this.proposal = proposal;
    this.dialog = dialog;
    this.body = body;
  }

  /** Asks what the changes would do, and shows it. */
  async look() {
    show(this.body, waiting("looking at what this would change"));
    try {
      this.#show(await this.proposal.look());
    } catch (error) {
      this.#refused(error);
    }
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
      rulesOf(result),
      changesOf(result),
      linesOf(this.proposal.lines ?? []),
      warningsOf(result),
      form,
    );
    // Who gains and who loses is read first: a long list must not scroll away.
    reason.focus({ preventScroll: true });
  }

  /** @param {string} reason */
  async #publish(reason) {
    try {
      const value = await this.proposal.publish(reason);
      this.dialog.close();
      this.proposal.published();
      // What was focused before is mostly gone: whoever goes by the keyboard goes on in the view.
      document.getElementById("view")?.focus({ preventScroll: true });
      announce(`version ${value.version} is published`);
    } catch (error) {
      this.#refused(error);
    }
  }

  /** @param {unknown} error */
  #refused(error) {
    const isStale = error instanceof ApiError && error.status === 412;
    if (!isStale) {
      show(this.body, trouble(error), h("div", { class: "row end" }, h("button", { type: "button", onclick: () => this.dialog.close() }, "Back")));
      return;
    }
    show(
      this.body,
      h("p", { class: "notice bad", role: "alert" }, "Somebody else published while you were working. Nothing of yours is written, and nothing is lost."),
      h("h3", {}, "What they changed"),
      error.changes.length ? h("ul", {}, error.changes.map((each) => h("li", {}, each))) : h("p", {}, "Nothing about who may do what."),
      h("h3", {}, "What you changed"),
      h("ul", {}, this.proposal.mine.map((each) => h("li", {}, each))),
      h(
        "div",
        { class: "row end" },
        h("button", { type: "button", onclick: () => this.#leave() }, `Back to ${this.proposal.home}`),
        h("button", { type: "button", class: "primary", onclick: () => this.#rebase() }, "Make my changes on theirs"),
      ),
    );
  }

  #leave() {
    this.dialog.close();
    this.proposal.left();
  }

  /** Looks at the same changes on what is published now. */
  async #rebase() {
    show(this.body, waiting("reading what is published now"));
    try {
      await this.proposal.rebase();
    } catch (error) {
      this.#refused(error);
      return;
    }
    await this.look();
  }
}

/** Which rules a change adds and removes. @param {any} result */
export function rulesOf(result) {
  if (!result.rules?.length) return null;
  return h("div", { class: "notice" }, h("h3", {}, "What must always hold changes"), h("ul", {}, result.rules.map((/** @type {string} */ each) => h("li", {}, each))));
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

/** @param {import("../../model/line_diff.js").Line[]} lines */
function linesOf(lines) {
  if (!lines.length) return null;
  const more = lines.length - SHOWN_LINES;
  return h(
    "div",
    {},
    h("h3", {}, "Lines that change"),
    h(
      "ol",
      { class: "lines", role: "list", "aria-label": "Lines that change", tabindex: "0" },
      lines.slice(0, SHOWN_LINES).map(({ sign, text }) => h("li", { class: sign === "+" ? "added" : sign === "-" ? "gone" : null }, `${sign} ${text}`)),
    ),
    more > 0 ? h("p", { class: "quiet" }, `and ${count(more, "line")} more`) : null,
  );
}

/** What else a change does. @param {any} result */
export function warningsOf(result) {
  const verdicts = (result.token_scope ?? []).filter((/** @type {any} */ each) => !each.expressible);
  const lines = [
    ...verdicts.map((/** @type {any} */ each) => `Callers in ${each.callers_in.join(" and ") || "no group"} cannot be answered in token scope: ${each.message ?? each.reason}`),
    ...(result.findings ?? []).map((/** @type {any} */ each) => each.message),
    ...(result.notes ?? []),
  ];
  if (!lines.length) return null;
  return h("div", { class: "notice" }, h("h3", {}, "Look at this as well"), h("ul", {}, lines.map((line) => h("li", {}, line))));
}
