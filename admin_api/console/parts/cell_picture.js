// One access as a picture. Shape and filling say it as well as the colour does, so that it is read in grey and in print.

import { svg } from "../elements.js";

/** @typedef {import("../model/access.js").Kind} Kind */
/** @typedef {import("../model/access.js").Origin} Origin */

/** @param {Kind} kind @param {Origin} [origin] */
export function cellPicture(kind, origin = "own") {
  return svg("svg", { class: `cell-picture ${kind} ${origin}`, viewBox: "0 0 20 20", width: 20, height: 20, "aria-hidden": "true" }, ...shapes(kind, origin));
}

/** @param {Kind} kind @param {Origin} origin @returns {SVGElement[]} */
function shapes(kind, origin) {
  const mark = origin === "inherited" ? [svg("path", { class: "origin", d: "M15 8V3.5M12.8 5.5 15 3.3l2.2 2.2" })] : [];
  if (kind === "allowed") return [svg("circle", { class: "body", cx: 10, cy: 10, r: 7 }), svg("path", { class: "ink", d: "m6.8 10.2 2.3 2.3 4.2-4.6" }), ...mark];
  if (kind === "denied") return [svg("rect", { class: "body", x: 3.5, y: 3.5, width: 13, height: 13, rx: 1.5 }), svg("path", { class: "ink", d: "m7 7 6 6m0-6-6 6" }), ...mark];
  if (kind === "conditional") return [svg("path", { class: "body", d: "M10 2.2 17.8 10 10 17.8 2.2 10z" }), svg("path", { class: "ink", d: "M7.6 8.3a2.4 2.4 0 1 1 3.4 2.2q-1 .5-1 1.4M10 13.7v.2" }), ...mark];
  if (kind === "timed") return [svg("circle", { class: "body", cx: 10, cy: 10, r: 7 }), svg("path", { class: "ink", d: "M10 6v4.2l2.8 1.7" }), ...mark];
  return [svg("circle", { class: "dot", cx: 10, cy: 10, r: 1.4 })];
}
