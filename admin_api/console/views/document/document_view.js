// The whole document as text. Mistakes are marked at their lines, and a review comes before anything is written.

import { ApiError } from "../../api_client.js";
import { count, download, h, show } from "../../elements.js";
import { lineOf, placeAt, readJson } from "../../model/json_places.js";
import { announce, trouble, waiting } from "../../parts/notices.js";
import { review } from "../review/review.js";
import { DocumentProposal } from "./document_proposal.js";
import { TextEditor } from "./text_editor.js";

/** @typedef {{document: any, etag: string}} Base */
/** @typedef {{pointer: string, message: string}} Mistake */

const PAUSE_MS = 250;

/** What somebody wrote and did not publish, while the page is open: by person and API. @type {Map<string, {base: Base, text: string}>} */
const drafts = new Map();

/** The document of one API. */
export class DocumentView {
  /** @param {import("../../main.js").Place} place */
  constructor(place) {
    this.place = place;
    this.draft = `${place.client.session.person.username} ${place.api}`;
    /** @type {Base} */
    this.base = { document: {}, etag: "" };
    /** What the admin API said of the text when it was last asked. @type {Mistake[]} */
    this.mistakes = [];
    this.timer = 0;
    this.editor = new TextEditor(`Document of ${place.api} as JSON`, !place.mayWrite, () => this.#edited());
    this.told = h("span", { class: "quiet", role: "status" });
    this.list = h("div", { class: "mistakes", "aria-live": "polite" });
    this.discard = h("button", { type: "button", onclick: () => this.#discard() }, "Discard");
    this.review = h("button", { type: "button", class: "primary", onclick: () => void this.#review() }, "Review");
    this.body = h("div", { class: "document-body" });
    this.element = h("div", { class: "document-view" }, h("h1", { class: "unseen" }, `Document of ${place.api}`), this.body);
    this.onUnload = (/** @type {BeforeUnloadEvent} */ event) => this.#isEdited && event.preventDefault();
  }

  async start() {
    show(this.body, waiting(`reading the document of ${this.place.api}`));
    const kept = drafts.get(this.draft);
    try {
      if (!kept) {
        const { value, etag } = await this.place.client.ask("document", { api: this.place.api });
        this.base = { document: value, etag };
      }
    } catch (error) {
      show(this.body, trouble(error, () => void this.start()));
      return;
    }
    if (kept) this.base = kept.base;
    this.mistakes = [];
    this.editor.text = kept?.text ?? pretty(this.base.document);
    show(this.body, this.#tools(), this.editor.element, this.list);
    window.addEventListener("beforeunload", this.onUnload);
    this.#look();
  }

  stop() {
    window.clearTimeout(this.timer);
    window.removeEventListener("beforeunload", this.onUnload);
    this.#keep();
  }

  get #isEdited() {
    return this.editor.text !== pretty(this.base.document);
  }

  #keep() {
    if (this.base.etag && this.#isEdited) drafts.set(this.draft, { base: this.base, text: this.editor.text });
    else drafts.delete(this.draft);
  }

  #tools() {
    const { api, mayWrite } = this.place;
    return h(
      "div",
      { class: "tools" },
      this.told,
      h("span", { class: "grow" }),
      h("button", { type: "button", onclick: () => download(`${api}.json`, "application/json", `${this.editor.text.trimEnd()}\n`) }, "Download"),
      mayWrite ? h("button", { type: "button", onclick: () => this.#tidy() }, "Tidy") : null,
      mayWrite ? this.discard : null,
      mayWrite ? this.review : null,
    );
  }

  #edited() {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.#look(), PAUSE_MS);
  }

  /** Reads the text as it is now, and shows what is wrong with it. */
  #look() {
    window.clearTimeout(this.timer);
    const { text } = this.editor;
    const reading = readJson(text);
    const spans = reading.problem ? [reading.problem] : this.mistakes.map((each) => ({ ...placeAt(reading.places, each.pointer), message: each.message }));
    const found = spans.map((span) => ({ span, line: lineOf(text, span.start) })).sort((a, b) => a.line - b.line);
    this.editor.mark(found.map((each) => each.line));
    show(
      this.list,
      found.length
        ? h(
            "ul",
            { "aria-label": "Mistakes" },
            found.map(({ span, line }) => h("li", {}, h("button", { type: "button", class: "plain", onclick: () => this.editor.select(span, line) }, h("span", { class: "line" }, `Line ${line}`), h("span", {}, span.message)))),
          )
        : null,
    );
    const version = this.base.etag.replace(/^(?:W\/)?"?(\d+).*$/, "$1");
    const state = !this.place.mayWrite ? "you may read it and not change it" : this.#isEdited ? "edited, nothing is written yet" : "as published";
    this.told.textContent = `version ${version}, ${count(this.editor.lines, "line")}, ${state}`;
    this.review.disabled = this.discard.disabled = !this.#isEdited;
    return { value: reading.value, found, isRead: !reading.problem };
  }

  #tidy() {
    const { value, found, isRead } = this.#look();
    if (isRead) this.editor.text = pretty(value);
    else this.editor.select(found[0].span, found[0].line);
    this.#look();
  }

  #discard() {
    this.mistakes = [];
    drafts.delete(this.draft);
    this.editor.text = pretty(this.base.document);
    this.#look();
    void this.start();
  }

  async #review() {
    this.mistakes = [];
    const { value, found, isRead } = this.#look();
    if (!isRead) {
      this.editor.select(found[0].span, found[0].line);
      return;
    }
    const proposal = new DocumentProposal(this.place, this.base, value, {
      published: () => {
        drafts.delete(this.draft);
        void this.start();
      },
      rebased: (base, merged) => {
        this.base = base;
        this.editor.text = pretty(merged);
        this.#look();
      },
    });
    const answer = proposal.look();
    this.review.disabled = true;
    this.told.textContent = "looking at what this would change";
    try {
      await answer;
    } catch (error) {
      if (error instanceof ApiError && error.status === 422 && error.places.length) {
        this.mistakes = error.places;
        const [found] = this.#look().found;
        this.editor.select(found.span, found.line);
        announce(count(error.places.length, "mistake"));
        return;
      }
    }
    this.#look();
    // The dialog shows the answer, be it a refusal.
    proposal.answer = answer;
    review(proposal);
  }
}

/** @param {any} document */
function pretty(document) {
  return `${JSON.stringify(document, null, 2)}\n`;
}
