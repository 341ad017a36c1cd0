import assert from "node:assert/strict";
import { test } from "node:test";
import { changedLines } from "../../admin_api/console/model/line_diff.js";

/** @param {string} before @param {string} after one line a character */
const diff = (before, after) => changedLines([...before].join("\n"), [...after].join("\n")).map(({ sign, text }) => sign + text).join("|");

test("what differs is told with two lines beside it", () => {
  assert.equal(diff("abc", "abc"), "");
  assert.equal(diff("abcdef", "abcXdef"), " b| c|+X| d| e");
  assert.equal(diff("abcdef", "abdef"), " a| b|-c| d| e");
  assert.equal(diff("ab", "b"), "-a| b");
  assert.equal(diff("abcdefghijklmnop", "abXdefghijklmnp"), " a| b|-c|+X| d| e|…| m| n|-o| p");
  assert.equal(diff("abcdefg", "Xbcdefg"), "-a|+X| b| c");
});

test("what is taken out and added makes the one of the other", () => {
  const random = (() => {
    let state = 7;
    return () => (state = (state * 48271) % 2147483647) / 2147483647;
  })();
  for (let round = 0; round < 300; round += 1) {
    const [before, after] = [0, 1].map(() => Array.from({ length: 1 + Math.floor(random() * 12) }, () => "abcd"[Math.floor(random() * 4)]));
    const lines = changedLines(before.join("\n"), after.join("\n")).filter(({ sign }) => sign === "-" || sign === "+");
    const taken = lines.filter(({ sign }) => sign === "-").map(({ text }) => text);
    const added = lines.filter(({ sign }) => sign === "+").map(({ text }) => text);
    assert.deepEqual([...before, ...added].sort(), [...after, ...taken].sort());
    assert.equal(lines.length === 0, before.join() === after.join());
  }
});

test("of very many lines each is taken out and added", () => {
  const [before, after] = ["a", "b"].map((name) => Array.from({ length: 3000 }, (_, number) => `${name}${number}`).join("\n"));
  assert.equal(changedLines(before, after).length, 6000);
});
