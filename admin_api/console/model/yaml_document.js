// Reads and writes a document as YAML, as the command does: what PyYAML takes for a number, a truth value or nothing is one, and names stand once. JSON is YAML too.

import { Document, isAlias, isMap, isScalar, isSeq, parseDocument } from "../vendor/yaml.js";

/** Where something stands: offsets in the text, `end` behind it. @typedef {{start: number, end: number}} Span */
/** @typedef {Span & {message: string}} Mistake */
/** @typedef {{value: any, places: Map<string, Span>, mistakes: Mistake[]}} Reading */

const MAX_DEPTH = 50;
const CORE = "tag:yaml.org,2002:";

/**
 * What a plain scalar is, by how it is written: PyYAML's resolvers. What looks like a moment is text, and is written in quotes, so that YAML 1.1 reads text too.
 *
 * @param {string} name @param {RegExp} test @param {(text: string) => unknown} resolve @param {(value: unknown) => boolean} [identify]
 */
const tag = (name, test, resolve, identify = () => false) => ({ tag: CORE + name, default: true, test, resolve, identify });

const TAGS = [
  tag("null", /^(?:~|null|Null|NULL|)$/, () => null, (value) => value === null),
  tag("bool", /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/, (text) => /^(?:yes|true|on)$/i.test(text), (value) => typeof value === "boolean"),
  tag("int", /^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][\d_]*)|[-+]?0x[\da-fA-F_]+|[-+]?[1-9][\d_]*(?::[0-5]?\d)+)$/, numberOf),
  tag("float", /^(?:[-+]?\d[\d_]*\.[\d_]*(?:[eE][-+]\d+)?|\.\d[\d_]*(?:[eE][-+]\d+)?|[-+]?\d[\d_]*(?::[0-5]?\d)+\.[\d_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/, numberOf, (value) => typeof value === "number"),
  tag("timestamp", /^(?:\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$/, String),
  tag("value", /^=$/, String),
  tag("merge", /^<<$/, String),
];

const OPTIONS = { schema: "failsafe", customTags: TAGS, resolveKnownTags: false, uniqueKeys: false, prettyErrors: false, merge: false, logLevel: /** @type {const} */ ("error") };

/** In place of what the library says, by its code or its words, where that names no remedy. @type {Record<string, string>} */
const REMEDIES = {
  "Implicit map keys need to be followed by map values": "a colon is missing behind this name",
  BAD_ALIAS: "an alias is a star and a name: a text that begins with a star stands in quotes",
  BLOCK_AS_IMPLICIT_KEY: "a colon and a space make an entry of a mapping: begin a line with it, or write the text in quotes",
  MULTIPLE_DOCS: "a second document begins here: this page holds the document of one API",
  MULTILINE_IMPLICIT_KEY: "a name ends on its line with a colon: it is missing, or the line has too many spaces before it",
  TAB_AS_INDENT: "a tab does not indent in YAML: write spaces",
};

/** A document has no number anywhere: which one it is matters to no one, that it is none of the texts does. @param {string} text */
function numberOf(text) {
  const number = Number(text.replaceAll("_", ""));
  return Number.isFinite(number) ? number : 0;
}

/** The nodes of a text, also where it has mistakes. @param {string} text */
export function nodesOf(text) {
  return parseDocument(text, OPTIONS);
}

/**
 * What a text says, the place of every value by its JSON Pointer (RFC 6901), and each mistake. With a mistake there may be no value.
 *
 * The place of an entry of a mapping is its name, of a list's the entry. Of the whole it is where the text begins.
 *
 *     readYaml("a: [7]").places.get("/a")  ->  { start: 0, end: 1 }
 *
 * @param {string} text
 * @returns {Reading}
 */
export function readYaml(text) {
  const reader = new Reader(text);
  const deep = tooDeep(text);
  if (deep) return { value: undefined, places: reader.places, mistakes: [deep] };
  const document = nodesOf(text);
  for (const { code, message, pos } of document.errors) reader.tell(REMEDIES[message] ?? REMEDIES[code] ?? message[0].toLowerCase() + message.slice(1), pos[0], pos[1]);
  if (document.contents === null && !reader.mistakes.length) reader.tell("there is no text: a document begins with `api:`", 0, 0);
  const value = document.contents ? reader.value(document.contents, "", null) : undefined;
  return { value, places: reader.places, mistakes: reader.mistakes.sort((a, b) => a.start - b.start) };
}

/** Brackets that nest without an end would be parsed without one. @param {string} text @returns {Mistake | null} */
function tooDeep(text) {
  let depth = 0;
  for (const { 0: bracket, index } of text.matchAll(/[[\]{}]/g)) {
    depth = Math.max(0, depth + (bracket === "[" || bracket === "{" ? 1 : -1));
    if (depth > MAX_DEPTH * 4) return { message: "this is nested too deeply", start: index, end: index + 1 };
  }
  return null;
}

/**
 * A document as `gatebook export` writes it: in the order that it has, lists not indented, at most 120 characters a line where there is a space.
 *
 * @param {any} value @returns {string}
 */
export function writeYaml(value) {
  return new Document(value, { ...OPTIONS, aliasDuplicateObjects: false }).toString({ indentSeq: false, lineWidth: 120, singleQuote: true, flowCollectionPadding: false });
}

/**
 * A text as it has to be written to be read as that text: `* /**` is `'* /**'`, and `GET /pets/{petId}` needs quotes within brackets.
 *
 * @param {string} text @param {boolean} inFlow whether it stands within brackets
 */
export function writeScalar(text, inFlow) {
  const document = new Document(inFlow ? [text] : text, OPTIONS);
  if (isSeq(document.contents)) document.contents.flow = true;
  const written = document.toString({ lineWidth: 0, singleQuote: true, flowCollectionPadding: false }).trimEnd();
  return inFlow ? written.slice(1, -1) : written;
}

/**
 * The place of a pointer, or of what would hold it: the pointer of a missing entry leads to its mapping.
 *
 * @param {Map<string, Span>} places @param {string} pointer @returns {Span}
 */
export function placeAt(places, pointer) {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
    const found = places.get(at);
    if (found || !at) return found ?? { start: 0, end: 0 };
  }
}

/** The number of the line of an offset, the first is 1. @param {string} text @param {number} offset */
export function lineOf(text, offset) {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line += 1;
  return line;
}

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    /** @type {Map<string, Span>} */
    this.places = new Map();
    /** @type {Mistake[]} */
    this.mistakes = [];
  }

  /** @param {string} message @param {number} start @param {number} end */
  tell(message, start, end) {
    this.mistakes.push({ message, start: Math.min(start, this.text.length), end: Math.min(Math.max(start, end), this.text.length) });
  }

  /** @param {any} node @param {string} pointer @param {Span | null} name its place, if it is an entry of a mapping @param {number} [depth] @returns {any} */
  value(node, pointer, name, depth = 0) {
    const [start, end] = node?.range ?? [name?.start ?? 0, name?.end ?? 0];
    this.places.set(pointer, name ?? { start, end: isScalar(node) ? end : start + 1 });
    if (node === null) return null;
    if (isAlias(node)) {
      this.tell(`the alias \`*${node.source}\` is not followed: write the text out`, start, end);
      return null;
    }
    if (depth > MAX_DEPTH) {
      this.tell("this is nested too deeply", start, start + 1);
      return null;
    }
    this.#checkTag(node, start, end);
    if (isMap(node)) return this.#mapping(node, pointer, depth);
    if (isSeq(node)) return node.items.map((item, number) => this.value(item, `${pointer}/${number}`, null, depth + 1));
    return node.value;
  }

  /** @param {import("../vendor/yaml.js").Node} node @param {number} start @param {number} end */
  #checkTag(node, start, end) {
    const known = isMap(node) ? ["map"] : isSeq(node) ? ["seq"] : ["str", ...TAGS.map((each) => each.tag.slice(CORE.length))];
    if (node.tag && !known.includes(node.tag.replace(CORE, ""))) this.tell(`the tag \`${node.tag}\` means nothing here: take it out`, start, end);
  }

  /** @param {import("../vendor/yaml.js").YAMLMap<any, any>} node @param {string} pointer @param {number} depth */
  #mapping(node, pointer, depth) {
    /** @type {Map<string, unknown>} */
    const entries = new Map();
    for (const { key, value } of node.items) {
      const [start, end] = key?.range ?? [0, 0];
      if (!isScalar(key)) {
        this.tell(isAlias(key) ? `the alias \`*${key.source}\` is not followed: write the text out` : "a list or mapping is no name: a name is text", start, end);
        continue;
      }
      const name = key.value;
      if (typeof name !== "string") {
        const written = this.text.slice(start, end);
        this.tell(written ? `YAML reads \`${written}\` as \`${JSON.stringify(name)}\`, and a name is text: write it in quotes` : "a name is missing here", start, end);
        continue;
      }
      const place = `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      if (entries.has(name)) {
        const first = lineOf(this.text, this.places.get(place)?.start ?? start);
        this.tell(`\`${name}\` stands in line ${first} already: YAML would silently keep the last, so join them`, start, end);
        continue;
      }
      entries.set(name, this.value(value, place, { start, end }, depth + 1));
    }
    return Object.fromEntries(entries);
  }
}
