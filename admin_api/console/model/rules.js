// Rules of a document as lines of text: `{"never": "guest -> DELETE /**"}` is `never: guest -> DELETE /**`.

/** What each kind of rule demands, with an example. @type {Record<string, {demands: string, example: string}>} */
export const RULE_KINDS = {
  never: { demands: "these groups may never call these routes", example: "guest -> DELETE /**" },
  only: { demands: "nobody but these groups may call these routes", example: "admin -> /admin/**" },
  implies: { demands: "who may call the first may call the second", example: "POST /pets -> GET /pets" },
  equal: { demands: "these groups may call the same routes", example: "guest, partner" },
  disjoint: { demands: "no route may be called by all of these groups", example: "guest, auditor -> /owners/**" },
};

/** @param {Record<string, unknown>} rule */
export function textOf(rule) {
  return Object.entries(rule).map(([kind, said]) => `${kind}: ${words(said)}`).join("; ");
}

/** @param {unknown} said @returns {string} */
function words(said) {
  if (Array.isArray(said)) return said.join(", ");
  if (said !== null && typeof said === "object") {
    const { subjects, routes } = /** @type {{subjects?: unknown, routes?: unknown}} */ (said);
    return `${words(subjects)} -> ${words(routes)}`;
  }
  return String(said);
}

/**
 * The rule that a line of text writes. Throws an `Error` that says how rules are written. What it speaks of the admin API judges.
 *
 *     ruleOf("never: guest -> DELETE /**")
 *
 * @param {string} line with or without the dash and the quotes that YAML has
 * @returns {Record<string, string>}
 */
export function ruleOf(line) {
  const text = line.trim().replace(/^- */, "");
  const colon = text.indexOf(":");
  const kind = text.slice(0, Math.max(colon, 0)).trim();
  const said = text.slice(colon + 1).trim().replace(/^"(.*)"$/, "$1").replace(/^'(.*)'$/, "$1").trim();
  if (!Object.hasOwn(RULE_KINDS, kind)) throw new Error(`a rule begins with ${Object.keys(RULE_KINDS).map((each) => `\`${each}:\``).join(", ")}: write it as in \`never: ${RULE_KINDS.never.example}\``);
  if (!said) throw new Error(`say what must hold, as in \`${kind}: ${RULE_KINDS[kind].example}\``);
  return { [kind]: said };
}
