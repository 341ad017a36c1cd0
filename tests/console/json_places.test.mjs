import assert from "node:assert/strict";
import { test } from "node:test";
import { lineOf, placeAt, readJson } from "../../admin_api/console/model/json_places.js";

const DOCUMENT = { api: "petstore", routes: ["GET /a", { route: "GET /b", public: true }], groups: { "a/b~c": { allow: [] }, ä: { inherits: ["x", "y"] } } };

/** @param {string} text @param {string} pointer */
function at(text, pointer) {
  const { start, end } = placeAt(readJson(text).places, pointer);
  return [lineOf(text, start), text.slice(start, end)];
}

test("a pointer leads to its line", () => {
  const text = JSON.stringify(DOCUMENT, null, 2);
  assert.deepEqual(at(text, "/api"), [2, '"api": "petstore"']);
  assert.deepEqual(at(text, "/routes"), [3, '"routes"']);
  assert.deepEqual(at(text, "/routes/0"), [4, '"GET /a"']);
  assert.deepEqual(at(text, "/routes/1"), [5, "{"]);
  assert.deepEqual(at(text, "/routes/1/public"), [7, '"public": true']);
  assert.deepEqual(at(text, "/groups/a~1b~0c/allow"), [12, '"allow"']);
  assert.deepEqual(at(text, "/groups/ä/inherits/1"), [17, '"y"']);
  assert.deepEqual(at(text, ""), [1, "{"]);
});

test("a pointer to what is not there leads to what would hold it", () => {
  assert.deepEqual(at('{\n"groups": {\n"a": {}}}', "/groups/a/allow/7"), [3, '"a"']);
  assert.deepEqual(at("{}", "/api"), [1, "{"]);
});

test("the value is what the text says", () => {
  for (const value of [DOCUMENT, [], {}, 0, -1.5e-7, "\"\\\n\u2028", null, true, [[[]]], { "": { "": 1 } }, { __proto__: 1 }]) {
    for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2), ` \r\n\t${JSON.stringify(value)}\n`]) {
      assert.equal(readJson(text).problem, null, text);
      assert.deepEqual(readJson(text).value, JSON.parse(text));
    }
  }
});

const MISTAKES = [
  ["", 1, "there is no text"],
  ["api: petstore", 1, "a value should be here: `api` is none"],
  ['{"a": 1,\n}', 1, "nothing follows this comma"],
  ['{"a": [1,\n2,]}', 2, "nothing follows this comma"],
  ['{"a": 1\n"b": 2}', 2, "a comma or `}` is missing before this"],
  ['["a"\n"b"]', 2, "a comma or `]` is missing before this"],
  ["{a: 1}", 1, "a name in double quotes should be here"],
  ["{'a': 1}", 1, "a name in double quotes should be here"],
  ['{"a" 1}', 1, "a colon after `a` should be here"],
  ['{"a": 1,\n"\\u0061": 2}', 2, "`a` stands here twice"],
  ['{"a": 1', 1, "the text ends where a comma or `}` should be"],
  ['{"a":', 1, "the text ends where a value should be"],
  ['{"a": "b\n"}', 1, "this text has no end on its line"],
  ['{"a": "\\x"}', 1, "this text has no end on its line"],
  ["[01]", 1, "a comma or `]` should be here: `1` is none"],
  ["[1.]", 1, "a comma or `]` should be here"],
  ["[NaN]", 1, "a value should be here: `NaN` is none"],
  ["[1] 2", 1, "the document ends before this"],
  ["[".repeat(5000), 1, "this lies more than 100 deep"],
];

for (const [text, line, message] of MISTAKES) {
  test(`a mistake is told with its place: ${String(text).slice(0, 30)}`, () => {
    const { problem, value } = readJson(String(text));
    assert.ok(problem);
    assert.equal(value, undefined);
    assert.ok(problem.message.startsWith(String(message)), problem.message);
    assert.equal(lineOf(String(text), problem.start), line);
    if (!/twice|deep/.test(problem.message)) assert.throws(() => JSON.parse(String(text)));
  });
}

test("whatever is cut or changed is refused where JSON.parse refuses it, and read where it reads it", () => {
  const text = JSON.stringify(DOCUMENT, null, 1);
  for (let cut = 0; cut < text.length; cut += 1) {
    for (const put of ["", ",", "}", "]", '"', "7", "\\", "\n", ":"]) {
      const changed = text.slice(0, cut) + put + text.slice(cut + 1);
      let isJson = true;
      try {
        JSON.parse(changed);
      } catch {
        isJson = false;
      }
      assert.equal(readJson(changed).problem === null, isJson, changed);
    }
  }
});
