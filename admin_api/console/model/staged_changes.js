// Changes that an admin has put together and not published. They are kept for the tab, so that a reload loses none of them.

import { kindOf } from "./access.js";
import { placeOf, routeOf, subjectIn } from "./permission_grid.js";

/** @typedef {"allow" | "take"} Wish */
/** @typedef {{subject: string, route: string, wish: Wish}} Change */

/** The changes of one API. */
export class StagedChanges {
  /** @param {string} api @param {Storage} storage */
  constructor(api, storage) {
    this.key = `gatebook.staged.${api}`;
    this.storage = storage;
    /** @type {Change[]} */
    this.changes = readChanges(storage.getItem(this.key));
    /** @type {Set<() => void>} */
    this.watchers = new Set();
  }

  get size() {
    return this.changes.length;
  }

  /** @param {string} subject @param {string} route @returns {Wish | null} */
  wish(subject, route) {
    return this.changes.find((change) => change.subject === subject && change.route === route)?.wish ?? null;
  }

  /** Wishes something, or with null no more. @param {string} subject @param {string} route @param {Wish | null} wish */
  stage(subject, route, wish) {
    const others = this.changes.filter((change) => change.subject !== subject || change.route !== route);
    this.#keep(wish === null ? others : [...others, { subject, route, wish }]);
  }

  discard() {
    this.#keep([]);
  }

  /** @param {Change[]} changes */
  #keep(changes) {
    this.changes = changes;
    if (changes.length) this.storage.setItem(this.key, JSON.stringify(changes));
    else this.storage.removeItem(this.key);
    for (const watcher of this.watchers) watcher();
  }
}

/** @param {string | null} text @returns {Change[]} */
function readChanges(text) {
  try {
    const read = JSON.parse(text ?? "[]");
    return Array.isArray(read) ? read.filter((each) => each && typeof each.subject === "string" && typeof each.route === "string") : [];
  } catch {
    return [];
  }
}

/**
 * The changes as a JSON merge patch (RFC 7396) of a document: whole lists of the subjects that change.
 *
 * To allow adds an entry of the very route, and takes out a deny of the very route. To take away takes out an entry of the very route; where something wider still
 * allows it, a selector or what is inherited, a deny of the route is added, which always wins.
 *
 * @param {any} document
 * @param {Change[]} changes
 * @param {(subject: string, route: string) => string} accessNow words, as the matrix has them
 * @param {Set<Change>} [denied] changes that only a deny makes true, since something wider allows them as well
 * @returns {Record<string, any>}
 */
export function patchOf(document, changes, accessNow, denied = new Set()) {
  /** @type {Record<string, any>} */
  const patch = {};
  for (const subject of new Set(changes.map((change) => change.subject))) {
    const held = subjectIn(document, subject) ?? {};
    let allow = [...(held.allow ?? [])];
    let deny = [...(held.deny ?? [])];
    for (const change of changes.filter((each) => each.subject === subject)) {
      const { route, wish } = change;
      const named = allow.filter((entry) => routeOf(entry) === route);
      allow = allow.filter((entry) => routeOf(entry) !== route);
      if (wish === "allow") {
        allow.push(route);
        deny = deny.filter((entry) => routeOf(entry) !== route);
      } else if (kindOf(accessNow(subject, route)) !== "nothing" && (!named.length || denied.has(change))) {
        deny = [...deny.filter((entry) => routeOf(entry) !== route), route];
      }
    }
    const lists = { ...(held.allow || allow.length ? { allow } : {}), ...(held.deny || deny.length ? { deny } : {}) };
    const [section, name] = placeOf(subject);
    if (name === null) patch[section] = lists;
    else patch[section] = { ...patch[section], [name]: lists };
  }
  return patch;
}
