// The page of somebody who is not signed in: at the managed login where the pool has it, else by name and password, which are proven and not sent.

import { field, h, show } from "../elements.js";
import * as managedLogin from "./managed_login.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./user_pool.js").Challenge} Challenge */

const QUESTIONS = {
  NEW_PASSWORD_REQUIRED: { label: "New password", name: "NEW_PASSWORD", type: "password", autocomplete: "new-password", hint: "Your admin asks you to choose one." },
  SOFTWARE_TOKEN_MFA: { label: "Code", name: "SOFTWARE_TOKEN_MFA_CODE", type: "text", autocomplete: "one-time-code", hint: "Six digits of your authenticator app." },
  SMS_MFA: { label: "Code", name: "SMS_MFA_CODE", type: "text", autocomplete: "one-time-code", hint: "Six digits that were sent to your phone." },
  EMAIL_OTP: { label: "Code", name: "EMAIL_OTP_CODE", type: "text", autocomplete: "one-time-code", hint: "The code that was sent to your mailbox." },
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
  const question = QUESTIONS[/** @type {keyof typeof QUESTIONS} */ (outcome.name)];
  if (!question) throw new Error(`the pool asks for ${outcome.name}, which this page does not know: set up managed login for the pool`);
  const input = h("input", { type: question.type, autocomplete: question.autocomplete, required: true });
  form(body, problem, [field(question.label, input, question.hint)], "Go on", async () => {
    proceed(body, problem, session, onDone, await session.pool.answer(outcome, { [question.name]: input.value.trim() }));
  });
  input.focus();
}

/** @param {Element} body @param {Element} problem @param {HTMLElement[]} fields @param {string} label @param {() => Promise<void>} submit */
function form(body, problem, fields, label, submit) {
  const button = h("button", { class: "primary", type: "submit" }, label);
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
        }
        button.disabled = false;
      },
    },
    ...fields,
    button,
  );
  show(body, made);
}
