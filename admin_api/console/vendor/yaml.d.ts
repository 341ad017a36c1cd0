// What the console uses of `yaml`. `tests/tools/vendor_console` makes `yaml.js` of this list.
export { Document, Lexer, isAlias, isMap, isScalar, isSeq, parseDocument } from "yaml";
export type { Node, Scalar, YAMLMap } from "yaml";
