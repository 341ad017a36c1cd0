// The editor of a YAML text: CodeMirror within a shadow root, where its styles are adopted style sheets, which the page's Content-Security-Policy permits.

import { h } from "../../elements.js";
import { contextAt, offersAt } from "../../model/yaml_completion.js";
import { partsOf } from "../../model/yaml_colours.js";
import {
  Decoration,
  EditorSelection,
  EditorState,
  EditorView,
  GutterMarker,
  RangeSet,
  StateEffect,
  StateField,
  acceptCompletion,
  autocompletion,
  completionKeymap,
  history,
  historyKeymap,
  indentLess,
  indentMore,
  indentService,
  keymap,
  lineNumberMarkers,
  lineNumbers,
  standardKeymap,
  toggleComment,
} from "../../vendor/codemirror.js";

/** @typedef {import("../../model/yaml_document.js").Mistake} Mistake */

const INDENT = 2;

/** A longer text has no colours, and is completed only when somebody asks for it: each key would wait for the whole of it. */
const MOST = 60_000;

/** @type {import("../../vendor/codemirror.js").StateEffectType<Mistake[]>} */
const setMistakes = StateEffect.define();

class MistakenLine extends GutterMarker {
  elementClass = "mistaken";
}
const MISTAKEN = new MistakenLine();

/** What is wrong, as it moves with the text: the lines for the margin, and the words underlined. */
const mistaken = StateField.define({
  create: () => ({ words: Decoration.none, lines: /** @type {RangeSet<GutterMarker>} */ (RangeSet.empty) }),
  update: (value, transaction) => {
    const told = transaction.effects.find((each) => each.is(setMistakes));
    if (told) return marksOf(told.value, transaction.state.doc);
    return transaction.docChanged ? { words: value.words.map(transaction.changes), lines: value.lines.map(transaction.changes) } : value;
  },
  provide: (field) => [EditorView.decorations.from(field, (value) => value.words), lineNumberMarkers.from(field, (value) => value.lines)],
});

/** @param {Mistake[]} mistakes @param {import("../../vendor/codemirror.js").Text} text */
function marksOf(mistakes, text) {
  const words = mistakes.flatMap(({ start, end, message }) => {
    const line = text.lineAt(Math.min(start, text.length));
    // Where nothing stands, such as behind the last word, all of the line is marked.
    const from = start < line.to ? start : line.from + line.text.search(/\S|$/);
    const to = Math.max(from, start < line.to ? Math.min(Math.max(end, start + 1), text.length) : line.to);
    const word = from < to ? [Decoration.mark({ class: "mistake", attributes: { title: message } }).range(from, to)] : [];
    return [Decoration.line({ class: "mistaken" }).range(line.from), ...word];
  });
  const lines = [...new Set(mistakes.map(({ start }) => text.lineAt(Math.min(start, text.length)).from))].sort((a, b) => a - b);
  return { words: Decoration.set(words, true), lines: RangeSet.of(lines.map((from) => MISTAKEN.range(from))) };
}

/** The parts of the text in their colours. */
const coloured = StateField.define({
  create: (state) => coloursOf(state.doc),
  update: (value, transaction) => (transaction.docChanged ? coloursOf(transaction.state.doc) : value),
  provide: (field) => EditorView.decorations.from(field),
});

/** @param {import("../../vendor/codemirror.js").Text} text */
function coloursOf(text) {
  if (text.length > MOST) return Decoration.none;
  return Decoration.set(partsOf(text.toString()).map(({ from, to, colour }) => Decoration.mark({ class: colour }).range(from, to)));
}

/** A line below a name begins deeper, unless its list stands there already. @param {import("../../vendor/codemirror.js").IndentContext} context @param {number} at */
function indentAt({ state }, at) {
  const line = state.doc.lineAt(at);
  const indent = line.text.search(/\S|$/);
  if (!/:\s*(?:#.*)?$/.test(line.text)) return indent;
  const below = line.number < state.doc.lines ? state.doc.line(line.number + 1).text : "";
  return below.startsWith(`${" ".repeat(indent)}- `) ? indent : indent + INDENT;
}

const THEME = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", background: "var(--back)" },
  "&.cm-focused": { outline: "none", boxShadow: "inset 0 2px 0 var(--focus)" },
  ".cm-scroller": { font: "13px/20px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace", overflow: "auto" },
  ".cm-content": { padding: "8px 0", caretColor: "var(--text)" },
  ".cm-line": { padding: "0 .75rem" },
  ".cm-gutters": { background: "var(--raised)", color: "var(--quiet)", borderRight: "1px solid var(--line)" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "3rem", padding: "0 .6rem" },
  ".cm-gutterElement.mistaken": { color: "var(--denied)", fontWeight: "700" },
  ".cm-gutterElement.mistaken::before": { content: '"! "' },
  ".cm-line.mistaken": { background: "color-mix(in srgb, var(--denied) 12%, transparent)", boxShadow: "inset 4px 0 0 var(--denied)" },
  ".mistake": { textDecoration: "underline wavy var(--denied)", textUnderlineOffset: "3px", textDecorationSkipInk: "none" },
  ".name": { color: "var(--brand)" },
  ".comment, .mark": { color: "var(--quiet)" },
  ".word": { color: "var(--conditional)" },
  ".reads": { color: "var(--verb-get)" },
  ".writes": { color: "var(--verb-write)" },
  ".deletes": { color: "var(--verb-delete)" },
  ".cm-tooltip": { background: "var(--back)", color: "var(--text)", border: "1px solid var(--line)", borderRadius: "6px", boxShadow: "var(--shadow)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { font: "13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace", maxHeight: "16em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: ".15rem .6rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { background: "var(--brand)", color: "var(--on-brand)" },
  ".cm-completionDetail": { color: "var(--quiet)", fontStyle: "normal", marginLeft: "1rem" },
  "li[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-tooltip.cm-completionInfo": { padding: ".5rem .75rem", maxWidth: "24rem", font: "13px/1.5 system-ui, sans-serif" },
});

/** The text with the numbers of its lines, its mistakes and what may be written. */
export class YamlEditor extends HTMLElement {
  /** @param {{label: string, hint: string, isReadOnly: boolean, schema: () => import("../../model/yaml_completion.js").Schema | null, onInput: () => void}} options */
  constructor({ label, hint, isReadOnly, schema, onInput }) {
    super();
    const described = h("p", { id: "hint", class: "hint" }, hint);
    const place = h("div", { class: "place" });
    const root = this.attachShadow({ mode: "open" });
    root.append(place, described);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(HOST);
    root.adoptedStyleSheets = [sheet];
    this.view = new EditorView({ root, parent: place });
    this.extensions = [
      lineNumbers(),
      history(),
      mistaken,
      coloured,
      THEME,
      EditorState.tabSize.of(INDENT),
      EditorState.languageData.of(() => [{ commentTokens: { line: "#" } }]),
      indentService.of(indentAt),
      EditorState.readOnly.of(isReadOnly),
      EditorView.contentAttributes.of((view) => ({
        "aria-label": label,
        "aria-describedby": "hint",
        "aria-invalid": String(view.state.field(mistaken).lines.size > 0),
        autocapitalize: "off",
        // That what scrolls can be reached by the keyboard is not told by `contenteditable` alone.
        tabindex: "0",
      })),
      EditorView.domEventHandlers({ blur: (_, view) => view.setTabFocusMode(false), beforeinput: writeOver }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        update.view.setTabFocusMode(false);
        onInput();
      }),
      keymap.of([...completionKeymap, ...(isReadOnly ? [] : TAB), ...historyKeymap, ...standardKeymap, { key: "Mod-/", run: toggleComment }]),
      isReadOnly ? [] : autocompletion({ icons: false, override: [(context) => completionsAt(context, schema())] }),
    ];
  }

  get text() {
    return this.view.state.doc.toString();
  }

  /** Puts another text in its place, which can be undone. @param {string} text */
  set text(text) {
    const { doc } = this.view.state;
    this.view.dispatch({ changes: { from: 0, to: doc.length, insert: text }, selection: EditorSelection.cursor(0) });
  }

  /** Begins with a text: nothing before it can be brought back. @param {string} text */
  begin(text) {
    this.view.setState(EditorState.create({ doc: text, extensions: this.extensions }));
  }

  /** Listens to the window no longer. */
  end() {
    this.view.destroy();
  }

  get lines() {
    return this.view.state.doc.lines;
  }

  /** Marks these mistakes, and no others. @param {Mistake[]} mistakes */
  mark(mistakes) {
    this.view.dispatch({ effects: setMistakes.of(mistakes) });
  }

  /** Moves the cursor to a place and shows it. @param {import("../../model/yaml_document.js").Span} span */
  select({ start, end }) {
    this.view.dispatch({ selection: { anchor: start, head: end }, effects: EditorView.scrollIntoView(start, { y: "center" }) });
    this.view.focus();
  }
}

customElements.define("yaml-editor", YamlEditor);

const HOST = `
  :host { display: flex; flex-direction: column; min-height: 8rem; }
  .place { flex: 1; min-height: 0; }
  .hint { margin: 0; padding: .25rem 1rem; font-size: .85em; color: var(--quiet); border-top: 1px solid var(--line); }
`;

/**
 * What is written over a selection. Left to itself, Chromium gives it the colours of what was there, as an inline style that the page's Content-Security-Policy refuses.
 *
 * @param {InputEvent} event @param {EditorView} view
 */
function writeOver(event, view) {
  if (event.inputType !== "insertText" || !event.data || view.composing || view.state.readOnly || view.state.selection.main.empty) return false;
  view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  return true;
}

/** Tab indents, unless Escape was pressed before: then it leaves (WCAG 2.1.2). Whoever writes on is not leaving. */
const TAB = [
  { key: "Tab", run: acceptCompletion },
  { key: "Tab", run: indentMore, shift: indentLess },
  {
    key: "Escape",
    run: (/** @type {EditorView} */ view) => {
      view.setTabFocusMode(true);
      return true;
    },
  },
];

/** @param {import("../../vendor/codemirror.js").CompletionContext} context @param {import("../../model/yaml_completion.js").Schema | null} schema */
function completionsAt(context, schema) {
  if (!context.explicit && context.state.doc.length > MOST) return null;
  const place = schema && contextAt(context.state.doc.toString(), context.pos);
  if (!place || (!place.word && !context.explicit)) return null;
  const { from, offers } = offersAt(place, schema);
  return { from, options: offers.map((offer, number) => ({ ...offer, sortText: String(number).padStart(6, "0") })), validFor: /^[^[\]{}#,'"]*$/ };
}
