// Who is signed in. Tokens are held in this module's memory alone: a reload signs out, and nothing on disk or in another tab knows them.

import * as managedLogin from "./managed_login.js";
import { SignInError, UserPool } from "./user_pool.js";

/** @typedef {import("./user_pool.js").Config} Config */
/** @typedef {import("./user_pool.js").Tokens} Tokens */

const EARLY_SECONDS = 60;
const OVER = "Your sign-in is over: sign in again. What you have staged is kept.";

/** A sign-in that ended. */
export class SignedOutError extends Error {
  constructor() {
    super("you are signed out: sign in again");
  }
}

/** The sign-in of this page. */
export class Session {
  /** @type {Tokens | null} */
  #tokens = null;
  #endsAt = 0;
  /** @type {Promise<void> | null} */
  #renewing = null;

  /** @param {Config} config @param {(why: string) => void} onEnd called when a sign-in ends */
  constructor(config, onEnd) {
    this.config = config;
    this.pool = new UserPool(config);
    this.onEnd = onEnd;
  }

  get isSignedIn() {
    return this.#tokens !== null;
  }

  /** What the access token says, for showing alone: the API decides by itself. @returns {{username: string, groups: string[]}} */
  get person() {
    const claims = this.#tokens ? decoded(this.#tokens.accessToken) : {};
    return { username: String(claims.username ?? claims.sub ?? ""), groups: Array.isArray(claims["cognito:groups"]) ? claims["cognito:groups"] : [] };
  }

  /** @param {Tokens} tokens */
  begin(tokens) {
    this.#tokens = tokens;
    this.#endsAt = Date.now() + tokens.seconds * 1000;
  }

  /** Returns an access token that is good for a while, renewed if need be. Throws `SignedOutError`. */
  async token() {
    if (!this.#tokens) throw new SignedOutError();
    if (Date.now() > this.#endsAt - EARLY_SECONDS * 1000) {
      // Many requests may find it old at once: they wait for one renewal.
      this.#renewing ??= this.#renew().finally(() => (this.#renewing = null));
      await this.#renewing;
    }
    if (!this.#tokens) throw new SignedOutError();
    return this.#tokens.accessToken;
  }

  async #renew() {
    const kept = this.#tokens?.refreshToken ?? "";
    try {
      this.begin(this.config.login_url ? await managedLogin.renew(this.config, kept) : await this.pool.renew(kept));
    } catch (error) {
      if (!(error instanceof SignInError) || !error.isTemporary) this.end(OVER);
      // Nobody said no: the next request asks again, and until then the token that is held may do.
      else if (Date.now() >= this.#endsAt) throw error;
    }
  }

  /** Forgets the tokens, for whatever reason the API no longer takes them. @param {string} [why] in words for the person */
  end(why = OVER) {
    if (!this.#tokens) return;
    this.#tokens = null;
    this.onEnd(why);
  }

  /** Signs out, here, at the pool, and at the managed login, which keeps a session of its own. */
  async signOut() {
    const kept = this.#tokens?.refreshToken;
    this.end("You are signed out.");
    // That the pool does not answer keeps nobody signed in here.
    if (kept) await this.pool.revoke(kept).catch(() => undefined);
    if (kept && this.config.login_url) managedLogin.leaveForGood(this.config);
  }
}

/** The claims of a token, unverified: the page shows a name by them, and decides nothing. @param {string} token @returns {Record<string, unknown>} */
export function decoded(token) {
  const body = token.split(".")[1] ?? "";
  const text = atob(body.replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
}
