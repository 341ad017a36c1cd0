// The matrix for other programs and for paper. Both hold everything, whatever the page filters.

import { KIND_WORDS, kindOf } from "../../model/access.js";
import { nameOf } from "../../model/permission_grid.js";

/** @typedef {import("../../model/permission_grid.js").PermissionGrid} PermissionGrid */
/** @typedef {import("../../model/access.js").Kind} Kind */

/** @type {Record<Kind, string>} */
const COLOURS = { allowed: "#1a7f37", conditional: "#9a6700", timed: "#0a62c4", denied: "#c62828", nothing: "#b7bdc6" };
const LINE = 22;
const COLUMN = 34;
const LETTER = 7.4;
const MARGIN = 10;
const LEAST_WIDTH = 280;

/**
 * Comma separated (RFC 4180), as `gatebook matrix --csv` has it, with nothing in it that a spreadsheet would compute. Verbs of an `ANY` route have a line each.
 *
 * @param {PermissionGrid} grid @param {string} api
 */
export function matrixAsCsv(grid, api) {
  const lines = [["api", "route", ...grid.subjects], ...grid.routes.map((route) => [api, route, ...grid.subjects.map((subject) => wordsOf(grid, subject, route))])];
  return lines.map((line) => line.map(quoted).join(",") + "\r\n").join("");
}

/** @param {PermissionGrid} grid @param {string} subject @param {string} route */
function wordsOf(grid, subject, route) {
  const words = grid.access(subject, route);
  return kindOf(words) === "nothing" ? "" : words;
}

/** @param {string} text */
function quoted(text) {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A picture with a shape for each route and subject, and a legend. @param {PermissionGrid} grid @param {string} api */
export function matrixAsSvg(grid, api) {
  const labels = grid.routes.map((route) => (grid.public.has(route) ? `${route} (public)` : route));
  const names = grid.subjects.map(nameOf);
  const head = widest(labels) + 2 * MARGIN;
  const top = widest(names) + 40;
  const bottom = top + grid.routes.length * LINE;
  const kinds = /** @type {Kind[]} */ (Object.keys(KIND_WORDS));
  const width = Math.ceil(Math.max(head + grid.subjects.length * COLUMN + MARGIN, widest([api]) + 2 * MARGIN, LEAST_WIDTH));
  const height = Math.ceil(bottom + LINE * (kinds.length + 1));
  const columns = names.map((name, column) => `<text transform="translate(${middle(head, column) + 4} ${top - 8}) rotate(-90)">${escaped(name)}</text>`);
  const lines = grid.routes.map((route, number) => {
    const y = top + number * LINE + LINE / 2;
    const cells = grid.subjects.map((subject, column) => cell(grid.access(subject, route), middle(head, column), y));
    const band = number % 2 ? "" : `<rect x="0" y="${y - LINE / 2}" width="${width}" height="${LINE}" fill="#f4f6f8"/>`;
    return `${band}<text x="${MARGIN}" y="${y + 4}">${escaped(labels[number])}</text>${cells.join("")}`;
  });
  const legend = kinds.map((kind, number) => {
    const y = bottom + LINE * (number + 1);
    return `${mark(kind, MARGIN + 8, y)}<text x="${MARGIN + 26}" y="${y + 4}" fill="#57606a">${KIND_WORDS[kind]}</text>`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace, monospace" font-size="12" role="img">` +
    `<title>${escaped(api)}: who may call what</title><rect width="100%" height="100%" fill="#fff"/>` +
    `<text x="${MARGIN}" y="20" font-weight="bold">${escaped(api)}</text>${columns.join("")}${lines.join("")}${legend.join("")}</svg>\n`
  );
}

/** Where the shapes of a column stand. @param {number} head @param {number} column */
function middle(head, column) {
  return head + column * COLUMN + COLUMN / 2;
}

/** How wide the longest of these texts is, in pixels. @param {string[]} texts */
function widest(texts) {
  const widths = texts.map((text) => [...text].reduce((sum, letter) => sum + (letter >= "\u1100" ? 2 : 1), 0));
  return Math.ceil(LETTER * widths.reduce((most, each) => Math.max(most, each), 0));
}

/** A shape; what the legend does not tell of it is its title. @param {string} words @param {number} x @param {number} y */
function cell(words, x, y) {
  const kind = kindOf(words);
  const shape = mark(kind, x, y);
  return words === kind || kind === "nothing" ? shape : `<g>${shape}<title>${escaped(words)}</title></g>`;
}

/** @param {Kind} kind @param {number} x @param {number} y */
function mark(kind, x, y) {
  const colour = COLOURS[kind];
  if (kind === "allowed") return `<circle cx="${x}" cy="${y}" r="6" fill="${colour}"/>`;
  if (kind === "denied") return `<rect x="${x - 6}" y="${y - 6}" width="12" height="12" fill="${colour}"/>`;
  if (kind === "conditional") return `<path d="M${x} ${y - 7}l7 7-7 7-7-7z" fill="${colour}"/>`;
  if (kind === "timed") return `<circle cx="${x}" cy="${y}" r="5" fill="none" stroke="${colour}" stroke-width="3"/>`;
  return `<circle cx="${x}" cy="${y}" r="1.5" fill="${colour}"/>`;
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
