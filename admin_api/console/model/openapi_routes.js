// The routes of an OpenAPI or Swagger definition in JSON, and what differs between them and a document's catalogue. `gatebook drift` does more: it reads YAML,
// templates and what is deployed, and compares who guards each route.

import { pathOf, verbOf } from "./permission_grid.js";

/** @typedef {{route: string, pointer: string}} FileRoute */
/** @typedef {{title: string, routes: FileRoute[], unread: string[]}} Definition */

const VERBS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];
const ANY_METHOD = "x-amazon-apigateway-any-method";
const NO_METHODS = ["$ref", "summary", "description", "servers", "parameters"];
const SEGMENT = /^(?:[A-Za-z0-9._~:,@$=+!'();&-]+|\{[A-Za-z0-9._:-]+\+?\})$/;
const DEFAULT_PATHS = ["/$default", "$default"];
const MAX_HOPS = 10;

/**
 * The routes of a definition. The base path belongs to no route, as in API Gateway's own import. Throws an `Error` with the remedy if this is no definition in JSON.
 *
 * @param {string} text @param {string} name of the file @returns {Definition}
 */
export function readDefinition(text, name) {
  if (/\.ya?ml$/i.test(name)) throw new Error(yamlWords(name));
  let value;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new Error(noJsonWords(text, name, /** @type {Error} */ (error).message));
  }
  if (!isObject(value) || !("openapi" in value || "swagger" in value)) throw new Error(`${name} is ${otherKind(value)}: choose an OpenAPI or Swagger definition in JSON`);
  if (!isObject(value.paths)) throw new Error(`${name} has no \`paths\`, so that there is no route to compare`);
  /** @type {Definition} */
  const definition = { title: String(value.info?.title ?? name), routes: [], unread: [] };
  const seen = new Set();
  for (const [path, item] of Object.entries(value.paths)) {
    if (!path.toLowerCase().startsWith("x-") && item !== null) addPath(definition, seen, value, path, item);
  }
  return definition;
}

/** @param {string} name */
function yamlWords(name) {
  return `${name} is YAML, which this page does not read. The command does: gatebook drift permissions.yaml --openapi ${name}`;
}

/** What stands in the way of reading a file as JSON. @param {string} text @param {string} name @param {string} mistake as the browser tells it */
function noJsonWords(text, name, mistake) {
  if (!text.trim()) return `${name} is empty: choose an OpenAPI or Swagger definition in JSON`;
  if (/^\s*[{[]/.test(text)) return `${name} is JSON with a mistake: ${mistake}`;
  if (/^\s*(?:#|---|\w+\s*:(?:\s|$))/.test(text)) return yamlWords(name);
  return `${name} is no JSON: choose an OpenAPI or Swagger definition in JSON`;
}

/** What a JSON file is that is no definition. @param {any} value */
function otherKind(value) {
  if (!isObject(value)) return "no OpenAPI definition, but a list or a single value";
  if (typeof value.api === "string" && Array.isArray(value.routes)) return `the permission document of ${value.api}`;
  if (isObject(value.Resources)) return "a CloudFormation template, which the command gatebook drift reads";
  if (isObject(value.info) && Array.isArray(value.item)) return "a Postman collection";
  return "no OpenAPI definition, since it has neither `openapi` nor `swagger`";
}

/** @param {Definition} definition @param {Set<string>} seen @param {any} root @param {string} path @param {any} item */
function addPath(definition, seen, root, path, item) {
  for (let hop = 0; ; hop += 1) {
    if (!isObject(item) || hop > MAX_HOPS) {
      definition.unread.push(`${path}: no operations stand here`);
      return;
    }
    for (const [name, operation] of Object.entries(item)) {
      const method = name.toLowerCase();
      if (NO_METHODS.includes(name) || (method.startsWith("x-") && method !== ANY_METHOD) || !isObject(operation)) continue;
      addRoute(definition, seen, method === ANY_METHOD ? "ANY" : name.toUpperCase(), path, `/paths/${path.replaceAll("~", "~0").replaceAll("/", "~1")}/${name}`);
    }
    if (!("$ref" in item)) return;
    item = resolved(root, String(item.$ref));
  }
}

/** @param {Definition} definition @param {Set<string>} seen what is known already @param {string} verb @param {string} path @param {string} pointer */
function addRoute(definition, seen, verb, path, pointer) {
  const paths = DEFAULT_PATHS.includes(path) && verb === "ANY" ? ["/", "/{proxy+}"] : [`/${path.replace(/^\/+|\/+$/g, "")}`];
  if (!VERBS.includes(verb) && verb !== "ANY") {
    definition.unread.push(`${verb} ${path}: API Gateway has no method ${verb}`);
    return;
  }
  for (const each of paths) {
    const segments = each === "/" ? [] : each.slice(1).split("/");
    const isWritable = segments.every((segment, number) => SEGMENT.test(segment) && (!segment.endsWith("+}") || number === segments.length - 1));
    if (!isWritable) definition.unread.push(`${verb} ${path}: a parameter is a whole segment of a path, as in /pets/{petId}`);
    else if (!seen.has(keyOf(`${verb} ${each}`))) {
      seen.add(keyOf(`${verb} ${each}`));
      definition.routes.push({ route: `${verb} ${each}`, pointer });
    }
  }
}

/** What a reference within the definition leads to. @param {any} root @param {string} reference */
function resolved(root, reference) {
  if (!reference.startsWith("#/")) return null;
  const names = reference.slice(2).split("/").map((name) => name.replaceAll("%7B", "{").replaceAll("%7D", "}").replaceAll("~1", "/").replaceAll("~0", "~"));
  return names.reduce((value, name) => (isObject(value) && Object.hasOwn(value, name) ? value[name] : null), root);
}

/** A route without the names of its parameters, by which API Gateway tells none apart: `GET /pets/{petId}` -> `GET /pets/{}`. @param {string} route */
export function keyOf(route) {
  return `${verbOf(route)} ${shapeOf(pathOf(route))}`;
}

/** `/pets/{petId}` -> `/pets/{}`. @param {string} path */
export function shapeOf(path) {
  return path.replace(/\{[^{}]*?(\+?)\}/g, "{$1}");
}

/**
 * What differs: routes that only the file has, routes that only the catalogue has, and those that call their parameters otherwise. Routes of WebSocket APIs are left out.
 *
 * A route that the file has with fewer verbs counts with those: `ANY /pets` in the file and `GET /pets` in the catalogue makes `HEAD /pets` and so on, told as `ANY /pets`
 * with the verbs. Under a greedy route of the file, the catalogue may name routes by themselves.
 *
 * @param {string[]} catalogue routes as the document has them
 * @param {FileRoute[]} file
 * @returns {{lacking: {route: string, pointer: string, verbs: string[]}[], gone: {route: string, verbs: string[]}[], renamed: {route: string, theirs: string}[], compared: number}}
 */
export function differencesOf(catalogue, file) {
  const own = catalogue.filter((route) => !route.startsWith("WS "));
  const known = cellsOf(own);
  const theirs = cellsOf(file.map((each) => each.route));
  const greedy = file.map((each) => each.route).filter((route) => route.endsWith("+}"));
  const lacking = file
    .map((each) => ({ ...each, verbs: verbsOf(each.route, theirs).filter((verb) => !known.has(`${verb} ${shapeOf(pathOf(each.route))}`)) }))
    .filter((each) => each.verbs.length);
  const gone = own
    .map((route) => ({ route, verbs: verbsOf(route, known), missing: verbsOf(route, known).filter((verb) => !theirs.has(`${verb} ${shapeOf(pathOf(route))}`) && !greedy.some((each) => takes(each, verb, pathOf(route)))) }))
    // Of a route with ANY some verbs are enough: the others are denied where nothing serves them.
    .filter((each) => each.missing.length === each.verbs.length)
    .map(({ route, missing }) => ({ route, verbs: missing }));
  const byShape = new Map(file.map((each) => [shapeOf(pathOf(each.route)), each.route]));
  /** @type {Map<string, {route: string, theirs: string}>} */
  const renamed = new Map();
  for (const route of own) {
    const other = byShape.get(shapeOf(pathOf(route)));
    if (other && pathOf(other) !== pathOf(route)) renamed.set(pathOf(route), { route: pathOf(route), theirs: pathOf(other) });
  }
  return { lacking, gone, renamed: [...renamed.values()], compared: file.length };
}

/**
 * What to add to a catalogue so that it has the routes that it lacks, with the names of parameters that it uses already. A route for
 * `OPTIONS` is none of them: it is mostly a browser's preflight, which comes without a token.
 *
 * @param {string[]} catalogue @param {{route: string, verbs: string[]}[]} lacking @returns {string[]}
 */
export function additions(catalogue, lacking) {
  const paths = new Map(catalogue.map((route) => [shapeOf(pathOf(route)), pathOf(route)]));
  return lacking.filter(({ route }) => verbOf(route) !== "OPTIONS").flatMap(({ route, verbs }) => {
    const path = paths.get(shapeOf(pathOf(route))) ?? pathOf(route);
    return verbs.length === VERBS.length ? [`ANY ${path}`] : verbs.map((verb) => `${verb} ${path}`);
  });
}

/** Which route serves each verb of each shape. @param {string[]} routes @returns {Map<string, string>} */
function cellsOf(routes) {
  const cells = new Map();
  // A verb beats ANY.
  for (const route of [...routes].sort((a, b) => Number(a.startsWith("ANY ")) - Number(b.startsWith("ANY ")))) {
    for (const verb of verbOf(route) === "ANY" ? VERBS : [verbOf(route)]) {
      const cell = `${verb} ${shapeOf(pathOf(route))}`;
      if (!cells.has(cell)) cells.set(cell, route);
    }
  }
  return cells;
}

/** The verbs that a route serves itself. @param {string} route @param {Map<string, string>} cells */
function verbsOf(route, cells) {
  return VERBS.filter((verb) => cells.get(`${verb} ${shapeOf(pathOf(route))}`) === route);
}

/** Whether a greedy route takes the requests of a path that has no route of its own. @param {string} greedy @param {string} verb @param {string} path */
function takes(greedy, verb, path) {
  if (path === "/" || (verbOf(greedy) !== "ANY" && verbOf(greedy) !== verb)) return false;
  const before = pathOf(greedy).split("/").slice(0, -1);
  const segments = path.split("/");
  return segments.length > before.length && before.every((segment, number) => segment.startsWith("{") || segment === segments[number]);
}

/** @param {any} value @returns {value is Record<string, any>} */
function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
