// A text with the numbers of its lines, some of them marked. It is a plain textarea: what the browser does with text, undoing and finding, works as ever.

import { h } from "../../elements.js";

const LINE = 20;
const PADDING = 8;

/** The text, its numbers and its marks. */
export class TextEditor {
  /** @param {string} label @param {boolean} readOnly @param {() => void} onInput */
  constructor(label, readOnly, onInput) {
    this.area = h("textarea", {
      class: "editor-text",
      "aria-label": label,
      wrap: "off",
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
      readonly: readOnly,
      oninput: () => {
        this.#draw();
        onInput();
      },
      onscroll: () => this.#follow(),
    });
    this.numbers = h("div", { class: "editor-numbers" });
    this.bars = h("div", { class: "editor-bars" });
    this.element = h("div", { class: "editor" }, this.bars, h("div", { class: "editor-gutter", "aria-hidden": "true" }, this.numbers), this.area);
    /** @type {Set<number>} */
    this.marked = new Set();
    this.lines = 0;
  }

  get text() {
    return this.area.value;
  }

  set text(text) {
    this.area.value = text;
    this.#draw();
  }

  /** Marks these lines, and no others. @param {Iterable<number>} lines the first is 1 */
  mark(lines) {
    this.marked = new Set(lines);
    this.lines = 0;
    this.#draw();
    this.bars.replaceChildren(
      ...[...this.marked].map((line) => {
        const bar = h("div", { class: "editor-bar" });
        bar.style.top = `${PADDING + (line - 1) * LINE}px`;
        return bar;
      }),
    );
    this.area.setAttribute("aria-invalid", String(this.marked.size > 0));
  }

  /** Moves the cursor to a place and shows it. @param {{start: number, end: number}} span @param {number} line where it begins */
  select({ start, end }, line) {
    this.area.focus();
    this.area.setSelectionRange(start, end);
    this.area.scrollTop = Math.max(0, (line - 1) * LINE - this.area.clientHeight / 3);
    this.area.scrollLeft = 0;
    this.#follow();
  }

  #draw() {
    const lines = this.text.split("\n").length;
    if (lines === this.lines) return;
    this.lines = lines;
    this.numbers.textContent = Array.from({ length: lines }, (_, number) => `${this.marked.has(number + 1) ? "! " : ""}${number + 1}`).join("\n");
    this.#follow();
  }

  #follow() {
    const moved = `translateY(${-this.area.scrollTop}px)`;
    this.numbers.style.transform = moved;
    this.bars.style.transform = moved;
  }
}
