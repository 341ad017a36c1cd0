import assert from "node:assert/strict";
import { test } from "node:test";
import { lineOf, placeAt, readYaml, writeScalar, writeYaml } from "../../admin_api/console/model/yaml_document.js";

const DOCUMENT = {
  api: "petstore",
  routes: ["GET /a", { route: "GET /b", public: true }],
  groups: { "a/b~c": { allow: [] }, ä: { inherits: ["x", "y"], allow: [{ route: "* /**", until: "2026-12-01T00:00:00Z" }] }, none: null },
};

/** @param {string} text @param {string} pointer */
function at(text, pointer) {
  const { start, end } = placeAt(readYaml(text).places, pointer);
  return [lineOf(text, start), text.slice(start, end)];
}

test("a pointer leads to its line, in YAML and in JSON", () => {
  const text = writeYaml(DOCUMENT);
  assert.deepEqual(at(text, "/api"), [1, "api"]);
  assert.deepEqual(at(text, "/routes"), [2, "routes"]);
  assert.deepEqual(at(text, "/routes/0"), [3, "GET /a"]);
  assert.deepEqual(at(text, "/routes/1"), [4, "r"]);
  assert.deepEqual(at(text, "/routes/1/public"), [5, "public"]);
  assert.deepEqual(at(text, "/groups/a~1b~0c/allow"), [8, "allow"]);
  assert.deepEqual(at(text, "/groups/ä/inherits/1"), [12, "y"]);
  assert.deepEqual(at(text, ""), [1, "a"]);
  const json = JSON.stringify(DOCUMENT, null, 2);
  assert.deepEqual(at(json, "/routes/1/public"), [7, '"public"']);
  assert.deepEqual(at(json, "/groups/ä/inherits/1"), [17, '"y"']);
  assert.deepEqual(at(json, ""), [1, "{"]);
});

test("a pointer to what is not there leads to what would hold it", () => {
  assert.deepEqual(at("groups:\n  a: {}\n", "/groups/a/allow/7"), [2, "a"]);
  assert.deepEqual(at("api: x", "/routes"), [1, "a"]);
});

test("the value is what the text says", () => {
  for (const value of [DOCUMENT, [], {}, "\"\\\n\u2028 '", null, true, [[[]]], { "": { "": "1" } }, ["yes", "1_0", "~", "=", "<<", "0o7", "1e3", "- x", "a: b", "* x"]]) {
    for (const text of [writeYaml(value), JSON.stringify(value), JSON.stringify(value, null, 2)]) {
      assert.deepEqual(readYaml(text).mistakes, [], text);
      assert.deepEqual(readYaml(text).value, value, text);
    }
  }
});

test("a name that an object has of itself is a name like others", () => {
  assert.deepEqual(Object.entries(readYaml("__proto__: 1\nconstructor: x\n").value), [["__proto__", 1], ["constructor", "x"]]);
});

const MISTAKES = [
  ["", 1, "there is no text"],
  ["# nothing\n", 1, "there is no text"],
  ["a: 1\nb: 2\na: 3", 3, "`a` stands in line 1 already"],
  ['{"a": 1,\n"\\u0061": 2}', 2, "`a` stands in line 1 already"],
  ["a: &x 1\nb: *x", 2, "the alias `*x` is not followed"],
  ["a: 1\n*a : 2", 2, "the alias `*a` is not followed"],
  ["a:\n- !foo x", 2, "the tag `!foo` means nothing here"],
  ["a: !!binary x", 1, "the tag `tag:yaml.org,2002:binary` means nothing here"],
  ["a: x\nyes: 1", 2, "YAML reads `yes` as `true`, and a name is text"],
  ["1: a", 1, "YAML reads `1` as `1`, and a name is text"],
  ["? [a]\n: b", 1, "a list or mapping is no name"],
  [": b", 1, "a name is missing here"],
  ["a: 1\n---\nb: 2", 2, "a second document begins here"],
  ["a:\n\t- b", 2, "a tab does not indent in YAML"],
  ["a: b: c", 1, "a colon and a space make an entry"],
  ["a: 1\nb\nc: 2", 2, "a colon is missing behind this name"],
  ["a\nb: 2", 1, "a name ends on its line with a colon"],
  ["a: *", 1, "an alias is a star and a name"],
  ["a: [1\nb: 2", 2, ""],
  ["a: 'x\n", 2, "missing closing 'quote"],
  ["[".repeat(5000), 1, "this is nested too deeply"],
  ["- ".repeat(200) + "x", 1, "this is nested too deeply"],
];

for (const [text, line, message] of MISTAKES) {
  test(`a mistake is told with its place: ${String(text).slice(0, 30)}`, () => {
    const { mistakes } = readYaml(String(text));
    const told = mistakes.find((each) => each.message.startsWith(String(message)));
    assert.ok(told, JSON.stringify(mistakes));
    assert.equal(lineOf(String(text), told.start), line);
    assert.ok(told.start <= told.end && told.end <= String(text).length);
  });
}

test("all mistakes are told, in their order", () => {
  const { mistakes } = readYaml("a: 1\na: 2\nb: !x 3\nb: 4\n");
  assert.deepEqual(mistakes.map(({ start, end }) => [start, end]), [[5, 6], [16, 17], [18, 19]].sort((a, b) => a[0] - b[0]));
});

test("a scalar is quoted where it must be", () => {
  assert.equal(writeScalar("GET /pets/{petId}", false), "GET /pets/{petId}");
  assert.equal(writeScalar("GET /pets/{petId}", true), "'GET /pets/{petId}'");
  assert.equal(writeScalar("* /**", false), "'* /**'");
  assert.equal(writeScalar("yes", false), "'yes'");
});

test("whatever is cut or changed is told or read, and every place lies in the text", () => {
  const text = writeYaml(DOCUMENT);
  for (let cut = 0; cut < text.length; cut += 2) {
    for (const put of ["", "[", '"', "\t", ": ", "*"]) {
      const changed = text.slice(0, cut) + put + text.slice(cut + 1);
      const { value, places, mistakes } = readYaml(changed);
      assert.ok(value !== undefined || mistakes.length > 0, changed);
      for (const { start, end } of [...places.values(), ...mistakes]) assert.ok(0 <= start && start <= end && end <= changed.length + 1, changed);
    }
  }
});
