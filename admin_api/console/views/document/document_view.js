// The whole document as YAML, for who thinks in text. Mistakes are marked at their lines while somebody writes, and a review comes before anything is written.

import { ApiError } from "../../api_client.js";
import { count, download, h, show } from "../../elements.js";
import { lineOf, placeAt, readYaml, writeYaml } from "../../model/yaml_document.js";
import { announce, trouble, waiting } from "../../parts/notices.js";
import { review } from "../review/review.js";
import { DocumentProposal } from "./document_proposal.js";
import { documentSchema } from "./document_schema.js";
import { YamlEditor } from "./yaml_editor.js";

/** @typedef {{document: any, etag: string}} Base */
/** @typedef {{pointer: string, message: string}} Problem */

/** How long nobody has to type until the text is read, and until the admin API is asked what it says of it. */
const READ_MS = 250;
const ASK_MS = 1000;

const HINT = "Tab indents. Escape, then Tab, leaves the editor. Ctrl+Space offers what may stand here.";
const HINT_OF_READERS = "Only admins of this API may change it.";

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
    this.written = { base: this.base, text: "" };
    /** What the admin API said of the text when it was last asked. @type {Problem[]} */
    this.problems = [];
    this.timer = 0;
    this.askTimer = 0;
    /** How often it was asked: only the last answer counts. */
    this.asked = 0;
    /** @type {import("../../model/yaml_completion.js").Schema | null} */
    this.schema = null;
    this.editor = new YamlEditor({
      label: `Document of ${place.api} as YAML`,
      hint: place.mayWrite ? HINT : HINT_OF_READERS,
      isReadOnly: !place.mayWrite,
      schema: () => this.schema,
      onInput: () => this.#edited(),
    });
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
    this.#forget();
    this.editor.begin(kept?.text ?? this.#published);
    show(this.body, this.#tools(), this.editor, this.list);
    window.addEventListener("beforeunload", this.onUnload);
    this.#look();
    this.schema = await documentSchema();
  }

  stop() {
    this.#forget();
    window.removeEventListener("beforeunload", this.onUnload);
    this.#keep();
    this.editor.end();
  }

  get #isEdited() {
    return this.editor.text !== this.#published;
  }

  /** What is published, as text: written once for each document. */
  get #published() {
    if (this.written.base !== this.base) this.written = { base: this.base, text: writeYaml(this.base.document) };
    return this.written.text;
  }

  /** Drops what the admin API said, and what it has not answered yet. */
  #forget() {
    window.clearTimeout(this.timer);
    window.clearTimeout(this.askTimer);
    this.asked += 1;
    this.problems = [];
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
      h("button", { type: "button", onclick: () => download(`${api}.yaml`, "application/yaml", `${this.editor.text.trimEnd()}\n`) }, "Download"),
      mayWrite ? h("button", { type: "button", onclick: () => this.#tidy() }, "Tidy") : null,
      mayWrite ? this.discard : null,
      mayWrite ? this.review : null,
    );
  }

  #edited() {
    window.clearTimeout(this.timer);
    window.clearTimeout(this.askTimer);
    this.asked += 1;
    this.timer = window.setTimeout(() => this.#look(), READ_MS);
    this.askTimer = window.setTimeout(() => void this.#ask(), ASK_MS);
  }

  /** Asks the admin API what it says of the text as it is now. What does not lie in the text, such as that nobody answers, the review tells. */
  async #ask() {
    const { value, isRead } = this.#look();
    if (!isRead || !this.place.mayWrite) return;
    if (!this.#isEdited) {
      this.#forget();
      this.#look();
      return;
    }
    this.asked += 1;
    const { asked } = this;
    /** @type {Problem[]} */
    let problems = [];
    try {
      await this.place.client.ask("replaceDocument", { api: this.place.api }, { query: { dry_run: true }, body: value, ifMatch: this.base.etag });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 422) return;
      problems = error.places;
    }
    if (asked !== this.asked) return;
    this.problems = problems;
    this.#look();
  }

  /** Reads the text as it is now, and shows what is wrong with it. */
  #look() {
    window.clearTimeout(this.timer);
    const { text } = this.editor;
    const reading = readYaml(text);
    const mistakes = reading.mistakes.length ? reading.mistakes : this.problems.map((each) => ({ ...placeAt(reading.places, each.pointer), message: each.message }));
    const found = mistakes.map((mistake) => ({ mistake, line: lineOf(text, mistake.start) })).sort((a, b) => a.line - b.line);
    this.editor.mark(mistakes);
    show(
      this.list,
      found.length
        ? h(
            "ul",
            { "aria-label": "Mistakes" },
            found.map(({ mistake, line }) => h("li", {}, h("button", { type: "button", class: "plain", onclick: () => this.editor.select(mistake) }, h("span", { class: "line" }, `Line ${line}`), h("span", {}, mistake.message)))),
          )
        : null,
    );
    const version = this.base.etag.replace(/^(?:W\/)?"?(\d+).*$/, "$1");
    const state = !this.place.mayWrite ? "you may read it and not change it" : this.#isEdited ? "edited, nothing is written yet" : "as published";
    this.told.textContent = `version ${version}, ${count(this.editor.lines, "line")}, ${state}`;
    this.review.disabled = this.discard.disabled = !this.#isEdited;
    return { value: reading.value, found, isRead: !reading.mistakes.length };
  }

  #tidy() {
    const { value, found, isRead } = this.#look();
    if (isRead) this.editor.text = writeYaml(value);
    else this.editor.select(found[0].mistake);
    this.#look();
  }

  #discard() {
    drafts.delete(this.draft);
    this.editor.begin(this.#published);
    void this.start();
  }

  async #review() {
    this.#forget();
    const { value, found, isRead } = this.#look();
    if (!isRead) {
      this.editor.select(found[0].mistake);
      return;
    }
    const proposal = new DocumentProposal(this.place, this.base, value, {
      published: () => {
        drafts.delete(this.draft);
        void this.start();
      },
      rebased: (base, merged) => {
        this.base = base;
        this.editor.text = writeYaml(merged);
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
        this.problems = error.places;
        const [found] = this.#look().found;
        this.editor.select(found.mistake);
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
