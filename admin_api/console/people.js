// The users of the pool, looked up by the admin API where it does that, and only while whoever is signed in may ask.

import { ApiError } from "./api_client.js";

/** @typedef {{name: string, display_name: string | null, status: string, groups: string[]}} User */

// Not granted to this person, switched off, refused by AWS: to ask once more does not help.
const NEVER = [403, 404, 502];
// What Cognito gives as `sub`. Machines and the command line have other names.
const SUB = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What one sign-in has looked up. */
export class People {
  /** @type {Map<string, Promise<string | null>>} */
  #names = new Map();

  /** @param {import("./api_client.js").ApiClient} client @param {boolean} isOn whether the admin API looks anybody up */
  constructor(client, isOn) {
    this.client = client;
    this.isOn = isOn;
  }

  /** Users whose name or address begins with a text. Throws `ApiError`, after which `isOn` tells whether it makes sense to ask again. @param {string} text @returns {Promise<{users: User[], more: boolean}>} */
  async beginningWith(text) {
    return this.#ask({ begins_with: text });
  }

  /** The name of whom a version names as its author, null where nobody can tell. @param {string} sub @returns {Promise<string | null>} */
  nameOf(sub) {
    if (!this.isOn || !SUB.test(sub)) return Promise.resolve(null);
    const known = this.#names.get(sub);
    if (known) return known;
    // A history without names is still one: whatever goes wrong, the `sub` is shown.
    const asked = this.#ask({ sub }).then(({ users: [user] }) => (user ? (user.display_name ?? user.name) : null)).catch(() => null);
    this.#names.set(sub, asked);
    return asked;
  }

  /** @param {Record<string, string>} query */
  async #ask(query) {
    try {
      return (await this.client.ask("users", {}, { query })).value;
    } catch (error) {
      if (error instanceof ApiError && NEVER.includes(error.status)) this.isOn = false;
      throw error;
    }
  }
}
