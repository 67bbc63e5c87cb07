// npm run device:bundle: packs checks, benchmarks, profiles and a training for a Linux computer that has a Vulkan driver and nothing else.
// Writes a folder and an archive of it into out/device: Node (the one that runs this), Dawn, the program with its kernels, the golden
// vectors, a photo, and libraries for where there are none.
//   node bench/device/bundle.mjs --program DIR   only the program and its data, for this project's Node and Dawn, into a folder of the project

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { build } from "esbuild";

const NAME = "singan-device";
const OUT = "out/device";
const [flag, FOLDER = `${OUT}/${NAME}`] = process.argv.slice(2);
/** Of the archive. */
const MOST_BYTES = 60e6;
const DAWN = "node_modules/webgpu";
/** Bundled modules from CommonJS packages load Node's own ones by require. */
const REQUIRE = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

function copy(from, to) {
  if (!existsSync(from)) throw new Error(`${from} is missing`);
  mkdirSync(dirname(join(FOLDER, to)), { recursive: true });
  copyFileSync(from, join(FOLDER, to));
}

/** Removes the symbols from a binary, where there is a `strip`. */
const strip = (file) => void spawnSync("strip", ["--strip-unneeded", join(FOLDER, file)], { stdio: "ignore" });

/** Where this system's dynamic linker finds a library; null where it does not. */
function systemLibrary(name) {
  const { stdout = "" } = spawnSync("ldconfig", ["-p"], {
    encoding: "utf8",
    env: { ...process.env, PATH: `${process.env.PATH}:/sbin` },
  });
  return stdout.match(new RegExp(`\\s${name.replaceAll(/[.+]/g, "\\$&")} \\(libc6,x86-64\\S*\\) => (\\S+)`))?.[1] ?? null;
}

/** Copies a library for computers that lack it. */
function copyLibrary(name, folder) {
  const path = systemLibrary(name);
  if (!path) throw new Error(`${name} is missing: install it here, because the bundle contains it`);
  copy(path, `lib/${folder}/${name}`);
}

function commit() {
  const { status, stdout } = spawnSync("git", ["describe", "--always", "--dirty", "--exclude=*"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : "unknown";
}

async function writeProgram() {
  await build({
    entryPoints: { device: "bench/device/main.ts" },
    outdir: FOLDER,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["webgpu"],
    alias: { vitest: "./bench/device/test-runner.ts" },
    banner: { js: REQUIRE },
    logLevel: "warning",
  });
  copy("bench/peers/pytorch.py", "pytorch.py");
  cpSync("test/golden", join(FOLDER, "golden"), { recursive: true });
  copy("photos/clouds.png", "photo.png");
  copy("photos/LICENSES.md", "photo-licences.md");
  copy("LICENSE", "LICENSE");
  writeFileSync(join(FOLDER, "commit.txt"), `${commit()}\n`);
}

function copyRuntime() {
  const here = `${process.platform}-${process.arch}`;
  if (here !== "linux-x64") throw new Error(`the bundle is for linux-x64 and can't be made on ${here}`);
  copy(process.execPath, "node");
  strip("node");
  chmodSync(join(FOLDER, "node"), 0o755);
  for (const file of ["package.json", "index.js", "LICENSE.md", "dist/linux-x64/dawn.node"])
    copy(`${DAWN}/${file}`, `node_modules/webgpu/${file}`);
  strip("node_modules/webgpu/dist/linux-x64/dawn.node");
  copy("bench/device/run.sh", "run.sh");
  chmodSync(join(FOLDER, "run.sh"), 0o755);
  copyLibrary("libvulkan.so.1", "vulkan");
  for (const name of ["libstdc++.so.6", "libgcc_s.so.1"]) copyLibrary(name, "runtime");
}

/** Packs the folder with gzip, which every Linux can unpack. Throws above the size limit. */
function pack() {
  const archive = `${OUT}/${NAME}-linux-x64.tar.gz`;
  execFileSync("tar", ["-czf", archive, "-C", OUT, basename(FOLDER)], { stdio: ["ignore", "ignore", 2] });
  const { size } = statSync(archive);
  if (size > MOST_BYTES) throw new Error(`${archive} has ${megabytes(size)}, more than ${megabytes(MOST_BYTES)}`);
  console.log(`${FOLDER}\n${archive}  ${megabytes(size)}`);
  console.error(
    `unpack it anywhere and call ${NAME}/run.sh; results go to the folder it is called from; run.sh -h lists the options`,
  );
}

try {
  rmSync(FOLDER, { recursive: true, force: true });
  await writeProgram();
  if (flag !== "--program") {
    copyRuntime();
    pack();
  }
} catch (error) {
  console.error(`bundle: ${error.message.split("\n")[0]}`);
  process.exitCode = 1;
}
