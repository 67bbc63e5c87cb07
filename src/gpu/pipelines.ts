// Kernels by name: typed calls, and the pipelines they need, compiled once each.
// The manifests are made from shaders/ at build time, so a misspelt binding or parameter is a type error.

import { kernels, type KernelTypes as PlainKernelTypes, sources } from "../generated/kernels.ts";
import type { SoftwareKernelTypes } from "../generated/software-kernels.ts";
import { expandTemplate, type TemplateConstants } from "./template.ts";

type KernelTypes = PlainKernelTypes & SoftwareKernelTypes;
export type KernelName = keyof KernelTypes;

/** An entry point of a kernel file, as the build has found it there. */
interface KernelEntry {
  readonly file: string;
  readonly entry: string;
  readonly bindings: readonly { readonly name: string; readonly binding: number; readonly write: boolean }[];
  readonly params: readonly { readonly name: string; readonly offset: number; readonly type: string }[];
  readonly paramsBinding: number;
  readonly paramsBytes: number;
}
export interface KernelManifest {
  readonly kernels: Readonly<Record<string, KernelEntry>>;
  readonly sources: Readonly<Record<string, string>>;
}

/** Code that is loaded: the kernels of every adapter, and those that addKernels() has added. */
const manifests: KernelManifest[] = [{ kernels, sources }];

/** Makes kernels known that are loaded on demand. */
export function addKernels(manifest: KernelManifest): void {
  if (!manifests.includes(manifest)) manifests.push(manifest);
}

/** Throws where the kernel is in a manifest that is not loaded. */
export function entryOf(kernel: KernelName): KernelEntry & { readonly source: string } {
  for (const { kernels: known, sources: texts } of manifests) {
    const entry = known[kernel];
    if (entry) return { ...entry, source: texts[entry.file]! };
  }
  throw new Error(`the kernel ${kernel} is not loaded: it is for software adapters, which openDevice() opens`);
}

/** The text of all kernels that are loaded: what a time measured here depends on. */
export const loadedSources = (): string => JSON.stringify(manifests.map((manifest) => manifest.sources));

/** One dispatch: which kernel, on what, with which sizes. `R` is how the caller names its buffers. */
export interface KernelCall<R = unknown> {
  readonly kernel: KernelName;
  readonly bindings: Readonly<Record<string, R>>;
  readonly params: Readonly<Record<string, number>>;
  readonly overrides: Readonly<Record<string, number>>;
  readonly template: TemplateConstants;
  readonly groups: readonly [x: number, y: number];
}

const MAX_GROUPS = 65_535;

/** A typed call of `kernel`; throws where a grid exceeds WebGPU's 65,535 workgroups per dimension. */
export function call<K extends KernelName, R>(
  kernel: K,
  bindings: Record<KernelTypes[K]["bindings"], R>,
  params: KernelTypes[K]["params"],
  groups: readonly [number, number],
  options: { overrides?: Partial<Record<KernelTypes[K]["overrides"], number>>; template?: TemplateConstants } = {},
): KernelCall<R> {
  if (Math.max(...groups) > MAX_GROUPS || Math.min(...groups) < 1)
    throw new RangeError(`${kernel}: a grid of ${groups} workgroups`);
  const { overrides = {}, template = {} } = options as Partial<Pick<KernelCall, "overrides" | "template">>;
  return { kernel, bindings, params: params as Record<string, number>, overrides, template, groups };
}

/** A grid for `threads` independent threads; kernels flatten it as group.y·groups.x + group.x. */
export function grid(threads: number, workgroup: number): [number, number] {
  const groups = Math.max(1, Math.ceil(threads / workgroup));
  const x = Math.min(groups, MAX_GROUPS);
  return [x, Math.ceil(groups / x)];
}

export class Pipelines {
  #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  #modules = new Map<string, GPUShaderModule>();

  /** Resolves when nothing is being compiled any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pipelines.values());
  }

  constructor(readonly device: GPUDevice) {}

  get size(): number {
    return this.#pipelines.size;
  }

  /** The pipeline of a call; compiled at most once. Rejects with kernel name, constants and the compiler's first line. */
  get({ kernel, overrides, template }: KernelCall): Promise<GPUComputePipeline> {
    const { file, entry, source } = entryOf(kernel);
    const moduleKey = `${file} ${JSON.stringify(template)}`;
    const key = `${kernel} ${moduleKey} ${JSON.stringify(overrides)}`;
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) {
      pipeline = this.#compile(key, moduleKey, () => expandTemplate(source, template), entry, overrides);
      this.#pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  async #compile(key: string, moduleKey: string, code: () => string, entryPoint: string, constants: Record<string, number>) {
    let module = this.#modules.get(moduleKey);
    if (!module) {
      this.device.pushErrorScope("validation"); // else a faulty shader is also an uncaptured error
      module = this.device.createShaderModule({ code: code(), label: moduleKey });
      this.device.popErrorScope().catch(() => {}); // a lost device has no scopes
      this.#modules.set(moduleKey, module);
    }
    try {
      const compute = { module, entryPoint, constants };
      return await this.device.createComputePipelineAsync({ layout: "auto", label: key, compute });
    } catch (error) {
      const { messages } = await module.getCompilationInfo();
      const fault = messages.find((m) => m.type === "error");
      const reason = fault ? `line ${fault.lineNum}: ${fault.message.trim()}` : (error as Error).message;
      throw new Error(`kernel ${key} does not compile: ${reason.trim().split("\n")[0]}`);
    }
  }
}

/** Writes a call's parameters where the shader's struct has them. */
export function writeParams({ kernel, params }: KernelCall, target: DataView, at: number): void {
  for (const { name, offset, type } of entryOf(kernel).params) {
    const value = params[name]!;
    if (type === "f32") target.setFloat32(at + offset, value, true);
    else if (type === "i32") target.setInt32(at + offset, value, true);
    else target.setUint32(at + offset, value, true);
  }
}
