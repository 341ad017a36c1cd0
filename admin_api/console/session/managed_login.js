// The pool's managed login: authorization code with PKCE (RFC 6749 section 4.1, RFC 7636), for a client that keeps no secret.

import { SignInError } from "./user_pool.js";

/** @typedef {import("./user_pool.js").Config} Config */
/** @typedef {import("./user_pool.js").Tokens} Tokens */

// The verifier proves that the page that asks for tokens is the one that left. It is no token, and it is used once.
const KEPT = "gatebook.sign-in";

/** Leaves for the managed login. @param {Config} config */
export async function leave(config) {
  const verifier = random();
  const state = random();
  sessionStorage.setItem(KEPT, JSON.stringify({ verifier, state, place: location.hash }));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: config.client_id,
    redirect_uri: here(),
    scope: "openid",
    state,
    code_challenge_method: "S256",
    code_challenge: base64url(new Uint8Array(digest)),
  });
  location.assign(`${config.login_url}/oauth2/authorize?${query}`);
}

/** Leaves to end the managed login's own session, which would sign the next person in without a question, and comes back here. @param {Config} config */
export function leaveForGood(config) {
  location.assign(`${config.login_url}/logout?${new URLSearchParams({ client_id: config.client_id, logout_uri: here() })}`);
}

/** Returns the tokens that the page came back for, null if it did not come back from there. Throws where it came back with less. @param {Config} config @returns {Promise<Tokens | null>} */
export async function comeBack(config) {
  const query = new URLSearchParams(location.search);
  if (!query.has("code") && !query.has("error")) return null;
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
  sessionStorage.removeItem(KEPT);
  history.replaceState(null, "", location.pathname + (kept.place ?? ""));
  // What comes with another state is anybody's: neither its code nor its words are taken.
  if (!kept.state || query.get("state") !== kept.state) throw new SignInError("this answer belongs to another sign-in: sign in again");
  if (query.has("error")) throw new SignInError(`the sign-in was refused: ${query.get("error_description") ?? query.get("error")}`);
  return asked(config, { grant_type: "authorization_code", code: query.get("code") ?? "", redirect_uri: here(), code_verifier: kept.verifier }, "");
}

/** @param {Config} config @param {string} refreshToken */
export function renew(config, refreshToken) {
  return asked(config, { grant_type: "refresh_token", refresh_token: refreshToken }, refreshToken);
}

/** @param {Config} config @param {Record<string, string>} fields @param {string} kept @returns {Promise<Tokens>} */
async function asked(config, fields, kept) {
  const body = new URLSearchParams({ client_id: config.client_id, ...fields });
  let response;
  try {
    response = await fetch(`${config.login_url}/oauth2/token`, { method: "POST", body, referrerPolicy: "no-referrer" });
  } catch {
    throw new SignInError("the managed login does not answer: check the network, and try again");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new SignInError(`the sign-in was refused: ${answer.error ?? response.status}`, response.status >= 500 ? "" : String(answer.error));
  return { accessToken: answer.access_token, refreshToken: answer.refresh_token ?? kept, seconds: answer.expires_in };
}

function here() {
  return location.origin + location.pathname;
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
