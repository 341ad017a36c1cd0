// Two people's changes to one document: what differs, and both made together.

const MOST = 50;

/**
 * What somebody changed, made on what others made of the same document meanwhile. In lists each entry counts by itself, so that both may add to one.
 * Where both changed the very same text, it is `mine`.
 *
 *     merged({a: ["x"]}, {a: ["x", "y"]}, {a: ["x", "z"]})  ->  {a: ["x", "z", "y"]}
 *
 * @param {any} base what both began with @param {any} mine @param {any} theirs @returns {any}
 */
export function merged(base, mine, theirs) {
  if (isSame(mine, base)) return theirs;
  if (isSame(theirs, base)) return mine;
  if (isObject(mine) && isObject(theirs)) {
    const before = isObject(base) ? base : {};
    const names = [...new Set([...Object.keys(theirs), ...Object.keys(mine)])];
    const both = names.map((name) => [name, merged(own(before, name), own(mine, name), own(theirs, name))]);
    return Object.fromEntries(both.filter(([, value]) => value !== undefined));
  }
  if (Array.isArray(mine) && Array.isArray(theirs)) {
    const before = Array.isArray(base) ? base : [];
    const kept = theirs.filter((entry) => has(mine, entry) || !has(before, entry));
    return [...kept, ...mine.filter((entry) => !has(before, entry) && !has(theirs, entry))];
  }
  return mine;
}

/**
 * What differs, in words: `/groups/guest/allow: GET /pets added`.
 *
 * @param {any} before @param {any} after @returns {string[]}
 */
export function differences(before, after) {
  const found = [...differing(before, after, "")];
  return found.length > MOST ? [...found.slice(0, MOST), `and ${found.length - MOST} more`] : found;
}

/** @param {any} before @param {any} after @param {string} pointer @returns {Generator<string>} */
function* differing(before, after, pointer) {
  if (isSame(before, after)) return;
  if (isObject(before) && isObject(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      yield* differing(own(before, name), own(after, name), `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
    }
  } else if (Array.isArray(before) && Array.isArray(after)) {
    const gone = before.filter((entry) => !has(after, entry));
    const come = after.filter((entry) => !has(before, entry));
    yield* gone.map((entry) => `${pointer}: ${written(entry)} taken out`);
    yield* come.map((entry) => `${pointer}: ${written(entry)} added`);
    if (!gone.length && !come.length) yield `${pointer}: the order`;
  } else if (before === undefined) {
    yield `${pointer} added`;
  } else if (after === undefined) {
    yield `${pointer} taken out`;
  } else {
    yield `${pointer || "/"}: ${written(before)} is ${written(after)} now`;
  }
}

/** @param {any} entry */
function written(entry) {
  return typeof entry === "string" ? entry : JSON.stringify(entry);
}

/** @param {any} value @returns {value is Record<string, any>} */
function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** @param {Record<string, any>} value @param {string} name */
function own(value, name) {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** @param {any[]} entries @param {any} entry */
function has(entries, entry) {
  return entries.some((each) => isSame(each, entry));
}

/** Whether two values are one in JSON, where the order of names means nothing. @param {any} a @param {any} b @returns {boolean} */
function isSame(a, b) {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, number) => isSame(each, b[number]));
  if (!isObject(a) || !isObject(b)) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name]));
}
