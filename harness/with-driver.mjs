#!/usr/bin/env node
// Runs a command with a working WebGPU adapter:  node harness/with-driver.mjs [--driver-only] COMMAND [ARGS…]
// First it downloads a browser if there is none. Without a GPU it sets environment variables so that any WebGPU implementation (Dawn, wgpu in Deno
// or Firefox) finds the software Vulkan driver in the browser. Pages can use no other software driver, so one of the system (Mesa's lavapipe)
// counts only if VK_DRIVER_FILES names it.
// With --driver-only any driver counts. Where there is none, it takes a lavapipe from this program's cache folder, or downloads one to there, and
// only where that fails does it do the above (ADR 20).
import { spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const DOWNLOAD_LIMIT_MS = 600_000;
const PROBE_LIMIT_MS = 60_000;

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`driver: ${error.message}`);
  process.exitCode = 1;
}

async function main(words) {
  const driverOnly = words[0] === "--driver-only";
  const [command, ...args] = driverOnly ? words.slice(1) : words;
  if (!command) throw new Error("usage: node harness/with-driver.mjs [--driver-only] COMMAND [ARGS…]");
  const modules = await importTypeScript(
    ...["src/node/vulkan.ts", "src/node/browser-paths.ts", "src/node/lavapipe.ts"],
    ...["harness/obtain-browser.ts", "harness/obtain-lavapipe.ts"],
  );
  const { findBrowser, obtainBrowser, softwareVulkanEnv, userChoseDriver } = modules;
  const found = probe({}).name;
  if (driverOnly && found !== null) {
    console.error(`driver: ${found}`);
    run(command, args, {});
    return;
  }
  const isChosen = userChoseDriver();
  if (driverOnly && process.platform === "linux" && !isChosen) {
    const env = lavapipe(modules);
    const name = env && probe(env).name;
    if (name) {
      console.error(`driver: ${name} of ${env.VK_ICD_FILENAMES} (no GPU driver found)`);
      run(command, args, env);
      return;
    }
  }
  const browser =
    findBrowser() ??
    obtainBrowser({
      find: () => findBrowser(),
      run: runQuietly,
      say: (line) => console.error(`driver: ${line}`),
      isLinuxRoot: process.platform === "linux" && process.getuid() === 0,
    });
  const isEnough = found !== null && (isChosen || !/llvmpipe|swiftshader/i.test(found));
  const env = isEnough ? {} : softwareVulkanEnv(undefined, browser);
  const software = !isEnough && env ? probe(env).name : null;
  if (isEnough) console.error(`driver: ${found}; browser: ${browser.executable}`);
  else if (software !== null) console.error(`driver: ${software} of ${browser.executable} (no GPU driver found)`);
  else throw new Error(`no GPU driver found, and ${browser.executable} brings none that works`);
  run(command, args, env);
}

/** Imports TypeScript modules that depend only on Node. This works before anything is built, so this script can share their code. */
async function importTypeScript(...files) {
  const contents = files.map((file) => `export * from ${JSON.stringify(`./${file}`)};`).join("\n");
  const stdin = { contents, resolveDir: root };
  const { outputFiles } = await build({ stdin, bundle: true, platform: "node", format: "esm", write: false });
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
}

/** The environment for the lavapipe in the cache folder, which is downloaded if there is none that works. Null, and a line, where that fails. */
function lavapipe({ findLavapipe, lavapipeEnv, obtainLavapipe }) {
  try {
    const kept = findLavapipe();
    if (kept && probe(lavapipeEnv(kept)).name !== null) return lavapipeEnv(kept);
    const host = {
      run: (words, folder, env) => {
        const { status, stdout, stderr } = spawnSync(words[0], words.slice(1), {
          cwd: folder,
          env: { ...process.env, ...env },
          stdio: ["ignore", "pipe", "pipe"],
          timeout: DOWNLOAD_LIMIT_MS,
          encoding: "utf8",
        });
        return { isOk: status === 0, output: `${stdout ?? ""}${stderr ?? ""}` };
      },
      say: (line) => console.error(`driver: ${line}`),
      fault: (env) => probe(env).fault,
      arch: process.arch,
      etc: "/etc",
    };
    return lavapipeEnv(obtainLavapipe(host));
  } catch (error) {
    console.error(`driver: no lavapipe, so a browser's driver is used, which is slower: ${error.message}`);
    return null;
  }
}

/** What harness/probe.mjs finds with these variables: the adapter's name, or what is wrong. */
function probe(env) {
  const { status, stdout } = spawnSync(process.execPath, [join(root, "harness/probe.mjs")], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "ignore"],
    timeout: PROBE_LIMIT_MS,
    encoding: "utf8",
  });
  return status === 0 ? { name: stdout, fault: null } : { name: null, fault: stdout || "it crashes" };
}

function runQuietly(command, ...args) {
  spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    stdio: "ignore",
    shell: process.platform === "win32",
    timeout: DOWNLOAD_LIMIT_MS,
  });
}

/** Runs the command in the place of this process: passes signals on to it, and exits with its exit code. */
function run(command, args, env) {
  const path = [join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter);
  const child = spawn(command, args, {
    env: { ...process.env, ...env, PATH: path },
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    // A terminal sends Ctrl-C to the child, too. A second signal would mean "stop at once".
    process.on(signal, () => (signal === "SIGINT" && process.stdin.isTTY ? undefined : child.kill(signal)));
  }
  child.on("error", (error) => {
    console.error(`driver: ${command}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
