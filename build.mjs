// Builds the project: reflects shaders/ into the typed manifest src/generated/kernels.ts, then bundles library, CLI and demo.
//   node build.mjs            everything
//   node build.mjs --kernels  only the manifest
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { build, transformSync } from "esbuild";
import { ResourceType, WgslReflect } from "wgsl_reflect/wgsl_reflect.module.js";

const ts = transformSync(readFileSync("src/gpu/template.ts", "utf8"), { loader: "ts", format: "esm" }).code;
const { expandTemplate } = await import(`data:text/javascript,${encodeURIComponent(ts)}`);

/** Bindings, parameter layout and overrides of every entry point; one manifest entry `file` or `file.entry`. */
function reflect(name, source) {
  let shader;
  try {
    shader = new WgslReflect(expandTemplate(source));
  } catch (error) {
    throw new Error(`shaders/${name}.wgsl does not parse: ${error.message ?? error}`);
  }
  return shader.entry.compute.map((entry) => {
    const used = entry.resources.filter((r) => r.resourceType !== ResourceType.Sampler).sort((a, b) => a.binding - b.binding);
    const uniform = used.find((r) => r.resourceType === ResourceType.Uniform);
    return {
      key: entry.name === "main" ? name : `${name}.${entry.name}`,
      file: name,
      entry: entry.name,
      bindings: used.filter((r) => r !== uniform).map((r) => ({ name: r.name, binding: r.binding, write: r.access === "read_write" })),
      params: uniform ? uniform.type.members.map((m) => ({ name: m.name, offset: m.offset, type: m.type.name })) : [],
      paramsBinding: uniform?.binding ?? -1,
      paramsBytes: uniform?.type.size ?? 0,
      overrides: shader.overrides.map((o) => o.name),
    };
  });
}

function writeManifest() {
  const files = readdirSync("shaders").filter((f) => f.endsWith(".wgsl")).sort();
  const sources = Object.fromEntries(files.map((f) => [f.slice(0, -5), readFileSync(`shaders/${f}`, "utf8")]));
  const kernels = Object.entries(sources).flatMap(([name, source]) => reflect(name, source));
  const union = (names) => names.map((n) => JSON.stringify(n)).join(" | ") || "never";
  const text = `// Generated from shaders/ by build.mjs: do not edit.
export const sources = ${JSON.stringify(sources, null, 1)} as const;

export const kernels = ${JSON.stringify(Object.fromEntries(kernels.map(({ key, ...rest }) => [key, rest])), null, 1)} as const;

export interface KernelTypes {
${kernels
  .map((k) => {
    const params = k.params.map((p) => `${p.name}: number`).join("; ");
    return `  ${JSON.stringify(k.key)}: { bindings: ${union(k.bindings.map((b) => b.name))}; params: { ${params} }; overrides: ${union(k.overrides)} };`;
  })
  .join("\n")}
}
`;
  mkdirSync("src/generated", { recursive: true });
  writeFileSync("src/generated/kernels.ts", text);
}

writeManifest();
