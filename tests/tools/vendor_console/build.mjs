// Makes `admin_api/console/vendor` of the packages in the lock file: one module a library, their licences, and a manifest of what they are. With `--check` it writes
// nothing, and tells whether what is there is what would be written.

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { minify } from "terser";

const HOME = dirname(fileURLToPath(import.meta.url));
const VENDOR = join(HOME, "../../../admin_api/console/vendor");
const TARGET = "es2022";
const LICENCES = "LICENSES.txt";

/** The tags of YAML's schemas. The console brings those of PyYAML, which the command reads files with: the others, which nobody would use, are an eighth of the library. */
const OWN_TAGS = `
  import { map } from "./common/map.js";
  import { seq } from "./common/seq.js";
  import { string } from "./common/string.js";
  export const coreKnownTags = {};
  export const getTags = (own) => [map, seq, string, ...own];
`;

/** @type {esbuild.Plugin} */
const withoutUnused = {
  name: "without what is not used",
  setup: (build) => {
    build.onLoad({ filter: /yaml\/browser\/dist\/schema\/tags\.js$/ }, () => ({ contents: OWN_TAGS, loader: "js" }));
    build.onResolve({ filter: /^(?:@codemirror\/language|@lezer\/common)$/ }, () => ({ path: join(HOME, "no_language.js") }));
  },
};

/** The folder of a package of a file below `node_modules`. @param {string} file */
const packageOf = (file) => /** @type {RegExpExecArray} */ (/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file))[1];

/** @param {string} name */
async function facts(name) {
  const { version, license } = JSON.parse(await readFile(join(HOME, "node_modules", name, "package.json"), "utf8"));
  return { name, version, license, text: (await readFile(join(HOME, "node_modules", name, "LICENSE"), "utf8")).trim() };
}

/** One module of all that a list of exports names. @param {string} name */
async function bundle(name) {
  const contents = await readFile(join(VENDOR, `${name}.d.ts`), "utf8");
  const made = await esbuild.build({
    stdin: { contents, resolveDir: HOME, loader: "ts" },
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    target: TARGET,
    legalComments: "none",
    absWorkingDir: HOME,
    plugins: [withoutUnused],
  });
  const [output] = Object.values(made.metafile.outputs);
  const files = Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  const packages = await Promise.all([...new Set(files.map(([file]) => file).filter((file) => file.includes("node_modules/")).map(packageOf))].sort().map(facts));
  const { code } = await minify(made.outputFiles[0].text, {
    module: true,
    ecma: 2020,
    compress: { passes: 3, unsafe_arrows: true, unsafe_methods: true, pure_getters: true, keep_fargs: false },
    format: { preamble: `/* ${packages.map((each) => `${each.name} ${each.version}`).join(", ")}: ${LICENCES} */` },
  });
  return { name: `${name}.js`, text: `${code}\n`, packages };
}

const bundles = await Promise.all(["codemirror", "yaml"].map(bundle));
const packages = [...new Map(bundles.flatMap((each) => each.packages).map((each) => [each.name, each])).values()];
/** Packages of one author share a licence: it stands there once. @type {Map<string, string[]>} */
const byLicence = new Map();
for (const { name, text } of packages) byLicence.set(text, [...(byLicence.get(text) ?? []), name]);
const licences = [...byLicence].map(([text, names]) => `${names.join(", ")}\n\n${text}\n`).join("\n\n");
const manifest = Object.fromEntries(
  bundles.map(({ name, text, packages: of }) => [
    name,
    {
      sha256: createHash("sha256").update(text).digest("hex"),
      packages: Object.fromEntries(of.map((each) => [each.name, { version: each.version, licence: each.license }])),
    },
  ]),
);
const files = { ...Object.fromEntries(bundles.map(({ name, text }) => [name, text])), [LICENCES]: licences, "manifest.json": `${JSON.stringify(manifest, null, 2)}\n` };
for (const [name, text] of Object.entries(files)) {
  const path = join(VENDOR, name);
  if (!process.argv.includes("--check")) await writeFile(path, text);
  else if ((await readFile(path, "utf8").catch(() => "")) !== text) {
    console.error(`${path} is not what the packages of the lock file make: run \`npm run build\``);
    process.exitCode = 1;
  }
}
