// Reads what is published of an API as a grid: for the views that show it, and for reviews that begin anew on it.

import { PermissionGrid, subjectsAtOnce } from "./model/permission_grid.js";

/**
 * The permissions of an API, and the version that they are of. Throws `ApiError`.
 *
 * @param {import("./api_client.js").ApiClient} client
 * @param {string} api
 * @returns {Promise<{grid: PermissionGrid, etag: string}>}
 */
export async function readGrid(client, api) {
  const { value, etag } = await client.ask("document", { api });
  const rows = await client.all("matrix", { api }, "rows", { limit: subjectsAtOnce(value) });
  return { grid: new PermissionGrid(value, rows), etag };
}
