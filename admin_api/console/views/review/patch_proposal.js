// A change to one list of the document, such as its rules: made on what is published, and made again on what somebody else published meanwhile.

/** @typedef {import("../../main.js").Place} Place */
/** @typedef {import("./review.js").Proposal} Proposal */

/** @implements {Proposal} */
export class PatchProposal {
  /**
   * @param {Place} place
   * @param {{title: string, home: string, mine: string[]}} words
   * @param {any} document what is published
   * @param {string} etag its version
   * @param {(document: any) => Record<string, unknown>} patchFor the JSON merge patch (RFC 7396) that makes the change in a document
   * @param {() => void} onPublished called after a publish, and after the view has to read anew
   */
  constructor(place, { title, home, mine }, document, etag, patchFor, onPublished) {
    this.place = place;
    this.title = title;
    this.home = home;
    this.mine = mine;
    this.document = document;
    this.etag = etag;
    this.patchFor = patchFor;
    this.published = onPublished;
    this.left = onPublished;
  }

  look() {
    return this.#ask({ dry_run: true });
  }

  /** @param {string} reason */
  publish(reason) {
    return this.#ask({ reason });
  }

  async rebase() {
    const { value, etag } = await this.place.client.ask("document", { api: this.place.api });
    this.document = value;
    this.etag = etag;
  }

  /** @param {Record<string, unknown>} query */
  async #ask(query) {
    const body = this.patchFor(this.document);
    const { value } = await this.place.client.ask("changeDocument", { api: this.place.api }, { query, body, ifMatch: this.etag });
    return value;
  }
}
