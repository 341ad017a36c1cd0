// What may be written at a place of a document: names by its JSON Schema, and values that the document speaks of.

import { isMap, isScalar, isSeq } from "../vendor/yaml.js";
import { nodesOf, writeScalar } from "./yaml_document.js";

/**
 * A place of a text. `path` leads to the value that would be written there, or to the mapping that a name would be in; `word` is what stands there already, from `from` on, and
 * `quote` opens it, and `closing` is what must close it. `taken` are the names that the mapping has.
 *
 * @typedef {{path: (string | number)[], isName: boolean, taken: string[], document: any, from: number, word: string, quote: string, closing: string, hasColon: boolean, inFlow: boolean, indent: string}} Context
 */
/** What is offered: `apply` is what to write. @typedef {{label: string, apply: string, detail?: string, info?: string}} Offer */
/** @typedef {Record<string, any>} Schema */

// A character of no script: nothing else in a document has it.
const MARK = "\ue000";

/** What may stand behind a place: elsewhere it is within a word. */
const BEHIND = /^(?:["']?:?[ \t]*(?:$|[\r\n#,\]}])|["']?:[ \t])/;

const VERBS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "ANY", "WS"];

/**
 * Where an offset of a text stands; null where nothing can be offered, such as in a comment.
 *
 *     contextAt("groups:\n  guest:\n    al", 26)  ->  { path: ["groups", "guest"], isName: false, word: "al", ... }
 *
 * @param {string} text @param {number} at @returns {Context | null}
 */
export function contextAt(text, at) {
  const line = at ? text.lastIndexOf("\n", at - 1) + 1 : 0;
  const scalar = openScalar(text.slice(line, at));
  if (!scalar) return null;
  const from = line + scalar.start;
  const rest = text.slice(at);
  if (!BEHIND.test(rest)) return null;
  const closing = scalar.quote && !rest.split("\n", 1)[0].includes(scalar.quote) ? scalar.quote : "";
  // An empty place is a value or a name: a colon behind it tells that it is a name where it can be nothing else.
  for (const mark of [MARK, `${MARK}${closing}:`]) {
    const written = `${text.slice(0, from)}${mark}${mark === MARK ? closing : ""}${rest}`;
    const nodes = nodesOf(written);
    // A scalar that goes on in the next line took that for its own.
    const end = written.indexOf("\n", from);
    const found = find(nodes.contents, [], end < 0 ? written.length : end);
    if (found) {
      const before = text.slice(line, from);
      return { ...found, document: valueOf(nodes.contents), from, word: text.slice(from, at), quote: scalar.quote, closing, hasColon: /^["']?:/.test(rest), indent: " ".repeat(before.length - scalar.quote.length) };
    }
  }
  return null;
}

/**
 * The scalar that a line ends in: where it begins, behind the quote if one opens it. Null in a comment, and behind a quoted text.
 *
 * @param {string} before @returns {{start: number, quote: string} | null}
 */
function openScalar(before) {
  let at = 0;
  let depth = 0;
  for (;;) {
    const opened = /^(?:[ \t]+|-(?=[ \t]|$)|[[{,\]}]|:(?=[ \t]|$))*/.exec(before.slice(at))?.[0] ?? "";
    depth += opened.replace(/[^[{]/g, "").length;
    at += opened.length;
    if (before[at] === "#") return null;
    const quote = before[at] === "'" || before[at] === '"' ? before[at] : "";
    const pattern = quote === "'" ? /^'(?:[^']|'')*'(?!')/ : quote ? /^"(?:[^"\\]|\\.)*"/ : depth ? /^[^,[\]{}#]*?(?=:[ \t]|[,\]}]| #)/ : /^.*?(?=:[ \t]| #)/;
    const ended = pattern.exec(before.slice(at));
    if (!ended) return { start: at + quote.length, quote };
    at += ended[0].length;
    if (at === before.length) return null;
    if (quote && before[at] === ":") at += 1;
    else if (!/[ \t,:\]}]/.test(before[at])) return null;
  }
}

/** @param {any} node @param {(string | number)[]} path @param {number} end where the line ends @param {boolean} [inFlow] @returns {Pick<Context, "path" | "isName" | "taken" | "inFlow"> | null} */
function find(node, path, end, inFlow = false) {
  if (isScalar(node)) return isMarked(node, end) ? { path, isName: false, taken: [], inFlow } : null;
  const within = inFlow || node?.flow === true;
  if (isSeq(node)) return first(node.items, (item, number) => find(item, [...path, number], end, within));
  if (!isMap(node)) return null;
  return first(node.items, ({ key, value }) => {
    if (!isScalar(key)) return null;
    if (!isMarked(key, end)) return find(value, [...path, String(key.value)], end, within);
    const taken = node.items.map((each) => each.key).filter((each) => isScalar(each) && each !== key);
    return { path, isName: true, taken: taken.map((each) => String(/** @type {any} */ (each).value)), inFlow: within };
  });
}

/** @param {import("../vendor/yaml.js").Scalar} scalar @param {number} end */
function isMarked({ value, range }, end) {
  return String(value).startsWith(MARK) && (range?.[1] ?? 0) <= end;
}

/** @template Item, Found @param {Item[]} items @param {(item: Item, number: number) => Found | null} look @returns {Found | null} */
function first(items, look) {
  for (const [number, item] of items.entries()) {
    const found = look(item, number);
    if (found) return found;
  }
  return null;
}

/** What nodes say, as far as they can be read. @param {any} node @returns {any} */
function valueOf(node) {
  if (isMap(node)) return Object.fromEntries(node.items.filter(({ key }) => isScalar(key)).map(({ key, value }) => [String(/** @type {any} */ (key).value), valueOf(value)]));
  if (isSeq(node)) return node.items.map(valueOf);
  return isScalar(node) ? node.value : null;
}

/**
 * What may be written at a place, best first.
 *
 * @param {Context} context @param {Schema} schema of the document @returns {{from: number, offers: Offer[]}}
 */
export function offersAt(context, schema) {
  const { path, isName, document, quote } = context;
  const at = path.reduce((/** @type {Schema[]} */ found, key) => found.flatMap((each) => below(schema, each, key)), forms(schema, schema));
  const known = new Known(document);
  // A quoted text is a value, where it is not a name already.
  const names = quote && !isName ? [] : [...at.flatMap((each) => namesOf(schema, each, context)), ...known.names(path).map((label) => nameOffer({ label, detail: "used here" }, context, below(schema, at[0] ?? {}, label)[0]))];
  if (isName) return { from: context.from, offers: names };
  if (path[0] === "rules" && path.length > 2 && at.some((each) => each.type === "string")) return known.demand(context);
  const values = at.flatMap((each) => valuesOf(each)).concat(known.values(path, at));
  return { from: context.from, offers: [...values.map((value) => valueOffer(value, context)), ...names] };
}

/** The forms that a value may have: what a schema refers to, and its alternatives, one by one. @param {Schema} root @param {Schema} schema @returns {Schema[]} */
function forms(root, schema) {
  if (schema.$ref) {
    const name = schema.$ref.split("/").at(-1);
    return forms(root, root.$defs[name]).map((each) => ({ name, ...each, ...(schema.title ? { title: schema.title } : {}) }));
  }
  const either = schema.anyOf ?? (schema.if ? [schema.then, schema.else] : null);
  return either ? either.flatMap((/** @type {Schema} */ each) => forms(root, each)) : [schema];
}

/** @param {Schema} root @param {Schema} schema @param {string | number} key @returns {Schema[]} */
function below(root, schema, key) {
  const found = typeof key === "number" ? schema.items : (schema.properties?.[key] ?? schema.additionalProperties);
  return found ? forms(root, found) : [];
}

/** @param {Schema} root @param {Schema} schema @param {Context} context @returns {Offer[]} */
function namesOf(root, schema, context) {
  const most = schema.maxProperties ?? Infinity;
  if (context.taken.length >= most) return [];
  return Object.entries(schema.properties ?? {})
    .filter(([name]) => !context.taken.includes(name))
    .map(([name, each]) => {
      const [form] = forms(root, each);
      return nameOffer({ label: name, detail: each.title ?? form.title, info: each.description ?? form.description }, context, form);
    });
}

/** A name with what must follow it: a colon, and for a list or mapping its first line. @param {Omit<Offer, "apply">} offer @param {Context} context @param {Schema} [form] @returns {Offer} */
function nameOffer(offer, context, form) {
  const kinds = [form?.type].flat();
  const { quote, closing, hasColon, inFlow, indent } = context;
  const name = quote ? within(offer.label, quote) + closing : writeScalar(offer.label, inFlow);
  if (hasColon || (quote && !closing)) return { ...offer, apply: name };
  if (quote || inFlow) return { ...offer, apply: `${name}: ` };
  if (kinds.includes("array")) return { ...offer, apply: `${name}:\n${indent}- ` };
  return { ...offer, apply: kinds.includes("object") ? `${name}:\n${indent}  ` : `${name}: ` };
}

/** @param {Schema} schema @returns {Omit<Offer, "apply">[]} */
function valuesOf(schema) {
  if (schema.enum) return schema.enum.map((/** @type {string} */ label) => ({ label }));
  return schema.type === "boolean" ? [{ label: "true" }, { label: "false" }] : [];
}

/** @param {Omit<Offer, "apply">} offer @param {Context} context @returns {Offer} */
function valueOffer(offer, { quote, closing, inFlow }) {
  const isWord = offer.label === "true" || offer.label === "false";
  return { ...offer, apply: quote ? within(offer.label, quote) + closing : isWord ? offer.label : writeScalar(offer.label, inFlow) };
}

/** A text as it stands between quotes. @param {string} text @param {string} quote */
function within(text, quote) {
  return quote === "'" ? text.replaceAll("'", "''") : JSON.stringify(text).slice(1, -1);
}

/** What a document speaks of. */
class Known {
  /** @param {any} document */
  constructor(document) {
    this.document = document ?? {};
    this.groups = Object.keys(this.#at("groups"));
    this.routes = [this.document.routes ?? []].flat().map((/** @type {any} */ each) => each?.route ?? each).filter((/** @type {any} */ each) => typeof each === "string" && !each.includes(MARK));
  }

  /** @param {string} kind @returns {Record<string, any>} */
  #at(kind) {
    const found = this.document[kind];
    return found && typeof found === "object" ? found : {};
  }

  /** Who may be named in a rule, and what they are. @returns {Omit<Offer, "apply">[]} */
  get subjects() {
    const of = (/** @type {string} */ kind) => Object.keys(this.#at(`${kind}s`)).map((label) => ({ label: `${kind}/${label}`, detail: kind }));
    return [...this.groups.map((label) => ({ label, detail: "group" })), { label: "everyone", detail: "any verified token" }, ...of("client"), ...of("scope")];
  }

  /** Routes of the catalogue, and what means several of them. @returns {Omit<Offer, "apply">[]} */
  get selectors() {
    const folders = new Set(this.routes.map((/** @type {string} */ route) => /^\S+ \/([^/{}]+)\//.exec(route)?.[1]).filter(Boolean));
    const wide = [...[...folders].sort().map((folder) => `* /${folder}/**`), "* /**", "GET /**"];
    return [...this.routes.map((/** @type {string} */ label) => ({ label, detail: "route" })), ...wide.map((label) => ({ label, detail: "routes below it" }))];
  }

  /** Names that the document uses and does not define, and path parameters of the route beside. @param {(string | number)[]} path @returns {string[]} */
  names(path) {
    if (path.at(-1) === "where") return this.#parameters(path).filter((name) => !Object.keys(this.#value(path) ?? {}).includes(name));
    if (path.length !== 1 || path[0] !== "groups") return [];
    const inherited = Object.values(this.#at("groups")).flatMap((group) => [group?.inherits ?? []].flat());
    return [...new Set(inherited)].filter((name) => typeof name === "string" && !name.includes(MARK) && !this.groups.includes(name));
  }

  /** @param {(string | number)[]} path @param {Schema[]} at @returns {Omit<Offer, "apply">[]} */
  values(path, at) {
    const names = new Set(at.map((each) => each.name));
    if (names.has("selector")) return this.selectors;
    if (names.has("route")) return VERBS.map((verb) => ({ label: `${verb} ${verb === "WS" ? "$" : "/"}`, detail: "verb" }));
    if (path.at(-2) === "inherits") {
      const [, self] = path;
      const has = new Set(this.#value(path.slice(0, -1)));
      return this.groups.filter((label) => label !== self && !has.has(label)).map((label) => ({ label, detail: "group" }));
    }
    if (path.at(-2) === "where") return this.#claims().map((label) => ({ label, detail: "claim" }));
    return [];
  }

  /** A rule in one line: subjects, an arrow, routes. @param {Context} context @returns {{from: number, offers: Offer[]}} */
  demand(context) {
    const { path, word, from } = context;
    const kind = String(path[2]);
    const isArrow = word.includes("->");
    const isRoute = path.at(-1) === "routes" || (path.at(-1) === kind ? isArrow || kind === "implies" : false);
    const start = Math.max(0, ...[...word.matchAll(/->\s*|,\s*|\[/g)].map((each) => each.index + each[0].length));
    const offers = isRoute ? this.selectors : this.subjects;
    // Behind a beginning there is no quote to open: the rule as a whole has one, or needs none.
    return { from: from + start, offers: start ? offers.map((each) => ({ ...each, apply: context.quote ? within(each.label, context.quote) : each.label })) : offers.map((each) => valueOffer(each, context)) };
  }

  /** @param {(string | number)[]} path @returns {any} */
  #value(path) {
    return path.reduce((found, key) => found?.[key], this.document);
  }

  /** @param {(string | number)[]} path of a `where` @returns {string[]} */
  #parameters(path) {
    const route = String(this.#value([...path.slice(0, -1), "route"]) ?? "");
    const own = [...route.matchAll(/\{([A-Za-z0-9._:-]+)\}/g)].map((each) => each[1]);
    return [...new Set(own.length ? own : this.routes.flatMap((/** @type {string} */ each) => [...each.matchAll(/\{([A-Za-z0-9._:-]+)\}/g)].map((found) => found[1])))];
  }

  /** @returns {string[]} */
  #claims() {
    const subjects = [this.document.everyone, ...["groups", "clients", "scopes"].flatMap((kind) => Object.values(this.#at(kind)))];
    const used = subjects.flatMap((each) => [each?.allow ?? []].flat()).flatMap((each) => Object.values(each?.where ?? {}));
    return [...new Set(["sub", ...used])].filter((each) => typeof each === "string" && !each.includes(MARK));
  }
}
