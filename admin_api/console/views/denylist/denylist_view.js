// Whose tokens are refused, until when and why: the switch for a stolen token or a person who has left.

import { count, field, h, show } from "../../elements.js";
import { announce, nothing, trouble, waiting } from "../../parts/notices.js";

const KINDS = { sub: "a user (sub)", client_id: "an app client (client_id)", origin_jti: "one sign-in and all that came of it (origin_jti)", jti: "one token (jti)" };
const HOURS = { "an hour": 1, "a day": 24, "a week": 168, "30 days": 720 };

/** The denylist of one API. */
export class DenylistView {
  /** @param {import("../../main.js").Place} place */
  constructor(place) {
    this.place = place;
    this.list = h("div", { "aria-live": "polite" });
    this.element = h(
      "div",
      { class: "page denylist" },
      h("h1", {}, "Denylist"),
      h("p", { class: "quiet" }, "Tokens named here are refused, whatever else they say. It takes effect within the authorizers' refresh interval, 10 seconds unless it is set otherwise; answers that API Gateway remembers live on for its TTL."),
      this.list,
      place.mayWrite ? this.#form() : null,
    );
  }

  async start() {
    show(this.list, waiting("reading the denylist"));
    try {
      const entries = await this.place.client.all("denylist", { api: this.place.api }, "entries", { limit: 100 });
      show(this.list, entries.length ? this.#table(entries) : nothing("Nobody is refused.", "Refuse a user or a token below, and it shows here."));
    } catch (error) {
      show(this.list, trouble(error, () => void this.start()));
    }
  }

  /** @param {any[]} entries */
  #table(entries) {
    const inForce = entries.filter((each) => each.in_force).length;
    return h(
      "table",
      {},
      h("caption", {}, `${count(entries.length, "entry").replace("entrys", "entries")}, ${inForce} in force`),
      h("thead", {}, h("tr", {}, ["What", "Value", "Until", "Why", "By"].map((title) => h("th", { scope: "col" }, title)), h("th", { scope: "col" }, h("span", { class: "unseen" }, "Accept again")))),
      h(
        "tbody",
        {},
        entries.map((each) =>
          h(
            "tr",
            { class: each.in_force ? "" : "over" },
            h("td", {}, each.kind),
            h("th", { scope: "row" }, h("code", {}, each.value)),
            h("td", { "data-title": "Until" }, h("time", { datetime: each.expires_at }, each.expires_at.slice(0, 16).replace("T", " ")), each.in_force ? null : h("small", {}, " over")),
            h("td", { "data-title": "Why" }, each.reason),
            h("td", { "data-title": "By" }, each.author),
            h("td", {}, this.place.mayWrite && each.in_force ? h("button", { type: "button", "aria-label": `Accept ${each.kind} ${each.value} again`, onclick: () => void this.#unblock(each) }, "Accept again") : null),
          ),
        ),
      ),
    );
  }

  /** @param {any} entry */
  async #unblock(entry) {
    try {
      await this.place.client.ask("unblock", { api: this.place.api, kind: entry.kind, value: entry.value }, { query: { reason: "accepted again in the console" } });
      announce(`${entry.kind} ${entry.value} is accepted again`);
      await this.start();
    } catch (error) {
      show(this.list, trouble(error, () => void this.start()));
    }
  }

  #form() {
    const kind = h("select", {}, Object.entries(KINDS).map(([value, words]) => h("option", { value }, words)));
    const value = h("input", { required: true, spellcheck: "false", autocomplete: "off" });
    const hours = h("select", {}, Object.entries(HOURS).map(([words, number]) => h("option", { value: number, selected: number === 24 }, words)));
    const reason = h("input", { required: true, maxlength: 500 });
    const problem = h("div", {});
    return h(
      "form",
      {
        class: "card",
        onsubmit: async (/** @type {SubmitEvent} */ event) => {
          event.preventDefault();
          show(problem, waiting("writing"));
          const expires = new Date(Date.now() + Number(hours.value) * 3_600_000).toISOString().replace(/\.\d+Z$/, "Z");
          try {
            await this.place.client.ask("block", { api: this.place.api, kind: kind.value, value: value.value.trim() }, { body: { reason: reason.value.trim(), expires_at: expires } });
            announce(`${kind.value} ${value.value} is refused`);
            show(problem);
            value.value = reason.value = "";
            await this.start();
          } catch (error) {
            show(problem, trouble(error));
          }
        },
      },
      h("h2", {}, "Refuse tokens"),
      h("div", { class: "row" }, field("Of", kind), h("div", { class: "grow" }, field("Value", value, "As the claim of the token has it.")), field("For", hours)),
      field("Reason", reason),
      problem,
      h("div", { class: "row end" }, h("button", { type: "submit", class: "danger" }, "Refuse")),
    );
  }
}
