// What `npm run test:naga` runs in Deno and in a page of Firefox: the tests of kernels.test.ts, the golden vectors, and a tiny training.
// main.ts replaces the two modules that only Node has.

import { runTests } from "../../bench/device/test-runner.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { type Fingerprint, fingerprint, TINY, tinyPhoto, trainAll } from "../tiny-training.ts";
import { fileOf, INDEX } from "../vectors/case.ts";
import { caseNames, describeResult, runCase } from "../vectors/run.ts";

/** What kernels are chosen by: Node trains with the same ones for the comparison. */
export interface AdapterFacts {
  readonly name: string;
  readonly hasSubgroups: boolean;
  readonly info: GPUAdapterInfo;
}

export interface Outcome {
  readonly passed: number;
  /** A line for each test that failed. */
  readonly failures: readonly string[];
  /** Tests that only say which variant this adapter has no subgroups for. */
  readonly withoutSubgroups: number;
}

export async function adapterFacts(): Promise<AdapterFacts> {
  const adapter = await openAdapter();
  const { architecture, description, device, isFallbackAdapter, subgroupMaxSize, subgroupMinSize, vendor } = adapter.info;
  const gpu = await openDevice(adapter);
  const name = gpu.adapterName;
  gpu.dispose();
  // A copy, because the getters of the browser's object are lost in JSON.
  const info = { architecture, description, device, isFallbackAdapter, subgroupMaxSize, subgroupMinSize, vendor };
  return { name, hasSubgroups: adapter.features.has("subgroups"), info: info as GPUAdapterInfo };
}

export async function kernels(): Promise<Outcome> {
  await import("../gpu/kernels.test.ts"); // opens the GPU itself
  let [passed, withoutSubgroups] = [0, 0];
  const failures: string[] = [];
  await runTests(
    (name) => console.log(name),
    (name, error) => {
      if (error !== null) failures.push(`${name}: ${error}`);
      else if (name.includes("skipped on this adapter")) withoutSubgroups++;
      else passed++;
    },
  );
  return { passed, failures, withoutSubgroups };
}

/** The vectors of a folder on the server. */
export async function vectors(folder: string): Promise<Outcome> {
  const files = new Map<string, Uint8Array>();
  const load = async (file: string): Promise<void> => {
    const response = await fetch(new URL(`${folder}/${file}`, import.meta.url));
    if (!response.ok) throw new Error(`${file}: status ${response.status}`);
    files.set(file, new Uint8Array(await response.arrayBuffer()));
  };
  const read = (file: string): Uint8Array => {
    const content = files.get(file);
    if (!content) throw new Error(`${file} is not in the index`);
    return content;
  };
  await load(INDEX);
  const names = caseNames(read);
  for (const name of names) await load(fileOf(name));
  const gpu = await openDevice(await openAdapter());
  const failures: string[] = [];
  for (const name of names) {
    console.log(name);
    const result = await runCase(gpu, read, name);
    if (!result.passed) failures.push(describeResult(result).replace(/^FAIL /, ""));
  }
  gpu.dispose();
  return { passed: names.length - failures.length, failures, withoutSubgroups: 0 };
}

export async function training(): Promise<Fingerprint> {
  const gpu = await openDevice(await openAdapter());
  try {
    return await fingerprint(gpu, await trainAll(gpu, tinyPhoto(), TINY));
  } finally {
    gpu.dispose();
  }
}
