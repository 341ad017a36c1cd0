// A grid of which only what is seen exists: a thousand routes and two hundred groups are two hundred thousand cells, of which a screen shows a few hundred.
//
// It follows the grid pattern of the ARIA authoring practices: one cell can be reached by Tab, arrows move, Enter opens.

import { h, show } from "../../elements.js";

const LINE = 32;
const SPARE = 3;

/** @typedef {import("../../model/permission_grid.js").Line} Line */

/**
 * What the grid asks of its owner.
 *
 * @typedef {{
 *   heading: (column: number) => Node, columnLabel: (column: number) => string,
 *   cell: (line: Line, column: number) => {content: Node | null, label: string, class: string},
 *   lineHead: (line: Line) => Node, open: (line: Line, column: number) => void,
 * }} Source
 */

/** Draws lines and columns that a source describes. */
export class VirtualGrid {
  /** @param {Source} source @param {string} label */
  constructor(source, label) {
    this.source = source;
    /** @type {Line[]} */
    this.lines = [];
    this.columns = 0;
    this.width = 44;
    this.headWidth = 260;
    this.headHeight = 120;
    /** @type {Map<number, {row: HTMLElement, cells: Map<number, HTMLElement>}>} */
    this.drawn = new Map();
    this.active = { line: 0, column: 0 };
    this.from = 0;
    this.to = 0;
    this.waiting = 0;
    this.head = h("div", { class: "grid-head", role: "row", "aria-rowindex": 1 });
    this.body = h("div", { class: "grid-body", role: "rowgroup" });
    this.top = h("div", { class: "grid-top", role: "rowgroup" }, this.head);
    this.canvas = h("div", { class: "grid-canvas", role: "grid", "aria-label": label }, this.top, this.body);
    this.element = h("div", { class: "grid-scroll", onscroll: () => this.#later(), onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event), onclick: (/** @type {MouseEvent} */ event) => this.#click(event) }, this.canvas);
    this.sizes = new ResizeObserver(() => this.#later());
    this.sizes.observe(this.element);
  }

  stop() {
    this.sizes.disconnect();
    cancelAnimationFrame(this.waiting);
  }

  /** @param {Line[]} lines @param {number} columns */
  set(lines, columns) {
    this.lines = lines;
    this.columns = columns;
    const room = this.element.clientWidth - this.headWidth;
    const isWide = columns > 0 && room / columns >= 84;
    const isNarrow = matchMedia("(max-width: 40rem)").matches;
    this.headWidth = isNarrow ? Math.max(168, Math.min(260, this.element.clientWidth - columns * 44)) : 260;
    this.width = isWide ? Math.min(150, Math.floor(room / columns)) : 44;
    this.headHeight = isWide ? 44 : 128;
    this.canvas.classList.toggle("upright", !isWide);
    this.canvas.style.width = `${this.headWidth + columns * this.width}px`;
    this.canvas.style.setProperty("--head", `${this.headWidth}px`);
    this.top.style.height = `${this.headHeight}px`;
    this.body.style.height = `${lines.length * LINE}px`;
    this.canvas.setAttribute("aria-rowcount", String(lines.length + 1));
    this.canvas.setAttribute("aria-colcount", String(columns + 1));
    this.active = { line: Math.min(this.active.line, Math.max(lines.length - 1, 0)), column: Math.min(this.active.column, Math.max(columns - 1, 0)) };
    this.redraw();
  }

  /** Draws all that is seen anew. */
  redraw() {
    const hadFocus = this.element.contains(document.activeElement);
    this.body.replaceChildren();
    this.drawn.clear();
    this.from = this.to = -1;
    this.#draw();
    if (hadFocus) this.#cellAt(this.active.line, this.active.column)?.focus();
  }

  /** Moves to a cell, without opening it. @param {number} line @param {number} column */
  moveTo(line, column) {
    const before = this.#cellAt(this.active.line, this.active.column);
    if (before) before.tabIndex = -1;
    this.active = { line, column };
    const top = line * LINE;
    const left = column * this.width;
    const view = { height: this.element.clientHeight - this.headHeight, width: this.element.clientWidth - this.headWidth };
    const clamp = (/** @type {number} */ now, /** @type {number} */ start, /** @type {number} */ size, /** @type {number} */ room) =>
      start < now ? start : start + size > now + room ? start + size - room : now;
    this.element.scrollTo({
      top: clamp(this.element.scrollTop, top, LINE, view.height),
      left: clamp(this.element.scrollLeft, left, this.width, view.width),
    });
    this.#draw();
    const cell = this.#cellAt(line, column);
    if (cell) {
      cell.tabIndex = 0;
      cell.focus({ preventScroll: true });
    }
  }

  #later() {
    this.waiting ||= requestAnimationFrame(() => {
      this.waiting = 0;
      this.#draw();
    });
  }

  #draw() {
    const { scrollTop, scrollLeft, clientHeight, clientWidth } = this.element;
    const hadFocus = this.element.contains(document.activeElement) && document.activeElement?.getAttribute("role") === "gridcell";
    const first = Math.max(0, Math.floor(scrollTop / LINE) - SPARE);
    const last = Math.min(this.lines.length, Math.ceil((scrollTop + clientHeight - this.headHeight) / LINE) + SPARE);
    const from = Math.max(0, Math.floor(scrollLeft / this.width) - 2);
    const to = Math.min(this.columns, Math.ceil((scrollLeft + clientWidth - this.headWidth) / this.width) + 2);
    const isMoved = from !== this.from || to !== this.to;
    this.from = from;
    this.to = to;
    if (isMoved) this.#drawHead();
    for (const [number, { row }] of this.drawn) {
      if (number < first || number >= last) {
        row.remove();
        this.drawn.delete(number);
      } else if (isMoved) this.#drawCells(number);
    }
    // From the last to the first: readers go by the order of the document.
    /** @type {HTMLElement | null} */
    let next = null;
    for (let number = last - 1; number >= first; number -= 1) {
      let row = this.drawn.get(number)?.row;
      if (!row) {
        row = this.#row(number);
        this.body.insertBefore(row, next);
      }
      next = row;
    }
    this.#keepReachable(first + SPARE, last - SPARE, from + 2, to - 2, hadFocus);
  }

  /** The one cell that Tab reaches must exist: where it was scrolled away, another one takes its place. @param {number} first @param {number} last @param {number} from @param {number} to @param {boolean} hadFocus */
  #keepReachable(first, last, from, to, hadFocus) {
    const { line, column } = this.active;
    if (!this.columns || !this.lines.length || this.#cellAt(line, column)) return;
    const clamp = (/** @type {number} */ value, /** @type {number} */ least, /** @type {number} */ most) => Math.max(Math.min(value, most - 1), least, 0);
    const near = clamp(line, first, last);
    this.active = { line: this.#routeFrom(near, near > line ? 1 : -1), column: clamp(column, from, to) };
    const cell = this.#cellAt(this.active.line, this.active.column);
    if (!cell) return;
    cell.tabIndex = 0;
    if (hadFocus) cell.focus({ preventScroll: true });
  }

  #drawHead() {
    const cells = [h("div", { class: "grid-corner", role: "columnheader", "aria-colindex": 1 }, "Route")];
    for (let column = this.from; column < this.to; column += 1) {
      const cell = h("div", { class: "grid-column", role: "columnheader", "aria-colindex": column + 2, title: this.source.columnLabel(column) }, this.source.heading(column));
      this.#place(cell, column);
      cells.push(cell);
    }
    show(this.head, ...cells);
  }

  /** @param {number} number */
  #row(number) {
    const line = this.lines[number];
    const row = h("div", { class: `grid-row ${line.type}`, role: "row", "aria-rowindex": number + 2 });
    row.style.top = `${number * LINE}px`;
    row.append(h("div", { class: "grid-line-head", role: "rowheader", "aria-colindex": 1 }, this.source.lineHead(line)));
    this.drawn.set(number, { row, cells: new Map() });
    this.#drawCells(number);
    return row;
  }

  /** Gives a row the cells that are seen, and keeps those that it has. @param {number} number */
  #drawCells(number) {
    const line = this.lines[number];
    const drawn = this.drawn.get(number);
    if (!drawn || line.type === "group") return;
    const { row, cells } = drawn;
    for (const [column, cell] of cells) {
      if (column < this.from || column >= this.to) {
        cell.remove();
        cells.delete(column);
      }
    }
    /** @type {Element | null} */
    let next = null;
    for (let column = this.to - 1; column >= this.from; column -= 1) {
      let cell = cells.get(column);
      if (!cell) {
        cell = this.#cell(number, column);
        cells.set(column, cell);
        row.insertBefore(cell, next);
      }
      next = cell;
    }
  }

  /** @param {number} number @param {number} column */
  #cell(number, column) {
    const { content, label, class: kind } = this.source.cell(this.lines[number], column);
    const isActive = number === this.active.line && column === this.active.column;
    const cell = h(
      "div",
      { class: `grid-cell ${kind}`, role: "gridcell", "aria-colindex": column + 2, "aria-label": label, title: label, tabindex: isActive ? 0 : -1 },
      content,
    );
    this.#place(cell, column);
    return cell;
  }

  /** @param {HTMLElement} cell @param {number} column */
  #place(cell, column) {
    cell.style.left = `${this.headWidth + column * this.width}px`;
    cell.style.width = `${this.width}px`;
  }

  /** @param {number} line @param {number} column @returns {HTMLElement | null} */
  #cellAt(line, column) {
    return this.drawn.get(line)?.cells.get(column) ?? null;
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const cell = event.target instanceof Element ? event.target.closest("[role=gridcell]") : null;
    const row = cell?.closest("[role=row]");
    if (!cell || !row) return;
    const line = Number(row.getAttribute("aria-rowindex")) - 2;
    const column = Number(cell.getAttribute("aria-colindex")) - 2;
    this.moveTo(line, column);
    this.source.open(this.lines[line], column);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!(event.target instanceof Element) || event.target.getAttribute("role") !== "gridcell") return;
    const { line, column } = this.active;
    const page = Math.max(1, Math.floor((this.element.clientHeight - this.headHeight) / LINE) - 1);
    /** @type {Record<string, () => [number, number]>} */
    const moves = {
      ArrowDown: () => [this.#routeFrom(line + 1, 1), column],
      ArrowUp: () => [this.#routeFrom(line - 1, -1), column],
      ArrowRight: () => [line, Math.min(column + 1, this.columns - 1)],
      ArrowLeft: () => [line, Math.max(column - 1, 0)],
      PageDown: () => [this.#routeFrom(Math.min(line + page, this.lines.length - 1), -1), column],
      PageUp: () => [this.#routeFrom(Math.max(line - page, 0), 1), column],
      Home: () => (event.ctrlKey ? [this.#routeFrom(0, 1), 0] : [line, 0]),
      End: () => (event.ctrlKey ? [this.#routeFrom(this.lines.length - 1, -1), this.columns - 1] : [line, this.columns - 1]),
    };
    if (event.key in moves) {
      event.preventDefault();
      this.moveTo(...moves[event.key]());
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.source.open(this.lines[line], column);
    }
  }

  /** The next line that is a route, in a direction; the active one if there is none. @param {number} line @param {1 | -1} step */
  #routeFrom(line, step) {
    for (let at = line; at >= 0 && at < this.lines.length; at += step) if (this.lines[at].type === "route") return at;
    return this.active.line;
  }
}
