// Who changed what, when and why; what differs between two versions; and the way back.

import { ApiError } from "../../api_client.js";
import { count, field, h, show } from "../../elements.js";
import { directionOf, kindOf } from "../../model/access.js";
import { nameOf } from "../../model/permission_grid.js";
import { cellPicture } from "../../parts/cell_picture.js";
import { announce, nothing, trouble, waiting } from "../../parts/notices.js";
import { rulesOf, warningsOf } from "../review/review.js";

const PAGE = 25;

/** The versions of one API, the newest first. */
export class HistoryView {
  /** @param {import("../../main.js").Place} place */
  constructor(place) {
    this.place = place;
    this.list = h("ol", { class: "versions" });
    this.more = h("div", {});
    this.chain = h("div", { class: "chain" });
    /** @type {Map<string, string>} */
    this.names = new Map();
    this.detail = h("div", { class: "detail", "aria-live": "polite" });
    this.element = h("div", { class: "page history" }, h("h1", {}, "History"), this.chain, h("div", { class: "columns" }, h("section", { "aria-label": "Versions" }, this.list, this.more), this.detail));
    /** @type {any[]} */
    this.versions = [];
    this.chosen = Number(place.query.get("version")) || 0;
  }

  async start() {
    await this.#read(undefined);
  }

  /** @param {string | undefined} cursor */
  async #read(cursor) {
    show(this.more, waiting("reading the history"));
    try {
      const { value } = await this.place.client.ask("versions", { api: this.place.api }, { query: { limit: PAGE, cursor } });
      this.versions.push(...value.versions);
      show(this.chain, unbroken(this.versions[0]?.version, value.verified_down_to));
      void this.#readNames(value.versions);
      show(this.more, value.next ? h("button", { type: "button", onclick: () => void this.#read(value.next) }, "Older versions") : null);
      this.#drawList();
      if (!cursor) {
        if (this.versions.length) await this.#open(this.chosen || this.versions[0].version);
        else show(this.detail, nothing("Nothing was published yet."));
      }
    } catch (error) {
      const again = () => void this.#read(cursor);
      const isDamaged = error instanceof ApiError && error.kind === "damaged";
      if (isDamaged) show(this.chain, broken(error.message));
      show(this.more, isDamaged ? h("button", { type: "button", onclick: again }, "Try again") : trouble(error, again));
    }
  }

  /** @param {any[]} versions */
  async #readNames(versions) {
    for (const author of new Set(versions.map((each) => each.author))) {
      const name = await this.place.people.nameOf(author);
      if (name === null || !this.element.isConnected) continue;
      this.names.set(author, name);
      for (const shown of this.element.querySelectorAll("[data-author]")) {
        if (shown.getAttribute("data-author") !== author) continue;
        shown.setAttribute("data-named", "");
        show(shown, name);
      }
    }
  }

  /** Who made a version. The `sub` stays to be read beside the name. @param {any} version @param {boolean} isWhole */
  #author(version, isWhole) {
    const { author } = version;
    const name = h("span", { "data-author": author, "data-named": this.names.has(author), title: author }, this.names.get(author) ?? author);
    const rest = version.on_behalf_of ? ` for ${version.on_behalf_of}` : "";
    return isWhole ? [name, rest, " ", h("small", { class: "sub" }, author)] : [name, rest];
  }

  #drawList() {
    show(
      this.list,
      ...this.versions.map((each) =>
        h(
          "li",
          {},
          h(
            "button",
            { type: "button", class: "version", "aria-current": each.version === this.chosen ? "true" : null, onclick: () => void this.#open(each.version) },
            h("span", { class: "number" }, each.version),
            h("span", { class: "grow" }, h("strong", {}, each.reason || "no reason given"), h("small", {}, this.#author(each, false))),
            h("time", { datetime: each.time }, each.time.slice(0, 16).replace("T", " ")),
          ),
        ),
      ),
    );
  }

  /** @param {number} number */
  async #open(number) {
    this.chosen = number;
    this.place.remember({ version: String(number) });
    this.#drawList();
    const version = this.versions.find((each) => each.version === number) ?? (await this.#readOne(number));
    if (!version || this.chosen !== number) return;
    const base = version.series ? version.series.base_version : number - 1;
    const access = h("div", {}, waiting("comparing"));
    const from = h("input", { type: "number", min: 1, max: this.versions[0]?.version, required: true, value: Math.max(base, 1) });
    const compare = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      void this.#compare(Number(from.value), number, access);
    };
    show(
      this.detail,
      h("h2", {}, `Version ${number}`),
      h(
        "dl",
        {},
        h("dt", {}, "By"),
        h("dd", {}, this.#author(version, true)),
        h("dt", {}, "At"),
        h("dd", {}, h("time", { datetime: version.time }, version.time)),
        h("dt", {}, "Why"),
        h("dd", {}, version.reason || "no reason given"),
        h("dt", {}, "Hash"),
        h("dd", {}, h("code", { class: "hash" }, version.hash)),
      ),
      h("form", { class: "row", onsubmit: compare }, field("Compare with version", from), h("button", { type: "submit" }, "Compare")),
      access,
      this.#wayBack(number),
    );
    if (base >= 1) await this.#compare(base, number, access);
    else show(access, h("p", {}, "It is the first: everything in it is new."));
  }

  /** A version that an address names, and that the list does not reach yet. @param {number} number */
  async #readOne(number) {
    show(this.detail, waiting(`reading version ${number}`));
    try {
      const { value } = await this.place.client.ask("version", { api: this.place.api, number });
      void this.#readNames([value]);
      return value;
    } catch (error) {
      if (this.chosen === number) show(this.detail, trouble(error));
      return null;
    }
  }

  /** @param {number} from @param {number} to @param {Element} shown */
  async #compare(from, to, shown) {
    show(shown, waiting("comparing"));
    try {
      const { value } = await this.place.client.ask("diff", { api: this.place.api, number: from }, { query: { to, limit: 200 } });
      show(shown, differences(value, from, to));
    } catch (error) {
      show(shown, trouble(error));
    }
  }

  /** @param {number} number */
  #wayBack(number) {
    const newest = this.versions[0]?.version;
    if (!this.place.mayWrite || number === newest) return null;
    const shown = h("div", {});
    const look = async () => {
      show(shown, waiting("looking at what this would change"));
      try {
        const head = await this.place.client.ask("document", { api: this.place.api });
        const preview = await this.place.client.ask("rollBack", { api: this.place.api, number }, { query: { dry_run: true }, ifMatch: head.etag });
        show(shown, this.#confirm(number, preview.value, head.etag, shown));
      } catch (error) {
        show(shown, trouble(error));
      }
    };
    return h("section", { class: "way-back" }, h("h3", {}, "Way back"), h("p", { class: "quiet" }, "Publishes this version's document again, as a new version. Nothing of the history is lost."), h("button", { type: "button", onclick: look }, "Look at a rollback"), shown);
  }

  /** @param {number} number @param {any} preview @param {string} etag @param {Element} shown */
  #confirm(number, preview, etag, shown) {
    if (!preview.changed) return h("p", { class: "notice" }, "What is published now says the same.");
    const reason = h("input", { required: true, maxlength: 500 });
    return h(
      "form",
      {
        onsubmit: async (/** @type {SubmitEvent} */ event) => {
          event.preventDefault();
          show(shown, waiting("publishing"));
          try {
            const { value } = await this.place.client.ask("rollBack", { api: this.place.api, number }, { query: { reason: reason.value.trim() }, ifMatch: etag });
            announce(`version ${value.version} is published`);
            this.versions = [];
            this.chosen = 0;
            await this.#read(undefined);
          } catch (error) {
            const isStale = error instanceof ApiError && error.status === 412;
            show(shown, isStale ? trouble(new Error("somebody else has published meanwhile: look again")) : trouble(error));
          }
        },
      },
      rulesOf(preview),
      accessTable(preview.access, preview.access_in_all),
      warningsOf(preview),
      field("Reason", reason),
      h("button", { type: "submit", class: "primary" }, `Roll back to version ${number}`),
    );
  }
}

/** That the admin API has held each version against the hash that the next one names. @param {number} newest @param {number} oldest */
function unbroken(newest, oldest) {
  const versions = newest === oldest ? `version ${newest}` : `versions ${newest} to ${oldest}`;
  return h("p", { class: "quiet", role: "status" }, cellPicture("allowed"), `Verified: the chain of hashes of ${versions} is unbroken.`);
}

/** @param {string} what */
function broken(what) {
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("h2", {}, cellPicture("denied"), "The history is damaged"),
    h("p", {}, what),
    h("p", {}, "Somebody changed the table past Gatebook. Do not publish and do not roll back before you know what: ", h("code", {}, "gatebook log --verify"), " names each item."),
  );
}

/** @param {any} value @param {number} from @param {number} to */
function differences(value, from, to) {
  return h(
    "div",
    {},
    h("h3", {}, `From version ${from} to ${to}`),
    value.rules.length ? h("ul", {}, value.rules.map((/** @type {string} */ each) => h("li", {}, each))) : null,
    accessTable(value.access, value.access.length, value.next !== null),
  );
}

/** @param {any[]} access @param {number} inAll @param {boolean} [hasMore] */
function accessTable(access, inAll, hasMore = false) {
  if (!access.length) return h("p", {}, "Nobody gained or lost anything.");
  return h(
    "table",
    { class: "changes" },
    h("caption", {}, hasMore || inAll > access.length ? `the first ${access.length} changes of access` : `${count(inAll, "change")} of access`),
    h("thead", {}, h("tr", {}, ["Who", "Route", "Before", "After"].map((title) => h("th", { scope: "col" }, title)))),
    h(
      "tbody",
      {},
      access.map((each) =>
        h(
          "tr",
          { class: directionOf(each.before, each.after) },
          h("th", { scope: "row" }, nameOf(each.subject)),
          h("td", {}, h("code", {}, each.route)),
          h("td", {}, cellPicture(kindOf(each.before)), h("span", {}, each.before)),
          h("td", {}, cellPicture(kindOf(each.after)), h("span", {}, each.after)),
        ),
      ),
    ),
  );
}
