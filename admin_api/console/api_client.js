// The one module that talks to the admin API. A test holds its operations against the API's OpenAPI document.

/** @typedef {import("./session/session.js").Session} Session */
/** @typedef {{value: any, etag: string}} Answer */

/** Method and path of everything that the console asks for. @satisfies {Record<string, [string, string]>} */
export const OPERATIONS = {
  apis: ["GET", "/v1/apis"],
  users: ["GET", "/v1/users"],
  api: ["GET", "/v1/apis/{api}"],
  document: ["GET", "/v1/apis/{api}/document"],
  replaceDocument: ["PUT", "/v1/apis/{api}/document"],
  changeDocument: ["PATCH", "/v1/apis/{api}/document"],
  matrix: ["GET", "/v1/apis/{api}/matrix"],
  explain: ["POST", "/v1/apis/{api}/explain"],
  versions: ["GET", "/v1/apis/{api}/versions"],
  version: ["GET", "/v1/apis/{api}/versions/{number}"],
  diff: ["GET", "/v1/apis/{api}/versions/{number}/diff"],
  rollBack: ["POST", "/v1/apis/{api}/versions/{number}/rollback"],
  denylist: ["GET", "/v1/apis/{api}/denylist"],
  block: ["PUT", "/v1/apis/{api}/denylist/{kind}/{value}"],
  unblock: ["DELETE", "/v1/apis/{api}/denylist/{kind}/{value}"],
};

const PLAIN = /^[A-Za-z0-9._-]+$/;

/** What the admin API says no to (RFC 9457), or that nobody answered: then `status` is 0. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message @param {any} problem */
  constructor(status, message, problem = {}) {
    super(message);
    this.status = status;
    /** The end of the problem's type, such as `damaged`. */
    this.kind = String(problem.type ?? "").replace(/^.*:/, "");
    /** @type {{pointer: string, message: string}[]} */
    this.places = problem.problems ?? [];
    /** @type {string[]} */
    this.changes = problem.changes ?? [];
    this.currentVersion = problem.current_version ?? null;
  }
}

/** Asks the admin API as the person who is signed in. */
export class ApiClient {
  /** @param {string} root where the API's paths begin, such as `https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/admin` @param {Session} session */
  constructor(root, session) {
    this.root = root;
    this.session = session;
  }

  /**
   * The answer to one operation. Throws `ApiError`.
   *
   *     ask("diff", { api: "petstore", number: 3 }, { query: { to: 5 } })
   *
   * @param {keyof typeof OPERATIONS} operation
   * @param {Record<string, string | number>} [parameters] of the path
   * @param {{query?: Record<string, unknown>, body?: unknown, ifMatch?: string}} [rest]
   * @returns {Promise<Answer>}
   */
  async ask(operation, parameters = {}, { query = {}, body, ifMatch } = {}) {
    const [method, path] = OPERATIONS[operation];
    const url = new URL(this.root + path.replace(/\{(\w+)\}/g, (_, name) => segment(String(parameters[name]))));
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, String(value));
    }
    /** @type {Record<string, string>} */
    const headers = { Authorization: `Bearer ${await this.session.token()}` };
    if (body !== undefined) headers["Content-Type"] = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    if (ifMatch) headers["If-Match"] = ifMatch;
    let response;
    try {
      response = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
    } catch {
      throw new ApiError(0, "the admin API does not answer: check the network, and try again");
    }
    const value = await response.json().catch(() => null);
    if (response.ok) return { value, etag: response.headers.get("ETag") ?? "" };
    if (response.status === 401) {
      this.session.end();
      throw new ApiError(401, "your sign-in is not taken any more: sign in again", value ?? {});
    }
    throw new ApiError(response.status, wordsOf(response.status, value), value ?? {});
  }

  /**
   * Every item of a list that comes in pages.
   *
   * @param {keyof typeof OPERATIONS} operation
   * @param {Record<string, string | number>} parameters
   * @param {string} field the name of the list in each page
   * @param {Record<string, unknown>} [query]
   * @param {(soFar: any[]) => void} [onPage] called after each page
   * @returns {Promise<any[]>}
   */
  async all(operation, parameters, field, query = {}, onPage = () => undefined) {
    const items = [];
    let cursor;
    do {
      const { value } = await this.ask(operation, parameters, { query: { ...query, cursor } });
      items.push(...value[field]);
      onPage(items);
      cursor = value.next;
    } while (cursor);
    return items;
  }
}

/** A name as a segment of a path: `~` and base64url where it has other characters than the plain ones. @param {string} name */
function segment(name) {
  if (PLAIN.test(name)) return name;
  const bytes = new TextEncoder().encode(name);
  return `~${btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/** @param {number} status @param {any} problem */
function wordsOf(status, problem) {
  if (problem?.problems?.length && problem.title) return problem.title;
  if (problem?.detail) return problem.detail;
  if (status === 403) return "you may not do this: an admin can give you the permission";
  if (status === 500 || status === 503) return "the admin API has trouble: try again in a moment; its log tells the cause";
  return `the admin API answers ${status}${problem?.message ? `: ${problem.message}` : ""}`;
}
