// The parts of a YAML text that have a colour each. They are the tokens of the library that reads it, so that the colours never tell otherwise.

import { Lexer } from "../vendor/yaml.js";

/** @typedef {"name" | "comment" | "mark" | "word" | "reads" | "writes" | "deletes"} Colour */
/** @typedef {{from: number, to: number, colour: Colour}} Part */

// What the lexer says that does not stand in the text (`yaml`, "CST Token"): a document begins, brackets end without one, a scalar follows.
const SAID = /^[\u0002\u0018\u001f]$/;

const VERB = /^(?:(GET|HEAD|OPTIONS)|(POST|PUT|PATCH)|(DELETE))(?= )/;

/**
 * The coloured parts of a text, in its order.
 *
 *     partsOf("a: GET /b")  ->  [{ from: 0, to: 1, colour: "name" }, { from: 1, to: 2, colour: "mark" }, { from: 3, to: 6, colour: "reads" }]
 *
 * @param {string} text @returns {Part[]}
 */
export function partsOf(text) {
  /** @type {Part[]} */
  const parts = [];
  let at = 0;
  /** What was said of the token that follows. */
  let said = "";
  /** The last scalar: a name, if a colon follows it. @type {{from: number, to: number, number: number} | null} */
  let scalar = null;
  const put = (/** @type {Colour} */ colour, /** @type {number} */ from, /** @type {number} */ to) => void parts.push({ from, to, colour });
  for (const token of new Lexer().lex(text)) {
    if (SAID.test(token)) {
      said = token;
      continue;
    }
    const from = at;
    at += token.length;
    const isScalar = said === "\u001f" || token[0] === '"' || token[0] === "'";
    said = "";
    if (isScalar) {
      scalar = { from, to: at, number: parts.length };
      const verb = VERB.exec(token);
      if (verb) put(verb[1] ? "reads" : verb[2] ? "writes" : "deletes", from, from + verb[0].length);
      else if (/^(?:true|false|null)$/.test(token)) put("word", from, at);
    } else if (token[0] === "#") {
      put("comment", from, at);
    } else if (/^(?:[-?:,[\]{}]|---|\.\.\.|[|>&*!%].*)$/.test(token)) {
      if (token === ":" && scalar) parts.splice(scalar.number, parts.length, { from: scalar.from, to: scalar.to, colour: "name" });
      put("mark", from, at);
      scalar = null;
    }
  }
  return parts;
}
