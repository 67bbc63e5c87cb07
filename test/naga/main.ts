// npm run test:naga: runs the kernels under wgpu and its compiler Naga, the WebGPU of Deno and Firefox: kernel tests, golden vectors, and a
// tiny training that is compared with Node's. Prints what ran where, the tests that failed, and then `N passed, M failed`.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Plugin } from "esbuild";
import { launchFirefox } from "../../harness/browser.ts";
import { obtainDeno, runInDeno } from "../../harness/deno.ts";
import { runInPage, type ServedOptions } from "../../harness/page.ts";
import { findFirefox } from "../../src/node/browser-paths.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { adapterWithoutSubgroups } from "../other-adapter.ts";
import { differenceOf, type Fingerprint, fingerprint, TINY, tinyPhoto, trainAll } from "../tiny-training.ts";
import type { AdapterFacts, Outcome } from "./suite.page.ts";

const SUITE = "test/naga/suite.page.ts";
const GOLDEN = "golden";
/** Of a part: on two cores without a GPU the longest takes a tenth of it. */
const LIMIT_MS = 3_600_000;

/** A program with a WebGPU of its own. */
interface Program {
  readonly name: string;
  run<T>(exportName: string, argument: unknown, onConsole: (line: string) => void): Promise<T>;
  close(): Promise<void>;
}

const otherAdapter: Plugin = {
  name: "adapter",
  setup: (build) => {
    build.onResolve({ filter: /\/node\/adapter\.ts$/ }, () => ({ path: resolve("test/naga/adapter.ts") }));
  },
};
const SERVED: ServedOptions = {
  build: { alias: { vitest: "./bench/device/test-runner.ts" }, plugins: [otherAdapter] },
  folders: { [GOLDEN]: "test/golden" },
};

async function openDeno(): Promise<Program> {
  const { path, version } = obtainDeno();
  return {
    name: `Deno ${version}`,
    run: (exportName, argument, onConsole) =>
      runInDeno(path, SUITE, exportName, argument, { ...SERVED, limitMs: LIMIT_MS, onConsole }),
    close: async () => {},
  };
}

/** Null where none is installed. Throws if FIREFOX_PATH names one that is not there. */
async function openFirefox(): Promise<Program | null> {
  if (findFirefox() === null) return null;
  const downloads = mkdtempSync(join(tmpdir(), "singan-naga-"));
  const browser = await launchFirefox(downloads);
  return {
    name: (await browser.version()).replace("firefox/", "Firefox "),
    run: (exportName, argument, onConsole) =>
      runInPage(SUITE, exportName, argument, { ...SERVED, browser, limitMs: LIMIT_MS, onConsole }),
    close: async () => {
      await browser.close();
      rmSync(downloads, { recursive: true, force: true });
    },
  };
}

/** Compares the training of a program with one in Node by the same kernels. */
async function compareTraining(theirs: Fingerprint, { info }: AdapterFacts): Promise<Outcome> {
  const gpu = await openDevice(await adapterWithoutSubgroups(info));
  try {
    const ours = await fingerprint(gpu, await trainAll(gpu, tinyPhoto(), TINY));
    const difference = differenceOf(theirs, ours, gpu.isSoftware);
    return { passed: difference === null ? 1 : 0, failures: difference === null ? [] : [difference], withoutSubgroups: 0 };
  } finally {
    await gpu.finished(); // Dawn crashes where a process ends with work pending
    gpu.dispose();
  }
}

const total = { passed: 0, failed: 0 };

/** Runs a part of the suite and prints how it ended. A part that ends early counts as one test that failed. */
async function runPart(what: string, part: (onConsole: (line: string) => void) => Promise<Outcome>): Promise<void> {
  const start = performance.now();
  let last = "its start";
  const { passed, failures, withoutSubgroups } = await part((line) => {
    last = line.replace(/^page: /, "");
  }).catch(
    (error: Error): Outcome => ({ passed: 0, failures: [`at ${last}: ${error.message.split("\n")[0]}`], withoutSubgroups: 0 }),
  );
  total.passed += passed;
  total.failed += failures.length;
  const seconds = Math.round((performance.now() - start) / 1000);
  const rest = withoutSubgroups > 0 ? ` (${withoutSubgroups} variants need subgroups, which this WebGPU has not)` : "";
  console.log(`  ${what}: ${passed} passed, ${failures.length} failed, ${seconds} s${rest}`);
  for (const failure of failures) console.log(`    FAIL ${failure}`);
}

async function runAll(name: string, open: () => Promise<Program | null>): Promise<void> {
  const program = await open();
  if (program === null) {
    console.log(`${name}: not installed here, so it is left out`);
    return;
  }
  try {
    const facts = await program.run<AdapterFacts>("adapterFacts", null, () => {});
    console.log(`${program.name}: ${facts.info.description || facts.name}`);
    await runPart("kernels", (onConsole) => program.run<Outcome>("kernels", null, onConsole));
    await runPart("golden vectors and recorded trainings", (onConsole) => program.run<Outcome>("vectors", GOLDEN, onConsole));
    await runPart("a tiny training, compared with Node's", async (onConsole) =>
      compareTraining(await program.run<Fingerprint>("training", null, onConsole), facts),
    );
  } finally {
    await program.close();
  }
}

for (const [name, open] of Object.entries({ Deno: openDeno, Firefox: openFirefox })) {
  await runAll(name, open).catch((error: Error) => {
    total.failed++;
    console.log(`${name}: FAIL ${error.message.split("\n")[0]}`);
  });
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
