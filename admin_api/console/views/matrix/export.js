// The matrix for other programs and for paper. Both hold everything, whatever the page filters.

import { kindOf } from "../../model/access.js";
import { nameOf } from "../../model/permission_grid.js";

const COLOURS = { allowed: "#1a7f37", conditional: "#9a6700", timed: "#0a62c4", denied: "#c62828", nothing: "#b7bdc6" };
const LINE = 22;
const COLUMN = 34;

/** Comma separated (RFC 4180), with nothing in it that a spreadsheet would compute. @param {import("../../model/permission_grid.js").PermissionGrid} grid */
export function matrixAsCsv(grid) {
  const lines = [["route", ...grid.subjects], ...grid.routes.map((route) => [route, ...grid.subjects.map((subject) => grid.access(subject, route))])];
  return lines.map((line) => line.map(quoted).join(",") + "\r\n").join("");
}

/** @param {string} text */
function quoted(text) {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** @param {import("../../model/permission_grid.js").PermissionGrid} grid @param {string} api */
export function matrixAsSvg(grid, api) {
  const head = 8 * Math.max(...grid.routes.map((route) => route.length), 8) + 16;
  const top = 7 * Math.max(...grid.subjects.map((subject) => nameOf(subject).length), 4) + 40;
  const width = head + grid.subjects.length * COLUMN + 20;
  const height = top + grid.routes.length * LINE + 30;
  const columns = grid.subjects.map((subject, column) => {
    const x = head + column * COLUMN + COLUMN / 2;
    return `<text transform="translate(${x + 4} ${top - 8}) rotate(-90)">${escaped(nameOf(subject))}</text>`;
  });
  const lines = grid.routes.map((route, number) => {
    const y = top + number * LINE + LINE / 2;
    const cells = grid.subjects.map((subject, column) => mark(kindOf(grid.access(subject, route)), head + column * COLUMN + COLUMN / 2, y));
    const band = number % 2 ? "" : `<rect x="0" y="${y - LINE / 2}" width="${width}" height="${LINE}" fill="#f4f6f8"/>`;
    return `${band}<text x="10" y="${y + 4}">${escaped(route)}</text>${cells.join("")}`;
  });
  const legend = "circle: allowed; diamond: on a condition; ring: for a time; square: denied; dot: not allowed";
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="ui-monospace, monospace" font-size="12">` +
    `<rect width="100%" height="100%" fill="#fff"/><text x="10" y="20" font-weight="bold">${escaped(api)}</text>${columns.join("")}${lines.join("")}` +
    `<text x="10" y="${height - 10}" font-size="11" fill="#57606a">${legend}</text></svg>\n`
  );
}

/** @param {import("../../model/access.js").Kind} kind @param {number} x @param {number} y */
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
