// A person by the beginning of a name: a combobox with a list (WAI-ARIA Authoring Practices, "Editable Combobox With List Autocomplete").

import { ApiError } from "../../api_client.js";
import { count, field, h, show } from "../../elements.js";
import { announce } from "../../parts/notices.js";

/** @typedef {import("../../people.js").User} User */

const PAUSE_MILLISECONDS = 250;

/** The field and its list. Where the admin API looks nobody up, it takes itself away. */
export class UserField {
  /** @param {import("../../people.js").People} people @param {(user: User) => void} onChoose @param {() => void} onGone called when the field has gone, with the focus in it */
  constructor(people, onChoose, onGone) {
    this.people = people;
    this.onChoose = onChoose;
    this.onGone = onGone;
    /** @type {User[]} */
    this.users = [];
    this.active = -1;
    this.asked = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.list = h("ul", { id: "users", class: "options", role: "listbox", "aria-label": "Users", hidden: true });
    this.said = h("small", { class: "said", role: "status" });
    this.input = h("input", {
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": false,
      "aria-controls": "users",
      autocomplete: "off",
      spellcheck: "false",
      maxlength: 256,
      oninput: () => this.#typed(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#pressed(event),
      onblur: () => this.#close(),
    });
    this.element = field("A user", this.input, "The beginning of a user name or an address. Fills in the groups.");
    this.element.classList.add("combobox");
    this.input.after(this.list);
    this.element.append(this.said);
  }

  /** Takes back what was chosen or typed. */
  clear() {
    this.stop();
    this.input.value = "";
    this.#typed();
  }

  /** Asks for nothing more. */
  stop() {
    clearTimeout(this.timer);
    this.asked += 1;
  }

  #typed() {
    this.stop();
    const text = this.input.value.trim();
    // What was marked belongs to the text before.
    this.#mark(-1);
    if (!text) {
      this.users = [];
      show(this.said);
      this.#close();
      return;
    }
    this.timer = setTimeout(() => void this.#search(text), PAUSE_MILLISECONDS);
  }

  /** @param {string} text */
  async #search(text) {
    this.asked += 1;
    const number = this.asked;
    try {
      const found = await this.people.beginningWith(text);
      if (number === this.asked) this.#offer(found);
    } catch (error) {
      if (number !== this.asked) return;
      this.#close();
      const why = error instanceof ApiError && error.status === 403 ? "You may not look users up: name the groups." : error instanceof Error ? error.message : String(error);
      if (this.people.isOn) show(this.said, why);
      else this.#goAway(why);
    }
  }

  /** @param {{users: User[], more: boolean}} found */
  #offer(found) {
    this.users = found.users;
    show(
      this.list,
      ...this.users.map((user, index) =>
        h(
          "li",
          {
            id: `user-${index}`,
            role: "option",
            "aria-selected": false,
            // Before the field loses the focus, which closes the list.
            onmousedown: (/** @type {MouseEvent} */ event) => {
              event.preventDefault();
              this.#choose(index);
            },
          },
          h("strong", {}, user.name),
          user.display_name ? h("span", {}, user.display_name) : null,
          h("small", {}, [user.groups.join(", ") || "no group", user.status === "CONFIRMED" ? "" : user.status.toLowerCase().replaceAll("_", " ")].filter(Boolean).join("; ")),
        ),
      ),
    );
    this.#open(this.users.length > 0 && document.activeElement === this.input);
    show(this.said, this.users.length ? `${count(this.users.length, "user")}${found.more ? ", and there are more: type more of the name" : ""}` : "No user's name begins like this.");
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const isOpen = !this.list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!this.users.length) return;
      event.preventDefault();
      if (!isOpen) this.#open(true);
      const last = this.users.length - 1;
      const step = event.key === "ArrowDown" ? 1 : -1;
      const next = this.active + step;
      this.#mark(this.active < 0 && step < 0 ? last : next > last ? 0 : next < 0 ? last : next);
    } else if (event.key === "Enter" && isOpen && this.active >= 0) {
      event.preventDefault();
      this.#choose(this.active);
    } else if (event.key === "Escape" && (isOpen || this.input.value)) {
      event.preventDefault();
      isOpen ? this.#close() : this.clear();
    }
  }

  /** @param {number} index */
  #choose(index) {
    const user = this.users[index];
    this.stop();
    this.input.value = user.name;
    this.#close();
    this.users = [];
    show(this.said, user.groups.length ? `The groups of ${user.name} are filled in.` : `${user.name} has no group.`);
    this.onChoose(user);
  }

  /** @param {boolean} isOpen */
  #open(isOpen) {
    this.list.hidden = !isOpen;
    this.input.setAttribute("aria-expanded", String(isOpen));
    this.#mark(-1);
  }

  #close() {
    this.#open(false);
  }

  /** @param {number} index */
  #mark(index) {
    this.active = index;
    [...this.list.children].forEach((each, number) => each.setAttribute("aria-selected", String(number === index)));
    if (index < 0) {
      this.input.removeAttribute("aria-activedescendant");
      return;
    }
    this.input.setAttribute("aria-activedescendant", `user-${index}`);
    this.list.children[index].scrollIntoView({ block: "nearest" });
  }

  /** @param {string} why */
  #goAway(why) {
    const hadFocus = this.element.contains(document.activeElement);
    this.element.replaceWith(h("p", { class: "quiet" }, why));
    announce(why);
    if (hadFocus) this.onGone();
  }
}
