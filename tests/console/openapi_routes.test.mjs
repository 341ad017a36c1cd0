import assert from "node:assert/strict";
import { test } from "node:test";
import { additions, differencesOf, readDefinition } from "../../admin_api/console/model/openapi_routes.js";

/** @param {Record<string, unknown>} paths @param {Record<string, unknown>} more */
function read(paths, more = {}) {
  return readDefinition(JSON.stringify({ openapi: "3.0.1", info: { title: "pets" }, paths, ...more }), "pets.json");
}

/** @param {string[]} catalogue @param {string[]} file */
function compared(catalogue, file) {
  const { lacking, gone, renamed } = differencesOf(catalogue, file.map((route) => ({ route, pointer: "" })));
  return [lacking.map((each) => `${each.route} ${each.verbs.length}`), gone.map((each) => each.route), renamed.map((each) => `${each.route} ${each.theirs}`)];
}

test("methods of paths are routes", () => {
  const { routes, unread, title } = read({ "/pets/": { get: {}, parameters: [], "x-internal": {} }, "/a~b": { "x-amazon-apigateway-any-method": {} }, "/$default": { "x-amazon-apigateway-any-method": {} }, "x-more": { get: {} } });
  assert.equal(title, "pets");
  assert.deepEqual(routes, [
    { route: "GET /pets", pointer: "/paths/~1pets~1/get" },
    { route: "ANY /a~b", pointer: "/paths/~1a~0b/x-amazon-apigateway-any-method" },
    { route: "ANY /", pointer: "/paths/~1$default/x-amazon-apigateway-any-method" },
    { route: "ANY /{proxy+}", pointer: "/paths/~1$default/x-amazon-apigateway-any-method" },
  ]);
  assert.deepEqual(unread, []);
});

test("a reference within the definition is followed, one that leads nowhere is told", () => {
  const items = { components: { pathItems: { Pet: { get: {} }, Circle: { $ref: "#/components/pathItems/Circle" } } } };
  const { routes, unread } = read({ "/a": { $ref: "#/components/pathItems/Pet", post: {} }, "/b": { $ref: "other.json" }, "/c": { $ref: "#/components/pathItems/Circle" } }, items);
  assert.deepEqual(routes.map((each) => each.route), ["POST /a", "GET /a"]);
  assert.deepEqual(unread, ["/b: no operations stand here", "/c: no operations stand here"]);
});

test("what API Gateway has not is told", () => {
  const { routes, unread } = read({ "/{id}.json": { get: {} }, "/a/{b+}/c": { get: {} }, "/t": { trace: {} } });
  assert.deepEqual(routes, []);
  assert.equal(unread.length, 3);
});

test("a file that is none of JSON gets the remedy", () => {
  for (const [text, name] of [["openapi: 3.0.1", "a.yaml"], ["openapi: 3.0.1", "a.txt"], ["{}", "a.YML"]]) assert.throws(() => readDefinition(text, name), /is YAML.*gatebook drift/);
  assert.throws(() => readDefinition("nix", "a.json"), /no JSON/);
  assert.throws(() => readDefinition("{", "a.json"), /JSON with a mistake: ./);
  assert.throws(() => readDefinition("[]", "a.json"), /a list or a single value/);
  assert.throws(() => readDefinition("{}", "a.json"), /neither `openapi` nor `swagger`/);
  assert.throws(() => readDefinition('{"swagger": "2.0"}', "a.json"), /no `paths`/);
});

test("parameters are compared by place", () => {
  assert.deepEqual(compared(["GET /pets/{petId}"], ["GET /pets/{id}"]), [[], [], ["/pets/{petId} /pets/{id}"]]);
  assert.deepEqual(compared(["GET /pets/{petId}"], ["GET /pets/{id+}"]), [["GET /pets/{id+} 1"], [], []]);
  assert.deepEqual(compared(["GET /pets/{petId}"], ["GET /pets/export"]), [["GET /pets/export 1"], ["GET /pets/{petId}"], []]);
});

test("ANY stands for every verb, and a verb beats it", () => {
  assert.deepEqual(compared(["ANY /a"], ["GET /a", "POST /a"]), [[], [], []]);
  assert.deepEqual(compared(["GET /a"], ["ANY /a"]), [["ANY /a 6"], [], []]);
  assert.deepEqual(compared(["GET /a", "ANY /a"], ["GET /a"]), [[], ["ANY /a"], []]);
  assert.deepEqual(compared(["GET /a"], ["ANY /a", "GET /a"]), [["ANY /a 6"], [], []]);
});

test("a greedy route of the file serves what the catalogue names below it", () => {
  assert.deepEqual(compared(["GET /a/b", "GET /c", "GET /a"], ["ANY /a/{proxy+}"]), [["ANY /a/{proxy+} 7"], ["GET /c", "GET /a"], []]);
  assert.deepEqual(compared(["GET /"], ["ANY /{proxy+}"])[1], ["GET /"]);
});

test("messages of WebSocket APIs are left out", () => {
  assert.deepEqual(compared(["WS $connect"], ["GET /a"]), [["GET /a 1"], [], []]);
});

test("what to add has the names of the catalogue", () => {
  const { lacking } = differencesOf(["GET /pets/{petId}", "GET /a"], ["ANY /a", "DELETE /pets/{id}", "OPTIONS /pets/{id}", "ANY /new"].map((route) => ({ route, pointer: "" })));
  assert.deepEqual(additions(["GET /pets/{petId}", "GET /a"], lacking), ["HEAD /a", "OPTIONS /a", "POST /a", "PUT /a", "PATCH /a", "DELETE /a", "DELETE /pets/{petId}", "ANY /new"]);
});
