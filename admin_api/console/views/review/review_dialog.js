// The review of what was staged in the matrix.

import { count } from "../../elements.js";
import { nameOf } from "../../model/permission_grid.js";
import { patchOf } from "../../model/staged_changes.js";
import { readGrid } from "../../published_grid.js";
import { review } from "./review.js";

/** @typedef {import("../../main.js").Place} Place */
/** @typedef {import("../../model/permission_grid.js").PermissionGrid} PermissionGrid */
/** @typedef {import("./review.js").Proposal} Proposal */
/** @typedef {import("../../model/staged_changes.js").StagedChanges} StagedChanges */

/**
 * Opens the review. `onPublished` is called after a publish, and after the page has to read anew.
 *
 * @param {Place} place
 * @param {PermissionGrid} grid what the changes were made on
 * @param {string} etag its version
 * @param {StagedChanges} staged
 * @param {() => void} onPublished
 */
export function reviewChanges(place, grid, etag, staged, onPublished) {
  review(new StagedProposal(place, grid, etag, staged, onPublished));
}

/** @implements {Proposal} */
class StagedProposal {
  /** @param {Place} place @param {PermissionGrid} grid @param {string} etag @param {StagedChanges} staged @param {() => void} onPublished */
  constructor(place, grid, etag, staged, onPublished) {
    this.place = place;
    this.grid = grid;
    this.etag = etag;
    this.staged = staged;
    this.left = onPublished;
    this.title = `Review ${count(staged.size, "change")} to ${place.api}`;
    this.home = "the matrix";
    /** @type {Record<string, unknown>} */
    this.patch = {};
  }

  get mine() {
    return this.staged.changes.map((each) => `${nameOf(each.subject)}: ${each.wish === "allow" ? "allow" : "take away"} ${each.route}`);
  }

  async look() {
    this.patch = this.#patch();
    const result = await this.#ask({ dry_run: true });
    const kept = this.staged.changes.filter((change) => change.wish === "take" && !loses(result, change));
    if (!kept.length) return result;
    // Something wider still allows these: only a deny takes them away.
    this.patch = this.#patch(new Set(kept));
    return this.#ask({ dry_run: true });
  }

  /** @param {string} reason */
  publish(reason) {
    return this.#ask({ reason });
  }

  async rebase() {
    ({ grid: this.grid, etag: this.etag } = await readGrid(this.place.client, this.place.api));
  }

  published() {
    this.staged.discard();
    this.left();
  }

  /** @param {Set<import("../../model/staged_changes.js").Change>} [denied] */
  #patch(denied) {
    return patchOf(this.grid.document, this.staged.changes, (subject, route) => this.grid.access(subject, route), denied);
  }

  /** @param {Record<string, unknown>} query */
  async #ask(query) {
    const { value } = await this.place.client.ask("changeDocument", { api: this.place.api }, { query, body: this.patch, ifMatch: this.etag });
    return value;
  }
}

/** @param {any} result @param {{subject: string, route: string}} change */
function loses(result, change) {
  return result.access.some((/** @type {any} */ each) => each.subject === change.subject && each.route === change.route && !each.after.startsWith("allowed"));
}
