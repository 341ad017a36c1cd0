import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, merged } from "../../admin_api/console/model/document_merge.js";

const BASE = { api: "p", routes: ["A", "B"], everyone: { allow: ["A"] }, groups: { g: { allow: ["A", { route: "B", where: { b: "sub" } }] } } };

test("what one changed alone stands", () => {
  const changed = { ...BASE, groups: { h: { allow: ["B"] } } };
  assert.deepEqual(merged(BASE, changed, BASE), changed);
  assert.deepEqual(merged(BASE, BASE, changed), changed);
  assert.deepEqual(merged(BASE, changed, changed), changed);
});

test("both add to and take out of one list", () => {
  assert.deepEqual(merged(["x", "y"], ["x", "m"], ["y", "t", "x"]), ["t", "x", "m"]);
  assert.deepEqual(merged({ a: ["x"] }, { a: ["x", "y"] }, { a: ["x", "z"] }), { a: ["x", "z", "y"] });
  assert.deepEqual(merged({}, { a: ["m", "b"] }, { a: ["t", "b"] }), { a: ["t", "b", "m"] });
});

test("entries are compared by what they say", () => {
  const mine = { groups: { g: { allow: ["A", { where: { b: "sub" }, route: "B" }, "C"] } } };
  assert.deepEqual(merged({ groups: BASE.groups }, mine, { groups: { g: { allow: [BASE.groups.g.allow[1]] } } }), { groups: { g: { allow: [BASE.groups.g.allow[1], "C"] } } });
});

test("what one took out stays out, what only the other has stays in", () => {
  assert.deepEqual(merged({ a: 1, b: 2 }, { a: 1 }, { a: 1, b: 2, c: 3 }), { a: 1, c: 3 });
  assert.deepEqual(merged({ g: { allow: ["A"] } }, {}, { g: { allow: ["A", "B"] } }), {});
});

test("where both changed the very same text it is mine", () => {
  assert.deepEqual(merged({ a: 1 }, { a: 2 }, { a: 3 }), { a: 2 });
});

test("a name such as __proto__ is a name", () => {
  const mine = JSON.parse('{"g": {"__proto__": {"allow": ["A"]}}}');
  assert.equal(JSON.stringify(merged({ g: {} }, mine, { g: { x: 1 } })), '{"g":{"x":1,"__proto__":{"allow":["A"]}}}');
});

test("differences are told with their places", () => {
  const after = { api: "q", routes: ["B", "A"], groups: { g: { allow: ["A", "C"] }, "a/b": {} } };
  assert.deepEqual(differences(BASE, after), [
    "/api: p is q now",
    "/routes: the order",
    "/everyone taken out",
    '/groups/g/allow: {"route":"B","where":{"b":"sub"}} taken out',
    "/groups/g/allow: C added",
    "/groups/a~1b added",
  ]);
  assert.deepEqual(differences(BASE, structuredClone(BASE)), []);
  assert.equal(differences([], Array.from({ length: 60 }, (_, number) => number)).at(-1), "and 10 more");
});
