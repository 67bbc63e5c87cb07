// Builds the project: reflects shaders/ into the typed manifests of src/generated, then bundles library, CLI and demo.
//   node build.mjs            everything, declarations included
//   node build.mjs --kernels  only the manifests
//   node build.mjs --demo     manifests and the demo page with its server: before `npm start`
//   node build.mjs --site     the page as a static site, in dist/site; SITE_URL in the environment is where it will be, for links to it
//   node build.mjs --stale    manifests and bundles, only where a source is newer than they are: before `npm run singan`
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import asc from "assemblyscript/asc";
import { build, transformSync } from "esbuild";
import { ResourceType, WgslReflect } from "wgsl_reflect/wgsl_reflect.module.js";

const ts = transformSync(readFileSync("src/gpu/template.ts", "utf8"), { loader: "ts", format: "esm" }).code;
const { expandTemplate, inlineIncludes } = await import(`data:text/javascript,${encodeURIComponent(ts)}`);

/** Manifests by folder of kernels: those of software adapters have one of their own, so that other browsers need not load them. */
const MANIFESTS = [
  { folder: "shaders", file: "src/generated/kernels.ts", names: ["kernels", "sources", "KernelTypes"] },
  {
    folder: "shaders/software",
    file: "src/generated/software-kernels.ts",
    names: ["softwareKernels", "softwareSources", "SoftwareKernelTypes"],
  },
];
const included = (name) => readFileSync(`shaders/include/${name}.wgsl`, "utf8");
/** Stands for all bundles: esbuild writes them together. */
const BUILT = "dist/cli.js";

/** Bindings, parameter layout and overrides of every entry point; one manifest entry `file` or `file.entry`. */
function reflect(name, source) {
  let shader;
  try {
    shader = new WgslReflect(expandTemplate(source));
  } catch (error) {
    throw new Error(`the kernel ${name} does not parse: ${error.message ?? error}`);
  }
  return shader.entry.compute.map((entry) => {
    const used = entry.resources.filter((r) => r.resourceType !== ResourceType.Sampler).sort((a, b) => a.binding - b.binding);
    const uniform = used.find((r) => r.resourceType === ResourceType.Uniform);
    return {
      key: entry.name === "main" ? name : `${name}.${entry.name}`,
      file: name,
      entry: entry.name,
      bindings: used
        .filter((r) => r !== uniform)
        .map((r) => ({ name: r.name, binding: r.binding, write: r.access === "read_write" })),
      params: uniform ? uniform.type.members.map((m) => ({ name: m.name, offset: m.offset, type: m.type.name })) : [],
      paramsBinding: uniform?.binding ?? -1,
      paramsBytes: uniform?.type.size ?? 0,
      overrides: shader.overrides.map((o) => o.name),
    };
  });
}

/** A kernel with what it includes. */
function sourceOf(path) {
  try {
    return inlineIncludes(readFileSync(path, "utf8"), included);
  } catch (error) {
    throw new Error(`${path}: ${error.message}`);
  }
}

function writeManifest({ folder, file, names: [kernelsName, sourcesName, typesName] }) {
  const files = readdirSync(folder)
    .filter((f) => f.endsWith(".wgsl"))
    .sort();
  const sources = Object.fromEntries(files.map((f) => [f.slice(0, -5), sourceOf(join(folder, f))]));
  const kernels = Object.entries(sources).flatMap(([name, source]) => reflect(name, source));
  const union = (names) => names.map((n) => JSON.stringify(n)).join(" | ") || "never";
  const text = `// Generated from ${folder}/ by build.mjs: do not edit.
/** @internal */
export const ${sourcesName} = ${JSON.stringify(sources, null, 1)} as const;

/** @internal */
export const ${kernelsName} = ${JSON.stringify(Object.fromEntries(kernels.map(({ key, ...rest }) => [key, rest])), null, 1)} as const;

export interface ${typesName} {
${kernels
  .map((k) => {
    const params = k.params.map((p) => `${p.name}: number`).join("; ");
    return `  ${JSON.stringify(k.key)}: { bindings: ${union(k.bindings.map((b) => b.name))}; params: { ${params} }; overrides: ${union(k.overrides)} };`;
  })
  .join("\n")}
}
`;
  mkdirSync("src/generated", { recursive: true });
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
}

/** The code for processors of the recipe `instant`, and what `npm run bench:instant` compares it with. */
const WASM = [
  { source: "src/instant/wasm/patches.ts", file: "src/generated/patches-wasm.ts", name: "patchesWasm" },
  { source: "bench/instant/wasm/matrix.ts", file: "src/generated/matrix-wasm.ts", name: "matrixWasm" },
];

/** WebAssembly as a module of base64 text: it is small, and so needs no file of its own anywhere. */
async function writeWasm({ source, file, name }) {
  const changed = Math.max(...WASM.map((one) => changedAt(dirname(one.source)))); // they share files
  if (existsSync(file) && statSync(file).mtimeMs > changed) return;
  let binary;
  const stderr = asc.createMemoryStream();
  const flags = ["--enable", "simd", "-O3", "--runtime", "stub", "--noAssert", "--outFile", "binary"];
  const { error } = await asc.main([source, ...flags], {
    stderr,
    writeFile: (_, content) => {
      binary = content;
    },
  });
  if (error) throw new Error(`${source}: ${stderr.toString()}`);
  const text = `// Generated from ${source} by build.mjs: do not edit.
export const ${name} = "${Buffer.from(binary).toString("base64")}";
`;
  mkdirSync("src/generated", { recursive: true });
  writeFileSync(file, text);
}

/** Library and CLI, in one run, so that they share their modules: an error thrown by one is an instance of the other's class. */
async function bundleLibrary() {
  rmSync("dist/chunks", { recursive: true, force: true });
  await build({
    entryPoints: {
      index: "src/index.ts",
      node: "src/node/index.ts",
      cli: "src/cli/main.ts",
      "share-worker": "src/node/share-worker.ts",
    },
    outdir: "dist",
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2023",
    external: ["node:*", "webgpu", "sharp", "pngjs", "gifenc"],
    logLevel: "warning",
  });
  await writeManPage();
}

/** The manual page, from the program's own table of commands. */
async function writeManPage() {
  const names = { COMMANDS: "commands", manPage: "man-page", VERSION: "report" };
  const contents = Object.entries(names).map(([name, file]) => `export { ${name} } from "./src/cli/${file}.ts";`);
  const outfile = "out/man-page.mjs";
  await build({
    ...BUNDLE,
    stdin: { contents: contents.join("\n"), resolveDir: "." },
    outfile,
    platform: "node",
    packages: "external",
  });
  const { COMMANDS, manPage, VERSION } = await import(pathToFileURL(outfile).href);
  writeFileSync("dist/singan.1", manPage(COMMANDS, VERSION));
}

const BUNDLE = { bundle: true, format: "esm", target: "es2023", logLevel: "warning" };

/** The page and its workers, which share their modules, with the bundled photos. */
async function bundlePage(folder, isSite) {
  rmSync(folder, { recursive: true, force: true });
  await build({
    ...BUNDLE,
    entryPoints: [
      ...["main", "linked", "worker", "instant-worker", "share-worker", "files-worker"].map((name) => `src/demo/${name}.ts`),
      "src/demo/style.css",
    ],
    outdir: folder,
    define: { IS_SITE: `${isSite}`, PAGE_VERSION: JSON.stringify(pageVersion()) },
    splitting: true,
    minify: true,
  });
  for (const name of ["icon.svg", "app.webmanifest"]) copyFileSync(`src/demo/${name}`, join(folder, name));
  const html = readFileSync("src/demo/index.html", "utf8").replace(/<!-- The controls of .*-->/, panels());
  writeFileSync(join(folder, "index.html"), isSite ? withCardOf(process.env.SITE_URL, html) : html);
  cpSync("photos", join(folder, "photos"), { recursive: true });
  cpSync("src/demo/stored", join(folder, "stored"), { recursive: true });
  copyModels(join(folder, "models"));
  writeFileSync(join(folder, "benchmarks.json"), JSON.stringify(storedSteps()));
}

/** The controls of the tools, each in a template. */
function panels() {
  const features = "src/demo/features";
  return readdirSync(features)
    .map((name) => [name, join(features, name, "panel.html")])
    .filter(([, file]) => existsSync(file))
    .map(([name, file]) => `<template id="panel-${name}">\n${readFileSync(file, "utf8")}</template>`)
    .join("\n");
}

/** The page with the whole address of the picture that other sites show beside a link to it, where the page's address is known. */
function withCardOf(siteUrl, html) {
  if (!siteUrl) return html;
  return html.replace(
    /(property="og:image" content=")([^"]+)/,
    (_, before, path) => before + new URL(path, `${siteUrl.replace(/\/*$/, "")}/`),
  );
}

/** The trained models that come with the page, if there are any, and the list of their lengths in bytes (src/demo/shipped.ts). */
function copyModels(folder) {
  mkdirSync(folder, { recursive: true });
  if (existsSync("models")) cpSync("models", folder, { recursive: true });
  const files = readdirSync(folder).filter((name) => name.endsWith(".safetensors"));
  const sizes = files.map((name) => [name.replace(/\.[^.]*$/, ""), statSync(join(folder, name)).size]);
  writeFileSync(join(folder, "index.json"), JSON.stringify(Object.fromEntries(sizes)));
}

/**
 * What the page compares a visitor's GPU with: the D steps of `npm run bench`. The program of this step is the same in all stored results; that of
 * the G step has changed since the first of them.
 */
function storedSteps() {
  const folder = "bench/results";
  return readdirSync(folder)
    .filter((name) => /^bench-.*\.ndjson$/.test(name))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").trim().split("\n"))
    .map((line) => JSON.parse(line))
    .filter(({ what, peer, median_ms }) => what === "dStep" && !peer && median_ms)
    .map(({ adapter, runtime, date, shape, median_ms: medianMs, gflops }) => ({
      adapter,
      runtime,
      date,
      shape,
      medianMs,
      gflops,
    }));
}

/** The version of the package, with the commit where git knows it. */
function pageVersion() {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  const { status, stdout } = spawnSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8" });
  return status === 0 ? `${version} (${stdout.trim()})` : version;
}

async function bundleDemo() {
  await bundlePage("dist/demo", false);
  await build({ ...BUNDLE, entryPoints: ["harness/demo-server.ts"], outdir: "dist", platform: "node" });
}

/** The page for any static host, with the script that keeps a copy of it in the browser. */
async function bundleSite() {
  const folder = "dist/site";
  await bundlePage(folder, true);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const version = createHash("sha256");
  for (const file of files) version.update(file).update(readFileSync(file));
  const notKept = /\.safetensors$|^stored\/card\.jpg$/; // models are kept as they are opened; the card is for other sites
  const paths = files.map((file) => relative(folder, file).split(sep).join("/")).filter((path) => !notKept.test(path));
  await build({
    ...BUNDLE,
    entryPoints: ["src/demo/offline.ts"],
    outdir: folder,
    define: {
      FILES: JSON.stringify(["./", ...paths]),
      VERSION: JSON.stringify(version.digest("hex").slice(0, 12)),
      POLICY: JSON.stringify(
        /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(readFileSync(join(folder, "index.html"), "utf8"))[1],
      ),
    },
    minify: true,
  });
}

/** Types of the library, without those that nothing public refers to. What generated files mark as internal is left out, too: it is large. */
function writeDeclarations() {
  const folder = join("dist", "types");
  rmSync(folder, { recursive: true, force: true });
  const tsc = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.types.json"], { stdio: "inherit" });
  if (tsc.status !== 0) throw new Error("the declarations could not be made");
  const used = new Set([join(folder, "index.d.ts"), join(folder, "node", "index.d.ts")]);
  for (const file of used) {
    const targets = readFileSync(file, "utf8").matchAll(/(?:from |import\()"(\..*?)\.ts"/g);
    for (const [, target] of targets) used.add(join(dirname(file), `${target}.d.ts`));
  }
  for (const name of readdirSync(folder, { recursive: true })) {
    const file = join(folder, name);
    if (file.endsWith(".d.ts") && !used.has(file)) rmSync(file);
  }
}

/** Time of the last change below a path, in ms; generated files do not count. */
function changedAt(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  const names = readdirSync(path).filter((name) => join(path, name) !== join("src", "generated"));
  return Math.max(stats.mtimeMs, ...names.map((name) => changedAt(join(path, name))));
}

function isStale() {
  if (!existsSync(BUILT)) return true;
  const built = statSync(BUILT).mtimeMs;
  return ["src", "shaders", "build.mjs", "package.json"].some((path) => changedAt(path) > built);
}

const mode = process.argv[2];
if (mode !== "--stale" || isStale()) {
  for (const manifest of MANIFESTS) writeManifest(manifest);
  for (const wasm of WASM) await writeWasm(wasm);
  if (mode === undefined || mode === "--stale") await bundleLibrary();
  if (mode === undefined || mode === "--demo") await bundleDemo();
  if (mode === "--site") await bundleSite();
  if (mode === undefined) writeDeclarations();
}
