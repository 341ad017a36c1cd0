// What the admin API says in words about a subject and a route, as kinds that can be drawn: `allowed where {ownerId} = sub` is `conditional`.

/** @typedef {"allowed" | "denied" | "conditional" | "timed" | "nothing"} Kind */
/** @typedef {"own" | "inherited" | "everyone"} Origin */

export const NOTHING = "nothing";

/** @type {Record<Kind, string>} */
export const KIND_WORDS = {
  allowed: "allowed",
  conditional: "allowed on a condition",
  timed: "allowed for a time",
  denied: "denied",
  nothing: "not allowed",
};

/** @type {Record<Origin, string>} */
export const ORIGIN_WORDS = { own: "of its own", inherited: "inherited", everyone: "as everyone has it" };

/** @param {string} words @returns {Kind} */
export function kindOf(words) {
  if (words === "denied") return "denied";
  if (words === "allowed") return "allowed";
  if (!words || words === NOTHING) return "nothing";
  if (!words.startsWith("allowed")) return "denied";
  return words.includes(" where ") || words.includes("denied") ? "conditional" : "timed";
}

/** Whether a person gains, loses, or has otherwise. @param {string} before @param {string} after @returns {"gains" | "loses" | "differs"} */
export function directionOf(before, after) {
  const [had, has] = [before, after].map((words) => words.startsWith("allowed"));
  if (had === has) return "differs";
  return has ? "gains" : "loses";
}
