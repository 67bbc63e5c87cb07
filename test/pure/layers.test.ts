// The import lines respect the layers of docs/design.md and the rooms of src/singan, and no files import each other in a circle.
// A type-only import is written `import type`, or has `type` before every name.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The applications may use layers 4 to 7, the device, the adapter for it, and the tuner. */
const app = {
  layers: [
    "gpu/device",
    "gpu/gpu-keeper",
    "nn",
    "singan",
    "instant",
    "image",
    "metrics",
    "node",
    "runtime/open",
    "runtime/tuner",
  ],
  types: ["runtime"],
  packages: /./,
};
/** What a folder may import in addition to itself: whole layers or single modules, layers for types only, and packages. */
const ALLOWED: Readonly<Record<string, { layers: string[]; types: string[]; packages: RegExp }>> = {
  generated: { layers: [], types: [], packages: /^$/ },
  gpu: { layers: ["generated"], types: [], packages: /^$/ },
  autodiff: { layers: [], types: [], packages: /^$/ },
  reference: { layers: ["autodiff"], types: [], packages: /^$/ },
  runtime: { layers: ["gpu", "autodiff", "reference", "generated"], types: [], packages: /^$/ },
  nn: { layers: ["autodiff"], types: [], packages: /^$/ },
  singan: { layers: ["autodiff", "runtime", "nn", "image", "gpu/device", "gpu/gpu-keeper"], types: ["gpu"], packages: /^$/ },
  instant: { layers: ["gpu", "autodiff/philox", "runtime", "generated", "image"], types: [], packages: /^$/ },
  image: { layers: [], types: [], packages: /^(gifenc|pngjs|sharp|node:zlib)$/ },
  metrics: { layers: ["image"], types: [], packages: /^$/ },
  node: { layers: ["gpu", "instant"], types: ["runtime"], packages: /^(webgpu|node:.*)$/ },
  index: { layers: ["gpu/device", "gpu/gpu-keeper", "runtime/open", "singan", "instant", "image"], types: [], packages: /^$/ },
  ...{ cli: app, harness: app },
  // The page measures a GPU with the benchmark's own code.
  demo: { ...app, layers: [...app.layers, "bench/cases", "bench/measure", "bench/steps"] },
  // The benchmark also times single kernels, and runs in pages.
  bench: { ...app, layers: [...app.layers, "gpu", "runtime", "autodiff", "harness", "generated/matrix-wasm"] },
};

/** The rooms of src/singan from the bottom up; recipes.ts, which has the table of recipes, lies on top of them. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  model: [],
  networks: ["model"],
  training: ["networks", "model"],
  generation: ["networks", "model"],
  "recipes.ts": ["generation", "training", "networks", "model"],
};

interface Import {
  readonly file: string;
  readonly target: string;
  readonly isType: boolean;
  readonly isDynamic: boolean;
}
const STATEMENT =
  /^(?:import|export)\s(type\s)?(\{[^}]*\}|\*[\s\w]*|\w+(?:, \{[^}]*\})?)\sfrom\s"([^"]+)"|^import\s"([^"]+)"|\bimport\("([^"]+)"\)/gm;
const files = ["src", "harness", "bench"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.m?[jt]s$/.test(name) && !name.includes("node_modules"))
    .map((name) => join(folder, name)),
);
const imports: readonly Import[] = files.flatMap((file) =>
  [...readFileSync(join(ROOT, file), "utf8").matchAll(STATEMENT)].map(([, type, names = "", ...targets]) => {
    const target = targets.find((t) => t !== undefined)!;
    const allTypes = names.startsWith("{") && names.split(/[{},]/).every((name) => /^\s*(type\s.*)?$/.test(name));
    const resolved = target.startsWith(".") ? normalize(join(dirname(file), target)).replaceAll(sep, "/") : target;
    return {
      file: file.replaceAll(sep, "/"),
      target: resolved,
      isType: Boolean(type) || allTypes,
      isDynamic: targets[2] !== undefined,
    };
  }),
);

/** `src/gpu/device.ts` → `gpu/device`; the top-level folder (or file) is the layer. */
const moduleOf = (path: string): string => path.replace(/^src\//, "").replace(/\.m?[jt]s$/, "");
const layerOf = (path: string): string => moduleOf(path).split("/")[0]!;

function isAllowed({ file, target, isType }: Import): boolean {
  const rule = ALLOWED[layerOf(file)];
  if (!rule || target === "package.json") return Boolean(rule);
  if (!/^(src|harness|bench)\//.test(target)) return rule.packages.test(target) && !target.startsWith("..");
  const named = (names: readonly string[]) => names.includes(layerOf(target)) || names.includes(moduleOf(target));
  return layerOf(target) === layerOf(file) || named(rule.layers) || (isType && named(rule.types));
}

test("imports go only to the layers that the table names", () => {
  const found = imports.filter((i) => !isAllowed(i)).map((i) => `${i.file} imports ${i.target}`);
  expect(found).toEqual([]);
  expect(imports.length).toBeGreaterThan(files.length); // the pattern still matches import lines
});

const roomOf = (path: string): string | undefined => /^src\/singan\/([^/]+)/.exec(path)?.[1];

test("the rooms of src/singan import downwards only", () => {
  const found = imports.filter(({ file, target }) => {
    const [from, to] = [roomOf(file), roomOf(target)];
    return from && to && from !== to && !ROOMS[from]?.includes(to);
  });
  expect(found.map((i) => `${i.file} imports ${i.target}`)).toEqual([]);
  expect(new Set(files.map(roomOf).filter(Boolean))).toEqual(new Set(Object.keys(ROOMS)));
});

/** The first circle of imports in a graph of files, as a list of files; null where there is none. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | null => {
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file];
    if (done.has(file)) return null;
    for (const target of graph.get(file) ?? []) {
      const circle = visit(target, [...path, file]);
      if (circle) return circle;
    }
    done.add(file);
    return null;
  };
  for (const file of graph.keys()) {
    const circle = visit(file, []);
    if (circle) return circle;
  }
  return null;
}

test("no file imports itself through others, not even by type", () => {
  const graph = new Map<string, string[]>();
  for (const { file, target } of imports) graph.set(file, [...(graph.get(file) ?? []), target]);
  expect(circleIn(graph)).toBeNull();
  expect(circleIn(new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]]]))).toEqual(["b", "c", "b"]); // biome-ignore format: a graph
});

test("what only software adapters run is loaded on demand, from one place", () => {
  const isSoftware = (path: string) => /^src\/(runtime\/conv\/software\/|generated\/software-kernels)/.test(path);
  const found = imports.filter(({ file, target, isType }) => isSoftware(target) && !isSoftware(file) && !isType);
  expect(found.map(({ file, isDynamic }) => ({ file, isDynamic }))).toEqual([
    { file: "src/runtime/conv/families.ts", isDynamic: true },
  ]);
});
