// What the console uses of CodeMirror. `tests/tools/vendor_console` makes `codemirror.js` of this list.
export { acceptCompletion, autocompletion, completionKeymap } from "@codemirror/autocomplete";
export { history, historyKeymap, indentLess, indentMore, standardKeymap, toggleComment } from "@codemirror/commands";
export { indentService } from "@codemirror/language";
export { EditorSelection, EditorState, RangeSet, StateEffect, StateField } from "@codemirror/state";
export { Decoration, EditorView, GutterMarker, keymap, lineNumberMarkers, lineNumbers } from "@codemirror/view";
export type { CompletionContext } from "@codemirror/autocomplete";
export type { IndentContext } from "@codemirror/language";
export type { StateEffectType, Text } from "@codemirror/state";
