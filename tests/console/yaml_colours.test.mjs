import assert from "node:assert/strict";
import { test } from "node:test";
import { partsOf } from "../../admin_api/console/model/yaml_colours.js";

/** @param {string} text */
const parts = (text) => partsOf(text).map(({ from, to, colour }) => [text.slice(from, to), colour]);

test("names, comments, verbs and marks have their colours", () => {
  assert.deepEqual(parts("a: GET /b # x"), [["a", "name"], [":", "mark"], ["GET", "reads"], ["# x", "comment"]]);
  assert.deepEqual(parts('"b" : [true, {c: DELETE /x}]'), [['"b"', "name"], [":", "mark"], ["[", "mark"], ["true", "word"], [",", "mark"], ["{", "mark"], ["c", "name"], [":", "mark"], ["DELETE", "deletes"], ["}", "mark"], ["]", "mark"]]);
  assert.deepEqual(parts("GET /a: x"), [["GET /a", "name"], [":", "mark"]]);
  assert.deepEqual(parts("- POST /a\n- GETS /a\n- GET"), [["-", "mark"], ["POST", "writes"], ["-", "mark"], ["-", "mark"]]);
});

test("the parts follow each other, whatever is half written", () => {
  const text = "a: 'b\n- [c, {\"d: *e\n? |\n  f # g\n--- !x &y z\n%h\n\t-\ufeff";
  for (let end = 0; end <= text.length; end += 1) {
    let last = 0;
    for (const { from, to } of partsOf(text.slice(0, end))) {
      assert.ok(last <= from && from < to && to <= end, text.slice(0, end));
      last = to;
    }
  }
});
