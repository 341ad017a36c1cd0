// The JSON Schema of permission documents, as the admin API serves it beside the console's files: it is the one that editors and the command know.

/** @type {Promise<import("../../model/yaml_completion.js").Schema> | null} */
let asked = null;

/** What the editor offers names by. Null where it cannot be had: then nothing is offered. */
export async function documentSchema() {
  asked ??= fetch(new URL("../../document.schema.json", import.meta.url)).then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)));
  try {
    return await asked;
  } catch {
    asked = null;
    return null;
  }
}
