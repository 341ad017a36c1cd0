// Reads JSON (RFC 8259) and remembers where each value stands, so that a JSON Pointer (RFC 6901) leads to a line of the text.

/** Where something stands: offsets in the text, `end` behind it. @typedef {{start: number, end: number}} Span */
/** @typedef {{value: any, places: Map<string, Span>, problem: (Span & {message: string}) | null}} Reading */

const SPACE = /[ \t\r\n]*/y;
const TEXT = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const BARE = /[^\s,:[\]{}"]+/y;
const MAX_DEPTH = 100;

class JsonProblem extends Error {
  /** @param {string} message @param {number} start @param {number} [end] */
  constructor(message, start, end = start) {
    super(message);
    this.span = { start, end };
  }
}

/**
 * What a text says, and the place of every value by its pointer; or else the first mistake.
 *
 * The place of an object's member is its name, of a list's item the item. Of an object or a list it is the bracket that opens it.
 *
 *     readJson('{"a": [7]}').places.get("/a/0")  ->  { start: 7, end: 8 }
 *
 * @param {string} text
 * @returns {Reading}
 */
export function readJson(text) {
  const reader = new Reader(text);
  try {
    reader.whole();
    return { value: JSON.parse(text), places: reader.places, problem: null };
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    return { value: undefined, places: reader.places, problem: { message: error.message, ...error.span } };
  }
}

/**
 * The place of a pointer, or of what would hold it: the pointer of a missing member leads to its object.
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
    this.at = 0;
    /** @type {Map<string, Span>} */
    this.places = new Map();
  }

  whole() {
    this.#take(SPACE);
    if (this.at === this.text.length) throw new JsonProblem("there is no text: a document begins with `{`", this.at);
    this.#value("", 0);
    this.#take(SPACE);
    if (this.at < this.text.length) throw new JsonProblem("the document ends before this: take it out", this.at, this.text.length);
  }

  /** @param {RegExp} pattern a sticky one @returns {string | null} */
  #take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at += found[0].length;
    return found ? found[0] : null;
  }

  /** @param {string} pointer @param {number} depth @param {Span | null} [name] the name of a member is its place */
  #value(pointer, depth, name = null) {
    if (depth > MAX_DEPTH) throw new JsonProblem(`this lies more than ${MAX_DEPTH} deep`, this.at);
    const start = this.at;
    const next = this.text[start];
    if (next === "{" || next === "[") {
      this.places.set(pointer, name ?? { start, end: start + 1 });
      this.at += 1;
      if (next === "{") this.#members(pointer, depth);
      else this.#items(pointer, depth);
      return;
    }
    if (this.#take(TEXT) === null && this.#take(NUMBER) === null && this.#take(WORD) === null) this.#refuse("a value");
    this.places.set(pointer, { start: name?.start ?? start, end: this.at });
  }

  /** @param {string} pointer @param {number} depth */
  #members(pointer, depth) {
    const names = new Set();
    this.#list("}", () => {
      const start = this.at;
      const written = this.#take(TEXT);
      if (written === null) this.#refuse("a name in double quotes");
      const span = { start, end: this.at };
      const name = JSON.parse(/** @type {string} */ (written));
      if (names.has(name)) throw new JsonProblem(`\`${name}\` stands here twice: make one of them`, start, this.at);
      names.add(name);
      this.#take(SPACE);
      if (this.text[this.at] !== ":") this.#refuse(`a colon after \`${name}\``);
      this.at += 1;
      this.#take(SPACE);
      this.#value(`${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, depth + 1, span);
    });
  }

  /** @param {string} pointer @param {number} depth */
  #items(pointer, depth) {
    let number = 0;
    this.#list("]", () => this.#value(`${pointer}/${number++}`, depth + 1));
  }

  /** What stands between commas up to a bracket. @param {"}" | "]"} bracket @param {() => void} one */
  #list(bracket, one) {
    this.#take(SPACE);
    if (this.text[this.at] === bracket) {
      this.at += 1;
      return;
    }
    for (;;) {
      one();
      this.#take(SPACE);
      const next = this.text[this.at];
      if (next !== "," && next !== bracket) this.#refuse(`a comma or \`${bracket}\``);
      const comma = this.at;
      this.at += 1;
      if (next === bracket) return;
      this.#take(SPACE);
      if (this.text[this.at] === bracket) throw new JsonProblem(`nothing follows this comma: take it out`, comma, comma + 1);
    }
  }

  /** @param {string} expected @returns {never} */
  #refuse(expected) {
    const start = this.at;
    if (start >= this.text.length) throw new JsonProblem(`the text ends where ${expected} should be`, start);
    if (this.text[start] === '"') {
      const line = this.text.indexOf("\n", start);
      throw new JsonProblem(expected.startsWith("a value") || expected.startsWith("a name") ? "this text has no end on its line, or a backslash that means nothing" : `${expected} is missing before this`, start, line < 0 ? this.text.length : line);
    }
    const bare = this.#take(BARE);
    throw new JsonProblem(`${expected} should be here${bare ? `: \`${bare.slice(0, 40)}\` is none${expected.startsWith("a value") ? ", and texts stand in double quotes" : ""}` : ""}`, start, bare ? this.at : start + 1);
  }
}
