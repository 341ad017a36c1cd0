// A whole document as somebody wrote it: tried, published in place of the other, and made again on what somebody else published meanwhile.

import { differences, merged } from "../../model/document_merge.js";
import { changedLines } from "../../model/line_diff.js";
import { writeYaml } from "../../model/yaml_document.js";

/** @typedef {import("../review/review.js").Proposal} Proposal */

/** @implements {Proposal} */
export class DocumentProposal {
  /**
   * @param {import("../../main.js").Place} place
   * @param {{document: any, etag: string}} base what the text was made of
   * @param {any} value what it says
   * @param {{published: () => void, rebased: (base: {document: any, etag: string}, value: any) => void}} told
   */
  constructor(place, base, value, told) {
    this.place = place;
    this.base = base;
    this.value = value;
    this.told = told;
    this.title = `Review the document of ${place.api}`;
    this.home = "the document";
    /** The answer to `look`, if it is known already. @type {Promise<any> | null} */
    this.answer = null;
  }

  get mine() {
    return differences(this.base.document, this.value);
  }

  /** As the page writes both: how somebody indents or quotes is no change. */
  get lines() {
    return changedLines(writeYaml(this.base.document), writeYaml(this.value));
  }

  look() {
    const answer = this.answer ?? this.#ask({ dry_run: true });
    this.answer = null;
    return answer;
  }

  /** @param {string} reason */
  publish(reason) {
    return this.#ask({ reason });
  }

  async rebase() {
    const { value, etag } = await this.place.client.ask("document", { api: this.place.api });
    this.value = merged(this.base.document, this.value, value);
    this.base = { document: value, etag };
    this.told.rebased(this.base, this.value);
  }

  published() {
    this.told.published();
  }

  left() {
    // The text stays as it is: it is somebody's work.
  }

  /** @param {Record<string, unknown>} query */
  async #ask(query) {
    const { value } = await this.place.client.ask("replaceDocument", { api: this.place.api }, { query, body: this.value, ifMatch: this.base.etag });
    return value;
  }
}
