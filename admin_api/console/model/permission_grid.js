// The matrix as the page shows it: subjects across, routes down, grouped by the tree of their paths.

import { NOTHING, kindOf } from "./access.js";

/** @typedef {import("./access.js").Origin} Origin */
/** @typedef {{subject: string, delegated: boolean, cells: {route: string, access: string}[]}} MatrixRow */
/** @typedef {{type: "group", path: string, depth: number, routes: number} | {type: "route", route: string, depth: number}} Line */

const VERBS = ["ANY", "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "WS"];
const HTTP_VERBS = VERBS.filter((verb) => verb !== "ANY" && verb !== "WS");
const LARGE_GROUP = 12;
export const EVERYONE = "everyone";

// A page of subjects is one answer of a Lambda function, which has 6 MB at most: 60,000 cells are some 4 MB.
const CELLS = 60_000;
const MOST_SUBJECTS = 100;

/** One API's permissions at one version. */
export class PermissionGrid {
  /** @param {any} document @param {MatrixRow[]} rows */
  constructor(document, rows) {
    this.document = document;
    /** @type {Map<string, Map<string, string>>} */
    this.words = new Map(rows.map((row) => [row.subject, new Map(row.cells.map((cell) => [cell.route, cell.access]))]));
    this.subjects = [...this.words.keys()].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
    this.delegated = new Set(rows.filter((row) => row.delegated).map((row) => row.subject));
    const entries = /** @type {(string | {route: string, public?: boolean})[]} */ (document.routes ?? []);
    this.public = new Set(entries.filter((entry) => typeof entry === "object" && entry.public).map((entry) => routeOf(entry)));
    const cells = rows.flatMap((row) => row.cells.map((cell) => cell.route));
    const paths = new Set(cells.map(pathOf));
    // Where the verbs of an ANY route differ, each has a line, also one that nobody may call.
    const listed = entries.map(routeOf).flatMap((route) => (route.startsWith("ANY ") && paths.has(pathOf(route)) ? HTTP_VERBS.map((verb) => `${verb} ${pathOf(route)}`) : [route]));
    this.routes = [...new Set([...listed, ...cells])].sort(byPath);
  }

  /** @param {string} subject @param {string} route */
  access(subject, route) {
    return this.words.get(subject)?.get(route) ?? NOTHING;
  }

  /** Where an access comes from, as far as two columns tell: everyone has as much, or whom the subject inherits from. @param {string} subject @param {string} route @returns {Origin} */
  origin(subject, route) {
    const words = this.access(subject, route);
    if (subject === EVERYONE || kindOf(words) === "nothing") return "own";
    if (this.access(EVERYONE, route) === words) return "everyone";
    const parents = this.parents(subject);
    return parents.some((parent) => this.access(parent, route) === words) ? "inherited" : "own";
  }

  /** @param {string} subject @returns {string[]} */
  parents(subject) {
    return (subjectIn(this.document, subject)?.inherits ?? []).map((/** @type {string} */ name) => `group/${name}`);
  }

  /**
   * The lines of the grid: groups of routes, and the routes of those that are not collapsed.
   *
   * @param {string[]} routes
   * @param {Set<string>} collapsed paths of groups
   * @returns {Line[]}
   */
  lines(routes, collapsed) {
    /** @type {Line[]} */
    const lines = [];
    addLines(lines, routes, 0, collapsed);
    return lines;
  }
}

/** @param {Line[]} lines @param {string[]} routes @param {number} depth @param {Set<string>} collapsed */
function addLines(lines, routes, depth, collapsed) {
  for (const [path, members] of grouped(routes, depth)) {
    lines.push({ type: "group", path, depth, routes: members.length });
    if (collapsed.has(path)) continue;
    const deeper = grouped(members, depth + 1);
    if (members.length > LARGE_GROUP && deeper.size > 1 && deeper.size < members.length) {
      addLines(lines, members, depth + 1, collapsed);
    } else {
      lines.push(...members.map((route) => /** @type {Line} */ ({ type: "route", route, depth })));
    }
  }
}

/** Routes by the beginning of their paths. @param {string[]} routes @param {number} depth @returns {Map<string, string[]>} */
function grouped(routes, depth) {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const route of routes) {
    const segments = pathOf(route).split("/").filter(Boolean);
    const path = route.startsWith("WS ") ? "messages" : `/${segments.slice(0, depth + 1).join("/")}`;
    const members = groups.get(path);
    if (members) members.push(route);
    else groups.set(path, [route]);
  }
  return groups;
}

/** How many subjects of a document's matrix to ask for at once. @param {any} document */
export function subjectsAtOnce(document) {
  return Math.max(1, Math.min(MOST_SUBJECTS, Math.floor(CELLS / Math.max((document.routes ?? []).length, 1))));
}

/** @param {string | {route: string}} entry */
export function routeOf(entry) {
  return typeof entry === "string" ? entry : entry.route;
}

/** `GET /pets` -> `/pets`. @param {string} route */
export function pathOf(route) {
  return route.slice(route.indexOf(" ") + 1);
}

/** @param {string} route */
export function verbOf(route) {
  return route.slice(0, route.indexOf(" "));
}

/** What a document says of a subject: `group/guest` -> its entry below `groups`. @param {any} document @param {string} subject */
export function subjectIn(document, subject) {
  const [section, name] = placeOf(subject);
  return name === null ? document[section] : document[section]?.[name];
}

/** Where a document has a subject: `["groups", "guest"]`, `["everyone", null]`. @param {string} subject @returns {[string, string | null]} */
export function placeOf(subject) {
  if (subject === EVERYONE) return [EVERYONE, null];
  const slash = subject.indexOf("/");
  return [`${subject.slice(0, slash)}s`, subject.slice(slash + 1)];
}

/** @param {string} subject */
export function nameOf(subject) {
  return subject.startsWith("group/") ? subject.slice("group/".length) : subject;
}

/** @param {string} a @param {string} b */
function byPath(a, b) {
  return pathOf(a).localeCompare(pathOf(b)) || VERBS.indexOf(verbOf(a)) - VERBS.indexOf(verbOf(b));
}

/** @param {string} subject */
function rank(subject) {
  return subject === EVERYONE ? 0 : ["group", "client", "scope"].indexOf(subject.slice(0, subject.indexOf("/"))) + 1;
}
