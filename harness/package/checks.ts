// Installs the package into empty projects outside of this checkout, under each Node that it supports, and uses it there: the library, its types and
// its program. Then the package checkers publint and attw look at the tarball. Needs the npm registry, and man.

import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import manifest from "../../package.json";
import { MOST_BYTES, npm, packRelease } from "./release.ts";

const NODES = ["20", "22", "24"];
const CHECKERS = { publint: "publint@0.3.25", attw: "@arethetypeswrong/cli@0.18.5" } as const;
const SOURCE = { repository: "someone/singan-webgpu", commit: "HEAD" };
const LIMIT_MS = 10 * 60_000;
const TRAINING = ["--max-size", "30", "--min-size", "12", "--iterations", "2", "--samples", "1", "--out", "trained"];

/** A user's program: it uses the library's types as the README does, and would not compile without them. */
const USER_PROGRAM = `import { type AnyModel, openDevice, openSampler, type Rgb8, toPlanes, toRgb8, train } from "singan-webgpu";
import { openAdapter } from "singan-webgpu/node";

export async function picture(photo: Rgb8): Promise<Rgb8> {
  const gpu = await openDevice(await openAdapter());
  const training = train(gpu, toPlanes(photo), { maxSize: 64, iterations: 500 });
  let step = await training.next();
  while (!step.done) {
    console.log(step.value.scale);
    step = await training.next();
  }
  const model: AnyModel = step.value;
  const sampler = await openSampler(gpu, model);
  return toRgb8(await sampler.sample({ seed: 7 }));
}
// @ts-expect-error A misspelt option is an error, so the types are really there.
train(await openDevice(await openAdapter()), toPlanes(await picture({} as Rgb8)), { maxsize: 64 });
`;
const IMPORTS = {
  "the library": `import { DEFAULTS, openDevice, train } from "singan-webgpu"; check(DEFAULTS.maxSize > 0 && train && openDevice);`,
  "singan-webgpu/node": `import { openAdapter } from "singan-webgpu/node"; check((await openAdapter()).limits.maxBufferSize > 0); process.exit(0);`,
  "the library by require": `import { createRequire } from "node:module"; check(createRequire(import.meta.url)("singan-webgpu").train);`,
} as const;
const CHECK = `function check(ok) { if (!ok) throw new Error("an export is missing"); }`;

type Output = Readonly<Record<"stdout" | "stderr", string>>;
type Run = (command: string, ...words: readonly string[]) => Promise<Output>;
const PROGRAM = join("node_modules", ".bin", "singan");

/** Packs, installs and checks. Returns whether all checks passed. */
export async function checkPackage(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "singan-package-"));
  // Without what npm run adds, so that npm takes each project for itself.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));
  let failed = 0;
  const check = async (name: string, work: () => unknown): Promise<boolean> => {
    const start = performance.now();
    const seconds = () => `(${((performance.now() - start) / 1000).toFixed(1)} s)`;
    try {
      const what = await work();
      console.log(`ok      ${name}${typeof what === "string" ? `: ${what}` : ""} ${seconds()}`);
      return true;
    } catch (error) {
      const { message, stdout = "" } = error as Error & { stdout?: string }; // of a command, the message has what went to stderr
      console.log(`FAILED  ${name} ${seconds()}\n${`${message}\n${stdout}`.trimEnd().replace(/^/gm, "        ")}`);
      failed++;
      return false;
    }
  };
  try {
    const tarball = resolve(packRelease(SOURCE, join(folder, "release")));
    await check("the package is within its size", () => sizes(tarball, join(folder, "release", "package")));
    await checkTarball(tarball, check);
    for (const version of NODES) {
      const [node, project] = [join(folder, `node-${version}`), join(folder, `project-${version}`)];
      const path = [join(node, "node_modules", "node", "bin"), env["PATH"]].join(delimiter);
      const run = runIn(project, { ...env, PATH: path, SINGAN_TUNE: "off" });
      const hasNode = await check(`Node ${version}`, async () => {
        mkdirSync(node);
        emptyProject(project);
        // Its install script fetches the binary; newer versions of npm run no scripts that are not allowed here.
        writeFileSync(join(node, "package.json"), JSON.stringify({ private: true, allowScripts: { node: true } }));
        npm(["install", "--no-audit", "--no-fund", `node@${version}`], { cwd: node, env });
        const found = (await run("node", "--version")).stdout.trim();
        if (!found.startsWith(`v${version}.`)) throw new Error(`it is ${found}`);
        return found;
      });
      if (hasNode) await checkProject(version, tarball, project, run, check);
    }
    await check("without the optional packages it loads, and says what is missing", async () => {
      const project = join(folder, "project-without");
      const run = runIn(project, env);
      emptyProject(project);
      npm(["install", "--omit=optional", "--no-audit", "--no-fund", tarball], { cwd: project, env });
      await run("node", "--input-type=module", "-e", `${IMPORTS["the library"]}\n${CHECK}`);
      const { stderr } = await run(PROGRAM, "doctor").catch((error) => error as { stderr: string });
      if (!/^singan: .*npm install webgpu$/m.test(stderr)) throw new Error(stderr);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(failed === 0 ? "all checks passed" : `${failed} checks failed`);
  return failed === 0;
}
type Check = (name: string, work: () => unknown) => Promise<boolean>;

/** Runs commands in a folder. What they return rejects where they fail. */
const runIn =
  (cwd: string, env: NodeJS.ProcessEnv): Run =>
  (command, ...words) =>
    promisify(execFile)(command, words, { cwd, env, timeout: LIMIT_MS, maxBuffer: 2 ** 26, encoding: "utf8" });

function emptyProject(folder: string): void {
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "somebody", private: true, type: "module" }));
}

/** The sizes of the package, in words. Throws where it is too large. */
function sizes(tarball: string, contents: string): string {
  const [{ unpackedSize }] = JSON.parse(npm(["pack", contents, "--dry-run", "--json", "--ignore-scripts"])) as [
    { unpackedSize: number },
  ];
  const found = { packed: statSync(tarball).size, unpacked: unpackedSize };
  for (const [key, bytes] of Object.entries(found)) {
    const most = MOST_BYTES[key as keyof typeof MOST_BYTES];
    if (bytes > most) throw new Error(`${key} it has ${bytes} bytes; at most ${most} are allowed (harness/package/release.ts)`);
  }
  return Object.entries(found)
    .map(([key, bytes]) => `${key} ${bytes} bytes`)
    .join(", ");
}

async function checkTarball(tarball: string, check: Check): Promise<void> {
  const run = runIn(dirname(tarball), process.env);
  const npx = (checker: keyof typeof CHECKERS, ...words: readonly string[]) =>
    run("npx", "-y", "-p", CHECKERS[checker], checker, ...words);
  await check(`${CHECKERS.publint} finds nothing`, async () => {
    const { stdout } = await npx("publint", "run", tarball, "--strict");
    if (!/All good!/.test(stdout)) throw new Error(stdout);
  });
  // The package has ES modules only. Every Node that it supports also loads them by require(), which is checked below.
  await check(`${CHECKERS.attw} finds nothing`, async () => {
    await npx("attw", tarball, "--no-color", "--no-emoji", "--ignore-rules", "cjs-resolves-to-esm");
  });
  await check("the manual page renders without a warning", async () => {
    const { stderr } = await run("man", "--warnings", "-l", join(dirname(tarball), "package", manifest.man[0]!));
    if (stderr) throw new Error(stderr);
  });
  await check("a global installation has the manual page", async () => {
    const prefix = join(dirname(tarball), "global");
    await run("npm", "install", "--global", "--prefix", prefix, "--omit=optional", tarball);
    if (!existsSync(join(prefix, "share/man/man1/singan.1"))) throw new Error("npm has not linked it");
  });
}

async function checkProject(version: string, tarball: string, project: string, run: Run, check: Check): Promise<void> {
  const named = (what: string) => `Node ${version}: ${what}`;
  const write = (name: string, text: string) => writeFileSync(join(project, name), text);
  cpSync("photos/clouds.png", join(project, "photo.png"));
  const singan = async (...words: readonly string[]): Promise<string> => (await run(PROGRAM, ...words)).stdout;
  const isInstalled = await check(named("installs into an empty project"), async () => {
    const npmScript = process.env["npm_execpath"];
    if (!npmScript) throw new Error("run this by npm run test:package");
    await run("node", npmScript, "install", "--engine-strict", "--no-audit", "--no-fund", tarball);
    if (!existsSync(join(project, "node_modules", "singan-webgpu"))) throw new Error("it was installed somewhere else");
  });
  if (!isInstalled) return;
  for (const [what, code] of Object.entries(IMPORTS))
    await check(named(`imports ${what}`), async () => {
      await run("node", "--input-type=module", "-e", `${code}\n${CHECK}`);
    });
  write("user.ts", USER_PROGRAM);
  const tsc = resolve("node_modules/typescript/bin/tsc");
  for (const resolution of ["nodenext", "bundler"])
    await check(named(`type-checks a user's program (${resolution})`), async () => {
      const options = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2023"];
      const module = resolution === "nodenext" ? "nodenext" : "esnext";
      await run("node", tsc, ...options, "--module", module, "--moduleResolution", resolution, "user.ts");
    });
  await check(named("singan --version"), async () => {
    const printed = (await singan("--version")).trim();
    if (printed !== manifest.version) throw new Error(`it prints ${printed}`);
    return printed;
  });
  await check(named("singan --help"), async () => {
    if (!/^Usage: singan COMMAND/m.test(await singan("--help"))) throw new Error("it does not show the usage");
  });
  await check(named("singan completion bash"), async () => {
    write("completion.bash", await singan("completion", "bash"));
    await run("bash", "-n", "completion.bash");
  });
  const isTrained = await check(named("singan train, to the end"), async () => {
    await singan("train", "photo.png", ...TRAINING);
    const { adapter } = JSON.parse(readFileSync(join(project, "trained", "report.json"), "utf8"));
    return `on ${adapter.name}`;
  });
  if (!isTrained) return;
  await check(named("singan sample"), async () => {
    await singan("sample", "trained", "--count", "1", "--out", "samples");
    if (!existsSync(join(project, "samples", "000.png"))) throw new Error("there is no picture");
  });
}
