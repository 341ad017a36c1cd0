// In place of `@codemirror/language` and `@lezer/common`. The console's editor has no language of CodeMirror's: `yaml` reads the text. What the editor's other packages ask of a
// language is answered here as the packages themselves would answer without one: there is no syntax tree, and a line begins as its `indentService` says.

import { Facet } from "@codemirror/state";

/** The node of a tree in which there is nothing. */
const NOTHING = { name: "", from: 0, to: 0, type: { prop: () => undefined }, childBefore: () => null, childAfter: () => null };
const TREE = { resolveInner: () => NOTHING };

export const NodeProp = { closedBy: null };
export const syntaxTree = () => TREE;

export const indentService = Facet.define();
export const indentUnit = Facet.define({ combine: (units) => units[0] ?? "  " });
export const getIndentUnit = (state) => state.facet(indentUnit).length;
export const indentString = (_, columns) => " ".repeat(columns);
export const getIndentation = (context, at) => context.state.facet(indentService)[0]?.(context, at) ?? null;

/** What an indent service is given. */
export class IndentContext {
  constructor(state) {
    this.state = state;
  }
}

/** Brackets are matched by a key that the console does not bind. */
export const matchBrackets = () => null;
