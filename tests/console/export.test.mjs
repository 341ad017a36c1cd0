import assert from "node:assert/strict";
import { test } from "node:test";
import { PermissionGrid } from "../../admin_api/console/model/permission_grid.js";
import { matrixAsCsv, matrixAsSvg } from "../../admin_api/console/views/matrix/export.js";

/** @param {Record<string, string>} guest */
function grid(guest) {
  const rows = [{ subject: "everyone", cells: {} }, { subject: "group/guest", cells: guest }];
  return new PermissionGrid({ routes: ["GET /a", "ANY /b"] }, rows.map(({ subject, cells }) => ({ subject, delegated: false, cells: Object.entries(cells).map(([route, access]) => ({ route, access })) })));
}

test("an API's name that a spreadsheet would compute has an apostrophe before it", () => {
  assert.equal(matrixAsCsv(grid({ "GET /a": "allowed" }), "-1"), "api,route,everyone,group/guest\r\n'-1,GET /a,,allowed\r\n'-1,ANY /b,,\r\n");
});

test("each verb of an ANY route has a line where one of them differs, also those that nobody may call", () => {
  const lines = matrixAsCsv(grid({ "POST /b": "denied" }), "x").trimEnd().split("\r\n").slice(2);
  assert.deepEqual(lines, ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"].map((verb) => `x,${verb} /b,,${verb === "POST" ? "denied" : ""}`));
});

test("a picture has no element for what nobody wrote", () => {
  assert.equal(matrixAsSvg(grid({ "GET /a": 'allowed where {x} = <a "b">' }), "<x>").match(/<(?!\/?(?:svg|title|rect|text|circle|path|g)\b)/), null);
});
