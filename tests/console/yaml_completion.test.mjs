import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { contextAt, offersAt } from "../../admin_api/console/model/yaml_completion.js";
import { readYaml } from "../../admin_api/console/model/yaml_document.js";

const SCHEMA = JSON.parse(readFileSync(new URL("../../authorizer/policy/document.schema.json", import.meta.url), "utf8"));

const HEAD = `api: petstore
routes:
- GET /pets
- GET /pets/{petId}
- {route: GET /admin/reports, public: true}
groups:
  guest:
    allow:
    - GET /pets
  owner:
    inherits: [guest]
    allow:
    - {route: 'GET /pets/{petId}', where: {petId: tenant}}
clients:
  robot: {}
scopes:
  pets/read: {}
`;

/** What is offered where `|` stands, as it would be written. @param {string} marked */
function offered(marked) {
  const at = marked.indexOf("|");
  const text = marked.slice(0, at) + marked.slice(at + 1);
  const context = contextAt(text, at);
  if (!context) return null;
  const { from, offers } = offersAt(context, SCHEMA);
  return { context, from, text, at, labels: offers.map((each) => each.label), applied: offers.map((each) => text.slice(0, from) + each.apply + text.slice(at)), offers };
}

/** @param {string} marked @returns {any} */
const labels = (marked) => offered(marked)?.labels ?? null;

test("names are those of the schema that the mapping has not", () => {
  const top = ["api", "enforced", "routes", "everyone", "groups", "clients", "scopes", "rules"];
  assert.deepEqual(labels("|"), top);
  assert.deepEqual(labels("gr|"), top);
  assert.deepEqual(labels("api: x\n|"), top.slice(1));
  assert.deepEqual(labels("|\napi: x\n"), top.slice(1));
  assert.deepEqual(labels('{"api": "x", "|'), top.slice(1));
  assert.deepEqual(labels(`${HEAD.replace("    allow:\n    - GET /pets\n", "    |\n")}`), ["inherits", "allow", "deny"]);
  assert.deepEqual(labels(`${HEAD.replace("    allow:\n    - GET /pets\n", "    allow: []\n    d|\n")}`), ["inherits", "deny"]);
  assert.deepEqual(labels(HEAD.replace("robot: {}", "robot:\n    |")), ["delegated", "allow", "deny"]);
  assert.deepEqual(labels(`${HEAD}everyone:\n  allow:\n  - route: GET /pets\n    |`), ["except", "where", "until"]);
  assert.deepEqual(labels(`${HEAD}everyone:\n  deny:\n  - {route: GET /pets, |}`), ["until"]);
  assert.deepEqual(labels(`${HEAD}rules:\n- |`), ["never", "only", "implies", "equal", "disjoint"]);
  // A rule has one name.
  assert.deepEqual(labels(`${HEAD}rules:\n- never: x\n  |`), []);
});

test("names explain themselves in the schema's words", () => {
  const inherits = offered(HEAD.replace("    allow:\n    - GET /pets\n", "    |\n"))?.offers[0];
  assert.equal(inherits?.detail, SCHEMA.$defs.group.properties.inherits.title);
  assert.equal(inherits?.info, SCHEMA.$defs.group.properties.inherits.description);
});

test("values are what the document speaks of", () => {
  assert.deepEqual(labels(HEAD.replace("[guest]", "[guest, |]")), []);
  assert.deepEqual(labels(HEAD.replace("[guest]", "[|]")), ["guest"]);
  assert.deepEqual(labels(HEAD.replace("    inherits: [guest]\n", "    inherits:\n    - gu|\n")), ["guest"]);
  assert.deepEqual(labels("enforced: [|]"), ["request", "route", "token"]);
  assert.deepEqual(labels("routes:\n- route: GET /a\n  public: |"), ["true", "false"]);
  const selectors = ["GET /pets", "GET /pets/{petId}", "GET /admin/reports", "* /admin/**", "* /pets/**", "* /**", "GET /**"];
  assert.deepEqual(labels(`${HEAD}everyone:\n  allow:\n  - G|`)?.slice(0, 7), selectors);
  assert.deepEqual(labels(`${HEAD}everyone:\n  allow:\n  - route: |`), selectors);
  assert.deepEqual(labels(`${HEAD}everyone:\n  allow:\n  - {route: '* /**', except: [|]}`), selectors);
  assert.deepEqual(labels(HEAD.replace("- GET /pets\n-", "- GET /pets\n- |\n-"))?.slice(0, 3), ["GET /", "HEAD /", "OPTIONS /"]);
  assert.deepEqual(labels(HEAD.replace("tenant", "|")), ["sub"]);
  assert.deepEqual(labels(`${HEAD}everyone:\n  allow:\n  - route: GET /pets/{petId}\n    where:\n      |`), ["petId"]);
  assert.deepEqual(labels(`${HEAD}everyone:\n  allow:\n  - route: GET /pets/{petId}\n    where:\n      petId: |`), ["sub", "tenant"]);
});

test("a group that others inherit from may be defined", () => {
  assert.deepEqual(labels("groups:\n  a:\n    inherits: [b, c]\n  c: {}\n  |"), ["b"]);
});

test("a rule has subjects, an arrow and routes", () => {
  const subjects = ["guest", "owner", "everyone", "client/robot", "scope/pets/read"];
  assert.deepEqual(labels(`${HEAD}rules:\n- never: g|`), subjects);
  assert.deepEqual(labels(`${HEAD}rules:\n- never: guest, |`), subjects);
  assert.deepEqual(labels(`${HEAD}rules:\n- never: {subjects: [|]}`), subjects);
  assert.ok(labels(`${HEAD}rules:\n- never: guest -> |`)?.includes("* /pets/**"));
  assert.ok(labels(`${HEAD}rules:\n- never: {routes: |}`)?.includes("* /pets/**"));
  assert.ok(labels(`${HEAD}rules:\n- implies: |`)?.includes("GET /pets"));
  const [first] = offered(`${HEAD}rules:\n- never: guest -> |`)?.applied ?? [];
  assert.ok(first.endsWith("- never: guest -> GET /pets"));
});

test("nothing is offered in comments, behind a value and within a word", () => {
  for (const marked of ["# |", "api: x # |", "api: 'x' |", "ap|i: x", "api: petstore\n  |", "api: [x] y|z"]) assert.equal(labels(marked), null, marked);
});

test("what is chosen is read as what was offered, in each way of writing", () => {
  const places = [
    `${HEAD}everyone:\n  allow:\n  - |\n`,
    `${HEAD}everyone:\n  allow:\n  - * /a|\n`,
    `${HEAD}everyone:\n  allow:\n  - '|\n`,
    `${HEAD}everyone:\n  allow:\n  - '|'\n`,
    `${HEAD}everyone:\n  allow:\n  - "* /|"\n`,
    `${HEAD}everyone:\n  allow: [|]\n`,
    `${HEAD}everyone:\n  allow: [GET /pets, "|]\n`,
    `{"routes": ["GET /pets/{petId}"],\n "everyone": {"allow": [\n  "G|"\n]}}`,
    `{"routes": ["GET /pets/{petId}"], "everyone": {"allow": ["GET /pets", |]}}`,
  ];
  for (const place of places) {
    const found = offered(place);
    assert.ok(found && found.offers.length > 2, place);
    for (const [number, { label, detail }] of found.offers.entries()) {
      if (!detail?.startsWith("route")) continue;
      const { value, mistakes } = readYaml(found.applied[number]);
      assert.deepEqual(mistakes, [], found.applied[number]);
      assert.equal(value.everyone.allow.at(-1), label);
    }
  }
});

test("a name is written with what must follow it", () => {
  const applied = (/** @type {string} */ marked, /** @type {string} */ label) => {
    const found = offered(marked);
    return found?.applied[found.labels.indexOf(label)];
  };
  assert.equal(applied("gr|", "groups"), "groups:\n  ");
  assert.equal(applied("groups:\n  a:\n    |", "allow"), "groups:\n  a:\n    allow:\n    - ");
  assert.equal(applied("|", "api"), "api: ");
  assert.equal(applied('{"|"', "api"), '{"api"');
  assert.equal(applied('{"|', "api"), '{"api": ');
  assert.equal(applied('{"|": 1}', "api"), '{"api": 1}');
  assert.equal(applied("groups: {a: {|}}", "allow"), "groups: {a: {allow: }}");
});

test("wherever the cursor stands in whatever is half written, nothing fails", () => {
  for (const text of [HEAD, JSON.stringify(readYaml(HEAD).value, null, 1)]) {
    for (let at = 0; at <= text.length; at += 3) {
      for (const rest of [text.slice(at), "\n"]) {
        const context = contextAt(text.slice(0, at) + rest, at);
        if (context) assert.ok(offersAt(context, SCHEMA).from <= at);
      }
    }
  }
});
