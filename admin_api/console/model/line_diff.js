// What differs between two texts, line by line.

/** A line that is taken out, added, or stands beside one; `…` where lines between are left out. @typedef {{sign: "-" | "+" | " " | "…", text: string}} Line */

const BESIDE = 2;

/** Between more lines than these nothing is compared one by one: all of them are taken out, and all of the others added. */
const MOST_COMPARED = 4_000_000;

/**
 * The lines that differ, with two on each side. Nothing if none does.
 *
 *     changedLines("a\nb\n", "a\nc\n")  ->  [{ sign: " ", text: "a" }, { sign: "-", text: "b" }, { sign: "+", text: "c" }]
 *
 * @param {string} before @param {string} after @returns {Line[]}
 */
export function changedLines(before, after) {
  const all = compared(before.trimEnd().split("\n"), after.trimEnd().split("\n"));
  const isShown = new Uint8Array(all.length);
  all.forEach(({ sign }, number) => sign !== " " && isShown.fill(1, Math.max(0, number - BESIDE), number + BESIDE + 1));
  return all.flatMap((line, number) => (isShown[number] ? [line] : number && isShown[number - 1] && isShown.indexOf(1, number) > 0 ? [{ sign: /** @type {const} */ ("…"), text: "" }] : []));
}

/** @param {string[]} before @param {string[]} after @returns {Line[]} */
function compared(before, after) {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let [end, endAfter] = [before.length, after.length];
  while (end > start && endAfter > start && before[end - 1] === after[endAfter - 1]) [end, endAfter] = [end - 1, endAfter - 1];
  const same = (/** @type {string} */ text) => ({ sign: /** @type {const} */ (" "), text });
  return [...before.slice(0, start).map(same), ...between(before.slice(start, end), after.slice(start, endAfter)), ...before.slice(end).map(same)];
}

/** By the longest lines that both have in one order. @param {string[]} before @param {string[]} after @returns {Line[]} */
function between(before, after) {
  const [rows, columns] = [before.length + 1, after.length + 1];
  if (rows * columns > MOST_COMPARED) return [...before.map(out), ...after.map(add)];
  /** How many lines both have from a line of each on. */
  const common = new Uint16Array(rows * columns);
  for (let row = rows - 2; row >= 0; row -= 1) {
    for (let column = columns - 2; column >= 0; column -= 1) {
      const at = row * columns + column;
      common[at] = before[row] === after[column] ? common[at + columns + 1] + 1 : Math.max(common[at + columns], common[at + 1]);
    }
  }
  /** @type {Line[]} */
  const lines = [];
  let [row, column] = [0, 0];
  while (row < before.length || column < after.length) {
    const at = row * columns + column;
    if (row < before.length && before[row] === after[column]) {
      lines.push({ sign: " ", text: before[row] });
      [row, column] = [row + 1, column + 1];
    } else if (row < before.length && (column === after.length || common[at + columns] >= common[at + 1])) {
      lines.push(out(before[row]));
      row += 1;
    } else {
      lines.push(add(after[column]));
      column += 1;
    }
  }
  return lines;
}

/** @param {string} text @returns {Line} */
function out(text) {
  return { sign: "-", text };
}

/** @param {string} text @returns {Line} */
function add(text) {
  return { sign: "+", text };
}
