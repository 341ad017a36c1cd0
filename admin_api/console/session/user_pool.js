// Asks the user pool (Amazon Cognito user pools API reference): signing in, the challenges that may follow, and renewing.

import { SrpExchange } from "./srp.js";

/** @typedef {{client_id: string, pool_id: string, pool_url: string, login_url: string, user_directory: boolean}} Config */
/** @typedef {{accessToken: string, refreshToken: string, seconds: number}} Tokens */
/** @typedef {{name: string, session: string, user: string, parameters: Record<string, string>}} Challenge */

/** @type {Record<string, string>} */
const WORDS = {
  NotAuthorizedException: "name or password is wrong",
  UserNotFoundException: "name or password is wrong",
  UserNotConfirmedException: "this user is not confirmed yet: use the code that was sent, or ask an admin",
  PasswordResetRequiredException: "the password has to be reset: ask an admin to set a new one",
  TooManyRequestsException: "too many attempts: wait a minute and try again",
  LimitExceededException: "too many attempts: wait a minute and try again",
  CodeMismatchException: "that code is wrong: look at it again, or wait for the next one",
  ExpiredCodeException: "that code is used or too old: wait for the next one, or start again",
  InvalidPasswordException: "the new password does not follow the pool's rules",
};

// What Cognito says no to by one exception for all, told apart by its message.
/** @type {[RegExp, string][]} */
const NOT_AUTHORIZED = [
  [/attempts exceeded/i, "too many wrong passwords: wait up to 15 minutes, then try again"],
  [/disabled/i, "this user is disabled: ask an admin"],
  [/temporary password has expired/i, "the temporary password is too old: ask an admin for a new one"],
  [/invalid session/i, "that took too long: sign in again"],
];

const TEMPORARY = ["", "TooManyRequestsException", "LimitExceededException"];

/** What the pool says no to, in words for the person. */
export class SignInError extends Error {
  /** @param {string} message @param {string} [kind] the name of the error, none where the pool has trouble or does not answer */
  constructor(message, kind = "") {
    super(message);
    /** Whether the same question may be answered otherwise in a while. */
    this.isTemporary = TEMPORARY.includes(kind);
    /** Whether a challenge that was answered is over, so that only a new sign-in helps. */
    this.isOver = kind === "NotAuthorizedException";
  }
}

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
    const kind = response.status >= 500 ? "" : String(answer.__type ?? "Unknown").replace(/^.*#/, "");
    throw new SignInError(wordsOf(kind, String(answer.message ?? response.status)), kind);
  }
}

/** @param {string} kind @param {string} message */
function wordsOf(kind, message) {
  if (kind === "InvalidPasswordException") return `${WORDS[kind]}: ${message}`;
  const told = kind === "NotAuthorizedException" ? NOT_AUTHORIZED.find(([pattern]) => pattern.test(message))?.[1] : undefined;
  return told ?? WORDS[kind] ?? `the user pool refuses: ${message}`;
}
