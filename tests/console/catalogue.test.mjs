import assert from "node:assert/strict";
import { test } from "node:test";
import { catalogueOf } from "../../admin_api/console/model/catalogue.js";
import { PermissionGrid } from "../../admin_api/console/model/permission_grid.js";

/** @param {(string | object)[]} routes @param {Record<string, Record<string, string>>} access */
function words(routes, access) {
  const rows = Object.entries(access).map(([subject, cells]) => ({ subject, delegated: false, cells: Object.entries(cells).map(([route, each]) => ({ route, access: each })) }));
  return Object.fromEntries([...catalogueOf(new PermissionGrid({ routes }, rows))].map(([path, entries]) => [path, entries.map((each) => `${each.route}: ${each.words}`)]));
}

test("callers are counted by kind", () => {
  const access = { everyone: {}, "group/a": { "GET /x": "allowed where {b} = sub" }, "group/b": { "GET /x": "denied", "POST /x": "allowed" }, "client/c": { "GET /x": "allowed" } };
  assert.deepEqual(words(["POST /x", "GET /x", "GET /y", { route: "GET /h", public: true }], access), {
    "/h": ["GET /h: anybody, without a token"],
    "/x": ["GET /x: 1 of 2 groups, 1 of 1 client", "POST /x: 1 of 2 groups"],
    "/y": ["GET /y: nobody"],
  });
});

test("everyone is everyone but whom a deny names", () => {
  const all = { "GET /x": "allowed" };
  assert.deepEqual(words(["GET /x"], { everyone: all, "group/a": all }), { "/x": ["GET /x: everyone with a token"] });
  assert.deepEqual(words(["GET /x"], { everyone: all, "group/a": all, "group/b": { "GET /x": "denied" } }), { "/x": ["GET /x: everyone with a token but 1 of 2 groups"] });
});

test("the verbs of an ANY route count together, without those that are listed by themselves", () => {
  assert.deepEqual(words(["ANY /x", "GET /x"], { everyone: {}, "group/a": { "GET /x": "allowed" }, "group/b": { "POST /x": "allowed", "PUT /x": "allowed" } }), { "/x": ["ANY /x: 1 of 2 groups", "GET /x: 1 of 2 groups"] });
});
