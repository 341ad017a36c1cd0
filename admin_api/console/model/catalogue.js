// The catalogue by path, and how many of those who hold permissions may call each route.

import { kindOf } from "./access.js";
import { EVERYONE, nameOf, pathOf, routeOf, verbOf } from "./permission_grid.js";

/** @typedef {import("./permission_grid.js").PermissionGrid} PermissionGrid */
/** @typedef {{route: string, isPublic: boolean, callers: string[], words: string}} Entry */

/**
 * The routes of a catalogue by their paths, in the order of the matrix.
 *
 * @param {PermissionGrid} grid @returns {Map<string, Entry[]>}
 */
export function catalogueOf(grid) {
  /** @type {string[]} */
  const listed = (grid.document.routes ?? []).map(routeOf);
  const isListed = new Set(listed);
  const order = new Map(grid.routes.map((route, number) => [route, number]));
  /** @type {Map<string, string[]>} */
  const cellsAt = new Map();
  for (const route of grid.routes) cellsAt.set(pathOf(route), [...(cellsAt.get(pathOf(route)) ?? []), route]);
  const rank = (/** @type {string} */ route) => order.get(route) ?? order.get(cellsAt.get(pathOf(route))?.[0] ?? "") ?? 0;
  const sorted = [...listed].sort((a, b) => rank(a) - rank(b));
  const byPath = new Map();
  for (const route of sorted) {
    // The matrix has the verbs of an ANY route one by one where they differ.
    const cells = verbOf(route) === "ANY" ? (cellsAt.get(pathOf(route)) ?? []).filter((each) => each === route || !isListed.has(each)) : [route];
    const path = verbOf(route) === "WS" ? route : pathOf(route);
    byPath.set(path, [...(byPath.get(path) ?? []), entryOf(grid, route, cells)]);
  }
  return byPath;
}

/** @param {PermissionGrid} grid @param {string} route @param {string[]} cells @returns {Entry} */
function entryOf(grid, route, cells) {
  const may = (/** @type {string} */ subject) => cells.some((cell) => !["nothing", "denied"].includes(kindOf(grid.access(subject, cell))));
  const isPublic = grid.public.has(route);
  if (isPublic) return { route, isPublic, callers: [], words: "anybody, without a token" };
  const callers = grid.subjects.filter((subject) => subject !== EVERYONE && may(subject));
  if (may(EVERYONE)) {
    const others = grid.subjects.length - 1 - callers.length;
    return { route, isPublic, callers: [], words: others ? `everyone with a token but ${countsOf(grid.subjects, grid.subjects.filter((each) => !callers.includes(each)))}` : "everyone with a token" };
  }
  return { route, isPublic, callers: callers.map(nameOf), words: callers.length ? countsOf(grid.subjects, callers) : "nobody" };
}

/** `3 of 12 groups, 1 of 2 clients`. @param {string[]} subjects @param {string[]} callers */
function countsOf(subjects, callers) {
  const counts = ["group", "client", "scope"].map((kind) => {
    const [in_all, may] = [subjects, callers].map((each) => each.filter((subject) => subject.startsWith(`${kind}/`)).length);
    return may ? `${may} of ${in_all} ${kind}${in_all === 1 ? "" : "s"}` : "";
  });
  return counts.filter(Boolean).join(", ");
}
