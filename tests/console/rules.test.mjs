import assert from "node:assert/strict";
import { test } from "node:test";
import { RULE_KINDS, ruleOf, textOf } from "../../admin_api/console/model/rules.js";

test("a line is a rule, with or without what YAML has around it", () => {
  const rule = { never: "guest -> DELETE /**" };
  for (const line of ["never: guest -> DELETE /**", ' - never: "guest -> DELETE /**" ', "never:guest -> DELETE /**", "never: 'guest -> DELETE /**'"]) assert.deepEqual(ruleOf(line), rule);
  assert.deepEqual(ruleOf("only: [admin, client/a:b] -> /**"), { only: "[admin, client/a:b] -> /**" });
});

test("every kind is read back as it is shown", () => {
  for (const [kind, { example }] of Object.entries(RULE_KINDS)) assert.deepEqual(ruleOf(textOf({ [kind]: example })), { [kind]: example });
});

test("a rule in fields is shown as a line", () => {
  assert.equal(textOf({ never: { subjects: ["guest", "partner"], routes: "/**" } }), "never: guest, partner -> /**");
  assert.equal(textOf({ equal: ["a", "b"] }), "equal: a, b");
});

test("what is no rule is told how to write one", () => {
  for (const line of ["", "guest", "allow: guest", "constructor: x", ": x"]) assert.throws(() => ruleOf(line), /a rule begins with `never:`/);
  assert.throws(() => ruleOf("equal:  "), /as in `equal: guest, partner`/);
});
