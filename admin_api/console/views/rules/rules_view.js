// What must always hold, whatever anybody edits: each rule, whether it holds, and for admins the form to change them.

import { ApiError } from "../../api_client.js";
import { count, field, h, show } from "../../elements.js";
import { RULE_KINDS, ruleOf, textOf } from "../../model/rules.js";
import { cellPicture } from "../../parts/cell_picture.js";
import { nothing, trouble, waiting } from "../../parts/notices.js";
import { PatchProposal } from "../review/patch_proposal.js";
import { review } from "../review/review.js";

/** @typedef {Record<string, unknown>} Rule */

/** The rules of one API. */
export class RulesView {
  /** @param {import("../../main.js").Place} place */
  constructor(place) {
    this.place = place;
    this.list = h("div", { "aria-live": "polite" });
    this.form = h("div", {});
    this.element = h(
      "div",
      { class: "page rules" },
      h("h1", {}, "Rules"),
      h("p", { class: "quiet" }, "A rule is a statement that must hold whatever anybody edits. It stands in the document, and nothing is published that breaks it: no edit here, no command, no rollback."),
      this.list,
      this.form,
      kinds(),
    );
    /** @type {any} */
    this.document = {};
    this.etag = "";
  }

  async start() {
    show(this.list, waiting("reading the rules"));
    try {
      const { value, etag } = await this.place.client.ask("document", { api: this.place.api });
      this.document = value;
      this.etag = etag;
      if (this.#rules.length) await this.#showStates();
      else show(this.list, none());
    } catch (error) {
      show(this.list, trouble(error, () => void this.start()));
      return;
    }
    show(this.form, this.place.mayWrite ? this.#form() : null);
  }

  /** @returns {Rule[]} */
  get #rules() {
    return this.document.rules ?? [];
  }

  async #showStates() {
    const version = this.etag.replace(/^(?:W\/)?"?(\d+).*$/, "$1");
    // Who may not write may not try a change either: then what publishing promises is all that is known.
    const broken = this.place.mayWrite ? await this.#broken() : null;
    show(this.list, this.#table(version, broken));
  }

  /** What a change of nothing would be refused for, by the rule's number. */
  async #broken() {
    try {
      await this.place.client.ask("changeDocument", { api: this.place.api }, { query: { dry_run: true }, body: {}, ifMatch: this.etag });
      return new Map();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 422) throw error;
      return new Map(error.places.filter((each) => each.pointer.startsWith("/rules/")).map((each) => [Number(each.pointer.split("/")[2]), each.message]));
    }
  }

  /** @param {string} version @param {Map<number, string> | null} broken */
  #table(version, broken) {
    const told = broken?.size ? `${broken.size} of ${count(this.#rules.length, "rule")} broken` : count(this.#rules.length, "rule");
    return h(
      "table",
      {},
      h("caption", {}, broken?.size ? told : `${told}, kept by version ${version}: publishing refuses what breaks one`),
      h("thead", {}, h("tr", {}, ["What must hold", "Now", ...(this.place.mayWrite ? [""] : [])].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, this.#rules.map((rule, number) => this.#row(rule, number, version, broken))),
    );
  }

  /** @param {Rule} rule @param {number} number @param {string} version @param {Map<number, string> | null} broken */
  #row(rule, number, version, broken) {
    const why = broken?.get(number);
    const demand = RULE_KINDS[Object.keys(rule)[0]]?.demands;
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, h("code", {}, textOf(rule)), demand ? h("small", { class: "demand" }, demand) : null),
      h(
        "td",
        { class: "state" },
        why === undefined
          ? [cellPicture("allowed"), h("span", {}, broken ? "holds" : `holds at version ${version}`)]
          : [cellPicture("denied"), h("span", {}, why.replace(/^the rule `.*?` is broken: /s, "broken: "))],
      ),
      this.place.mayWrite ? h("td", { class: "act" }, h("button", { type: "button", "aria-label": `Remove ${textOf(rule)}`, onclick: () => this.#remove(rule) }, "Remove")) : null,
    );
  }

  #form() {
    const line = h("input", { required: true, spellcheck: "false", autocomplete: "off", placeholder: `never: ${RULE_KINDS.never.example}`, class: "mono" });
    const problem = h("div", {});
    return h(
      "form",
      {
        class: "card",
        onsubmit: (/** @type {SubmitEvent} */ event) => {
          event.preventDefault();
          show(problem);
          try {
            this.#add(ruleOf(line.value));
          } catch (error) {
            show(problem, trouble(error));
          }
        },
      },
      h("h2", {}, "Add a rule"),
      field("Rule", line, "It is tried on what is published before anything is written."),
      problem,
      h("div", { class: "row end" }, h("button", { type: "submit", class: "primary" }, "Review")),
    );
  }

  /** @param {Rule} rule */
  #add(rule) {
    const words = textOf(rule);
    this.#review(`Add a rule to ${this.place.api}`, `rule added: ${words}`, (rules) => (rules.some((each) => textOf(each) === words) ? rules : [...rules, rule]));
  }

  /** @param {Rule} rule */
  #remove(rule) {
    const words = textOf(rule);
    this.#review(`Remove a rule of ${this.place.api}`, `rule removed: ${words}`, (rules) => rules.filter((each) => textOf(each) !== words));
  }

  /** @param {string} title @param {string} mine @param {(rules: Rule[]) => Rule[]} change */
  #review(title, mine, change) {
    const patchFor = (/** @type {any} */ document) => ({ rules: change(document.rules ?? []) });
    review(new PatchProposal(this.place, { title, home: "the rules", mine: [mine] }, this.document, this.etag, patchFor, () => void this.start()));
  }
}

function none() {
  return nothing("No rules yet.", "Whoever may edit this document may give anybody anything. A rule sets a limit to that, and takes a change of its own to be lifted, which every diff and the history name first.");
}

/** How rules are written, to copy. */
function kinds() {
  return h(
    "section",
    {},
    h("h2", {}, "How rules are written"),
    h("p", { class: "quiet" }, "In a document they stand under ", h("code", {}, "rules"), ", each with a dash before it. A subject is a group, or ", h("code", {}, "everyone"), ", ", h("code", {}, "client/NAME"), ", ", h("code", {}, "scope/NAME"), "."),
    h("pre", { class: "sample", tabindex: "0", "aria-label": "An example" }, `rules:\n${Object.entries(RULE_KINDS).map(([kind, { example }]) => `  - ${kind}: ${example}`).join("\n")}`),
    h("dl", {}, Object.entries(RULE_KINDS).flatMap(([kind, { demands }]) => [h("dt", {}, h("code", {}, kind)), h("dd", {}, demands)])),
  );
}
