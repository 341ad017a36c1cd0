// The page as a whole: who is signed in, which API and which view the address names, and the frame around them.

import { ApiClient, ApiError } from "./api_client.js";
import { h, show } from "./elements.js";
import { nothing, trouble, waiting } from "./parts/notices.js";
import { People } from "./people.js";
import { comeBack } from "./session/managed_login.js";
import { Session } from "./session/session.js";
import { showSignIn } from "./session/sign_in.js";
import { DenylistView } from "./views/denylist/denylist_view.js";
import { ExplainView } from "./views/explain/explain_view.js";
import { HistoryView } from "./views/history/history_view.js";
import { MatrixView } from "./views/matrix/matrix_view.js";
import { RoutesView } from "./views/routes/routes_view.js";
import { RulesView } from "./views/rules/rules_view.js";

/**
 * What a view is given: the API's name, how to ask for it, how to look users up, what the address says of the view, and how to write that there.
 *
 * @typedef {{api: string, client: ApiClient, mayWrite: boolean, people: People, query: URLSearchParams, remember: (changes: Record<string, string | null>) => void, go: (view: string, query?: Record<string, string>) => void}} Place
 */

/** @typedef {new (place: Place) => {element: HTMLElement, start(): void | Promise<void>, stop?(): void}} View */

/** The editor of the document is two thirds of the console: it is loaded when somebody goes there. @type {Record<string, {title: string, view: () => View | Promise<View>}>} */
const VIEWS = {
  matrix: { title: "Matrix", view: () => MatrixView },
  document: { title: "Document", view: async () => (await import("./views/document/document_view.js")).DocumentView },
  explain: { title: "Explain", view: () => ExplainView },
  history: { title: "History", view: () => HistoryView },
  denylist: { title: "Denylist", view: () => DenylistView },
  routes: { title: "Routes", view: () => RoutesView },
  rules: { title: "Rules", view: () => RulesView },
};

const app = /** @type {Element} */ (document.getElementById("app"));
const root = location.origin + location.pathname.replace(/\/console\/?$/, "");

/** @type {Session} */
let session;
/** @type {ApiClient} */
let client;
/** @type {People} */
let people;
/** @type {string[]} */
let apis = [];
/** @type {Map<string, Promise<boolean>>} */
const writable = new Map();
/** @type {{stop?(): void} | null} */
let shown = null;

async function start() {
  show(app, waiting("loading"));
  const config = await (await fetch(`${root}/console/config.json`)).json();
  session = new Session(config, signedOut);
  client = new ApiClient(root, session);
  let said = "";
  try {
    const tokens = config.login_url ? await comeBack(config) : null;
    if (tokens) session.begin(tokens);
  } catch (error) {
    said = error instanceof Error ? error.message : String(error);
  }
  // The address names the view: following this link must not change it.
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("view")?.focus();
  });
  window.addEventListener("hashchange", () => session.isSignedIn && void route());
  if (session.isSignedIn) await signedIn();
  else signedOut(said);
}

/** @param {string} said */
function signedOut(said) {
  shown?.stop?.();
  shown = null;
  writable.clear();
  // What stood before the view would stand before the form.
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  document.title = "Gatebook";
  showSignIn(app, session, () => void signedIn(), said);
}

async function signedIn() {
  people = new People(client, session.config.user_directory);
  show(app, waiting("reading the APIs"));
  try {
    apis = (await client.all("apis", {}, "apis")).map((each) => each.name);
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return;
    // Who is an admin of one API alone may not list them: the address names it.
    if (!(error instanceof ApiError) || error.status !== 403) {
      show(app, trouble(error, () => void signedIn()));
      return;
    }
    apis = [];
  }
  await route();
}

/** What the address names: `#/petstore/matrix?group=guest`. */
function place() {
  const [path, ...query] = location.hash.replace(/^#\/?/, "").split("?");
  const [api = "", view = ""] = path.split("/").map(decoded);
  return { api, view: Object.hasOwn(VIEWS, view) ? view : "matrix", query: new URLSearchParams(query.join("?")) };
}

/** A segment of an address, which anybody may have written: one that is malformed stays as it is. @param {string} segment */
function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** @param {string} api @param {string} view @param {Record<string, string>} [query] */
function address(api, view, query = {}) {
  const written = new URLSearchParams(query).toString();
  return `#/${encodeURIComponent(api)}/${view}${written ? `?${written}` : ""}`;
}

async function route() {
  const { api: named, view, query } = place();
  const api = named || apis.find((each) => each !== "gatebook-admin") || apis[0] || "";
  shown?.stop?.();
  shown = null;
  const body = h("main", { id: "view", tabindex: "-1" });
  show(app, header(api, view), body, h("p", { id: "announcements", class: "unseen", role: "status", "aria-live": "polite" }));
  // On a narrow page the views' names scroll.
  app.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  if (!api) {
    show(body, apis.length ? nothing("no API is published yet", "apply a document with the command: gatebook apply permissions.yaml") : chooser());
    return;
  }
  document.title = `${api}: ${VIEWS[view].title} - Gatebook`;
  show(body, waiting(`reading ${api}`));
  const mayWrite = await isWritable(api);
  /** @type {View} */
  let View;
  try {
    View = await VIEWS[view].view();
  } catch (error) {
    show(body, trouble(error, () => location.reload()));
    return;
  }
  if (!session.isSignedIn || !body.isConnected) return;
  const remember = (/** @type {Record<string, string | null>} */ changes) => {
    const kept = place().query;
    for (const [name, value] of Object.entries(changes)) value ? kept.set(name, value) : kept.delete(name);
    history.replaceState(null, "", address(api, view, Object.fromEntries(kept)));
  };
  const go = (/** @type {string} */ to, /** @type {Record<string, string>} */ with_ = {}) => void (location.hash = address(api, to, with_));
  const made = new View({ api, client, mayWrite, people, query, remember, go });
  shown = made;
  show(body, made.element);
  await made.start();
}

/** Whether the page should offer changes. The admin API decides about each by itself. @param {string} api */
async function isWritable(api) {
  if (!writable.has(api)) {
    const asked = client.ask("api", { api }).then(({ value }) => value.writable === true);
    // What cannot be told now may be told at the next view.
    asked.catch(() => writable.delete(api));
    writable.set(api, asked);
  }
  return writable.get(api)?.catch(() => false) ?? false;
}

/** For an admin of one API, who may not list them all. */
function chooser() {
  const input = h("input", { "aria-label": "Name of the API", required: true, autocomplete: "off" });
  return h(
    "form",
    {
      class: "notice",
      onsubmit: (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        location.hash = address(input.value.trim(), "matrix");
      },
    },
    h("p", {}, "You may not list the APIs. Name the one that you look after:"),
    h("div", { class: "row" }, input, h("button", { class: "primary", type: "submit" }, "Open")),
  );
}

/** @param {string} api @param {string} view */
function header(api, view) {
  const { username } = session.person;
  const names = apis.includes(api) || !api ? apis : [api, ...apis];
  const chosen = h(
    "select",
    { "aria-label": "API", onchange: () => (location.hash = address(chosen.value, view)) },
    names.map((name) => h("option", { value: name, selected: name === api }, name)),
  );
  return h(
    "header",
    { class: "top" },
    h("a", { class: "brand", href: "#/" }, "Gatebook"),
    names.length ? chosen : null,
    h(
      "nav",
      { "aria-label": "Views" },
      Object.entries(VIEWS).map(([name, { title }]) =>
        h("a", { href: address(api, name), "aria-current": name === view ? "page" : null }, title),
      ),
    ),
    h("span", { class: "person" }, username),
    h("button", { type: "button", class: "plain", onclick: () => void session.signOut() }, "Sign out"),
  );
}

start().catch((error) => show(app, trouble(error, () => location.reload())));
