// The page of somebody who is not signed in: at the managed login where the pool has it, else by name and password, which are proven and not sent.

import { field, h, show } from "../elements.js";
import * as managedLogin from "./managed_login.js";
import { SignInError } from "./user_pool.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./user_pool.js").Challenge} Challenge */

/** @typedef {{label: string, name: string, type: string, autocomplete: string, inputmode?: string, hint: string}} Question */

const CODE = { label: "Code", type: "text", autocomplete: "one-time-code", inputmode: "numeric" };

/** @type {Record<string, Question>} */
const QUESTIONS = {
  NEW_PASSWORD_REQUIRED: { label: "New password", name: "NEW_PASSWORD", type: "password", autocomplete: "new-password", hint: "Your admin asks you to choose one." },
  SOFTWARE_TOKEN_MFA: { ...CODE, name: "SOFTWARE_TOKEN_MFA_CODE", hint: "Six digits of your authenticator app." },
  SMS_MFA: { ...CODE, name: "SMS_MFA_CODE", hint: "Six digits that were sent to your phone" },
  EMAIL_OTP: { ...CODE, name: "EMAIL_OTP_CODE", hint: "The code that was sent to your mailbox" },
};

/** Shows the page in `place`. `onDone` is called once somebody is signed in. @param {Element} place @param {Session} session @param {() => void} onDone @param {string} [said] why one is here */
export function showSignIn(place, session, onDone, said = "") {
  const problem = h("p", { class: "problem", role: "alert" }, said);
  const body = h("div", {});
  show(
    place,
    h("main", { class: "sign-in", id: "view" }, h("h1", {}, "Gatebook"), h("p", { class: "quiet" }, "Which group may call which route."), problem, body),
  );
  if (!session.config.client_id) {
    show(
      body,
      h("p", {}, "Nobody can sign in here yet: this admin API names no app client for the console."),
      h("p", {}, "Whoever deploys it gives the template's parameter ", h("code", {}, "ConsoleClientId"), " the id of an app client without a secret."),
    );
  } else if (session.config.login_url) {
    show(body, h("button", { class: "primary", type: "button", onclick: () => managedLogin.leave(session.config) }, "Sign in"));
  } else {
    passwordForm(body, problem, session, onDone);
  }
}

/** @param {Element} body @param {Element} problem @param {Session} session @param {() => void} onDone */
function passwordForm(body, problem, session, onDone) {
  const name = h("input", { name: "username", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false" });
  const password = h("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
  const fields = [field("User name", name), field("Password", password)];
  form(body, problem, fields, "Sign in", async () => {
    const outcome = await session.pool.signIn(name.value.trim(), password.value);
    password.value = "";
    proceed(body, problem, session, onDone, outcome);
  });
  name.focus();
}

/** @param {Element} body @param {Element} problem @param {Session} session @param {() => void} onDone @param {import("./user_pool.js").Tokens | Challenge} outcome */
function proceed(body, problem, session, onDone, outcome) {
  if ("accessToken" in outcome) {
    session.begin(outcome);
    onDone();
    return;
  }
  const question = QUESTIONS[outcome.name];
  if (!question) throw new Error(`the pool asks for ${outcome.name}, which this page does not know: set up managed login for the pool`);
  const { label, type, autocomplete, inputmode } = question;
  const input = h("input", { type, autocomplete, inputmode, required: true });
  const others = attributesOf(outcome).map((name) => ({ name, input: h("input", { type: "text", required: true }) }));
  const fields = [field(label, input, hintOf(question, outcome)), ...others.map((each) => field(each.name.replace("userAttributes.", ""), each.input))];
  form(
    body,
    problem,
    fields,
    "Go on",
    async () => {
      // A code that was pasted may have a space at an end, a password has none that was not meant.
      const answers = { [question.name]: type === "password" ? input.value : input.value.trim() };
      for (const other of others) answers[other.name] = other.input.value.trim();
      try {
        proceed(body, problem, session, onDone, await session.pool.answer(outcome, answers));
      } catch (error) {
        if (error instanceof SignInError && error.isOver) passwordForm(body, problem, session, onDone);
        throw error;
      }
    },
    () => passwordForm(body, problem, session, onDone),
  );
  input.focus();
}

/** What a user still lacks that the pool asks for with the new password: `["userAttributes.name"]`. @param {Challenge} challenge @returns {string[]} */
function attributesOf(challenge) {
  return JSON.parse(challenge.parameters.requiredAttributes || "[]");
}

/** @param {Question} question @param {Challenge} challenge */
function hintOf(question, challenge) {
  const place = challenge.parameters.CODE_DELIVERY_DESTINATION;
  return question.hint.endsWith(".") ? question.hint : `${question.hint}${place ? `, ${place}` : ""}.`;
}

/** @param {Element} body @param {Element} problem @param {HTMLElement[]} fields @param {string} label @param {() => Promise<void>} submit @param {() => void} [restart] */
function form(body, problem, fields, label, submit, restart) {
  const button = h("button", { class: "primary", type: "submit" }, label);
  const again = () => {
    problem.textContent = "";
    restart?.();
  };
  const made = h(
    "form",
    {
      onsubmit: async (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        button.disabled = true;
        problem.textContent = "";
        try {
          await submit();
        } catch (error) {
          problem.textContent = error instanceof Error ? error.message : String(error);
          const wrong = made.querySelector("input[type=password]") ?? made.querySelector("input");
          if (wrong instanceof HTMLInputElement) wrong.select();
        }
        button.disabled = false;
      },
    },
    ...fields,
    button,
    restart ? h("button", { class: "plain", type: "button", onclick: again }, "Start again") : null,
  );
  show(body, made);
}
