// One request, as somebody would make it: the decision, what made it, what nearly did, and what would change it.

import { field, h, show } from "../../elements.js";
import { StagedChanges } from "../../model/staged_changes.js";
import { cellPicture } from "../../parts/cell_picture.js";
import { nothing, trouble, waiting } from "../../parts/notices.js";
import { decoded } from "../../session/session.js";
import { UserField } from "./user_field.js";

const METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "WS"];

/** The form and its answer. */
export class ExplainView {
  /** @param {import("../../main.js").Place} place */
  constructor(place) {
    this.place = place;
    const query = place.query;
    this.method = h("select", {}, METHODS.map((method) => h("option", { selected: method === query.get("method") }, method)));
    this.path = h("input", { required: true, placeholder: "/pets/7", value: query.get("path") ?? "", spellcheck: "false" });
    this.groups = h("input", { placeholder: "guest, owner", value: query.get("groups") ?? "", spellcheck: "false" });
    this.token = h("textarea", { rows: 3, placeholder: "eyJ...", spellcheck: "false", autocomplete: "off", oninput: () => this.#readToken() });
    this.told = h("div", {});
    this.user = place.people.isOn ? new UserField(place.people, (user) => this.#take(user), () => this.groups.focus()) : null;
    /** What a chosen user is in: a name with a comma in it is one name. @type {{text: string, names: string[]}} */
    this.chosen = { text: "", names: [] };
    /** @type {Record<string, unknown>} */
    this.claims = {};
    this.answer = h("div", { class: "answer", "aria-live": "polite" });
    this.element = h(
      "div",
      { class: "page explain" },
      h("h1", {}, "Explain a request"),
      h(
        "form",
        {
          class: "card",
          onsubmit: (/** @type {SubmitEvent} */ event) => {
            event.preventDefault();
            void this.#ask();
          },
        },
        h("div", { class: "row" }, field("Method", this.method), h("div", { class: "grow" }, field("Path", this.path, "As the caller would ask for it, without the stage."))),
        this.user?.element ?? null,
        field("Groups of the caller", this.groups, "Several with commas. Leave it empty for somebody without a group."),
        h("details", {}, h("summary", {}, "or take them from a token"), field("Access token", this.token, "It is read in this page. Its claims are sent for the decision, the token itself is not, and nothing keeps it."), this.told),
        h("div", { class: "row end" }, h("button", { type: "submit", class: "primary" }, "Explain")),
      ),
      this.answer,
    );
  }

  start() {
    if (this.path.value) return this.#ask();
    show(this.answer, nothing("Ask about a request to see who decides it, and why."));
    return undefined;
  }

  stop() {
    this.user?.stop();
  }

  /** @param {import("../../people.js").User} user */
  #take(user) {
    this.token.value = "";
    this.#readToken();
    this.groups.value = user.groups.join(", ");
    this.chosen = { text: this.groups.value, names: user.groups };
  }

  #readToken() {
    this.claims = {};
    const text = this.token.value.trim().replace(/^Bearer\s+/i, "");
    if (!text) {
      show(this.told);
      return;
    }
    try {
      this.claims = decoded(text);
      show(this.told, h("dl", { class: "claims" }, Object.entries(this.claims).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, typeof value === "string" ? value : JSON.stringify(value))])));
      this.groups.value = "";
      this.user?.clear();
    } catch {
      show(this.told, h("p", { class: "problem" }, "This is no token: paste all of it, three parts with dots between them."));
    }
  }

  async #ask() {
    const text = this.groups.value;
    const names = text === this.chosen.text ? this.chosen.names : text.split(",").map((name) => name.trim()).filter(Boolean);
    const body = { method: this.method.value, path: this.path.value.trim(), ...(names.length ? { groups: names } : {}), ...(Object.keys(this.claims).length ? { claims: this.claims } : {}) };
    this.place.remember({ method: body.method, path: body.path, groups: names.join(",") });
    show(this.answer, waiting("deciding"));
    try {
      const { value } = await this.place.client.ask("explain", { api: this.place.api }, { body });
      show(this.answer, this.#decision(value));
    } catch (error) {
      show(this.answer, trouble(error, () => void this.#ask()));
    }
  }

  /** @param {any} value */
  #decision(value) {
    return h(
      "section",
      { class: `card decision ${value.allowed ? "allowed" : "denied"}` },
      h("h2", {}, cellPicture(value.allowed ? "allowed" : "denied"), value.allowed ? "Allowed" : "Denied"),
      h("p", {}, value.sentence),
      h(
        "dl",
        {},
        h("dt", {}, "Route"),
        h("dd", {}, value.route ? h("code", {}, value.route) : "none of the catalogue"),
        Object.entries(value.parameters).flatMap(([name, text]) => [h("dt", {}, `{${name}}`), h("dd", {}, h("code", {}, text))]),
        value.determining.length ? [h("dt", {}, "Decided by"), h("dd", {}, h("ul", {}, value.determining.map((/** @type {string} */ each) => h("li", {}, h("code", {}, each)))))] : [],
        h("dt", {}, "Version"),
        h("dd", {}, value.version),
      ),
      listed("What nearly decided otherwise", value.near_misses.map((/** @type {any} */ each) => each.message)),
      listed("Not known here", value.unknown),
      listed("Notes", value.notes ?? []),
      value.suggested_grant ? this.#grant(value) : null,
    );
  }

  /** @param {any} value */
  #grant(value) {
    const { subject, entry, note } = value.suggested_grant;
    const stage = () => {
      new StagedChanges(this.place.api, sessionStorage).stage(subject, entry, "allow");
      this.place.go("matrix", { group: subject, route: entry });
    };
    return h(
      "div",
      { class: "grant" },
      h("h3", {}, "What would allow it"),
      h("p", {}, "An entry ", h("code", {}, entry), " for ", h("strong", {}, subject), note ? `: ${note}` : ""),
      this.place.mayWrite && entry === value.route ? h("button", { type: "button", onclick: stage }, "Stage this") : null,
    );
  }
}

/** @param {string} title @param {string[]} lines */
function listed(title, lines) {
  return lines.length ? h("div", {}, h("h3", {}, title), h("ul", {}, lines.map((line) => h("li", {}, line)))) : null;
}
