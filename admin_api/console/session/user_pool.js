// Asks the user pool (Amazon Cognito user pools API reference): signing in, the challenges that may follow, and renewing.

import { SrpExchange } from "./srp.js";

/** @typedef {{client_id: string, pool_id: string, pool_url: string, login_url: string, user_directory: boolean}} Config */
/** @typedef {{accessToken: string, refreshToken: string, seconds: number}} Tokens */
/** @typedef {{name: string, session: string, user: string, parameters: Record<string, string>}} Challenge */

/** What the pool says no to, in words for the person. */
export class SignInError extends Error {}

const WORDS = {
  NotAuthorizedException: "name or password is wrong",
  UserNotFoundException: "name or password is wrong",
  UserNotConfirmedException: "this user is not confirmed yet: use the code that was sent, or ask an admin",
  PasswordResetRequiredException: "the password has to be reset: ask an admin",
  TooManyRequestsException: "too many attempts: wait a minute and try again",
  LimitExceededException: "too many attempts: wait a minute and try again",
  CodeMismatchException: "that code is wrong",
  ExpiredCodeException: "that code is too old: sign in again",
  InvalidPasswordException: "the new password does not follow the pool's rules",
};

/** One user pool, through one client without a secret. */
export class UserPool {
  /** @param {Config} config */
  constructor(config) {
    this.config = config;
  }

  /**
   * Proves the password. Returns tokens, or the challenge that comes before them. Throws `SignInError`.
   *
   * @param {string} name
   * @param {string} password
   * @returns {Promise<Tokens | Challenge>}
   */
  async signIn(name, password) {
    const exchange = new SrpExchange();
    const asked = await this.#ask("InitiateAuth", {
      AuthFlow: "USER_SRP_AUTH",
      AuthParameters: { USERNAME: name, SRP_A: exchange.sent },
    });
    if (asked.ChallengeName !== "PASSWORD_VERIFIER") return this.#outcome(asked, name, "");
    const answers = await exchange.answer(this.config.pool_id, password, asked.ChallengeParameters);
    const answered = await this.#ask("RespondToAuthChallenge", {
      ChallengeName: "PASSWORD_VERIFIER",
      ChallengeResponses: answers,
      ...(asked.Session ? { Session: asked.Session } : {}),
    });
    return this.#outcome(answered, answers.USERNAME, "");
  }

  /**
   * Answers a challenge: `NEW_PASSWORD_REQUIRED` with `NEW_PASSWORD`, `SOFTWARE_TOKEN_MFA` with `SOFTWARE_TOKEN_MFA_CODE`, and so on.
   *
   * @param {Challenge} challenge
   * @param {Record<string, string>} answers
   * @returns {Promise<Tokens | Challenge>}
   */
  async answer(challenge, answers) {
    const answered = await this.#ask("RespondToAuthChallenge", {
      ChallengeName: challenge.name,
      ChallengeResponses: { USERNAME: challenge.user, ...answers },
      Session: challenge.session,
    });
    return this.#outcome(answered, challenge.user, "");
  }

  /** @param {string} refreshToken @returns {Promise<Tokens>} */
  async renew(refreshToken) {
    const answer = await this.#ask("InitiateAuth", { AuthFlow: "REFRESH_TOKEN_AUTH", AuthParameters: { REFRESH_TOKEN: refreshToken } });
    return /** @type {Tokens} */ (this.#outcome(answer, "", refreshToken));
  }

  /** Takes a sign-in back, so that nobody renews it. @param {string} refreshToken */
  async revoke(refreshToken) {
    await this.#ask("RevokeToken", { Token: refreshToken });
  }

  /** @param {any} answer @param {string} user @param {string} kept @returns {Tokens | Challenge} */
  #outcome(answer, user, kept) {
    const given = answer.AuthenticationResult;
    if (given) return { accessToken: given.AccessToken, refreshToken: given.RefreshToken ?? kept, seconds: given.ExpiresIn };
    return { name: answer.ChallengeName, session: answer.Session, user, parameters: answer.ChallengeParameters ?? {} };
  }

  /** @param {string} operation @param {Record<string, unknown>} body */
  async #ask(operation, body) {
    let response;
    try {
      response = await fetch(`${this.config.pool_url}/`, {
        method: "POST",
        headers: { "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": `AWSCognitoIdentityProviderService.${operation}` },
        body: JSON.stringify({ ClientId: this.config.client_id, ...body }),
        referrerPolicy: "no-referrer",
      });
    } catch {
      throw new SignInError("the user pool does not answer: check the network, and try again");
    }
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    const kind = String(answer.__type ?? "").replace(/^.*#/, "");
    throw new SignInError(WORDS[/** @type {keyof typeof WORDS} */ (kind)] ?? `the user pool refuses: ${answer.message ?? response.status}`);
  }
}
