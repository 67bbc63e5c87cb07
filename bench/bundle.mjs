// npm run bench:bundle: packs the benchmark for a computer that has nothing but a Vulkan driver into out/bundle: a folder and an archive
// of it, with Node (the one that runs this), Dawn, the program with its kernels, a photo, and libraries for where there are none.

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { build } from "esbuild";

const NAME = "singan-bench";
const OUT = "out/bundle";
const FOLDER = `${OUT}/${NAME}`;
const MOST_BYTES = 40e6;
const DAWN = "node_modules/webgpu";
/** Bundled modules from CommonJS packages ask for Node's own ones by require. */
const REQUIRE = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

function place(from, to) {
  if (!existsSync(from)) throw new Error(`${from} is missing`);
  mkdirSync(dirname(join(FOLDER, to)), { recursive: true });
  copyFileSync(from, join(FOLDER, to));
}

/** Takes the symbols out of a binary; left as it is where there is no `strip`. */
const strip = (file) => void spawnSync("strip", ["--strip-unneeded", join(FOLDER, file)], { stdio: "ignore" });

/** Where this system's dynamic linker finds a library; null where it does not. */
function systemLibrary(name) {
  const { stdout = "" } = spawnSync("ldconfig", ["-p"], {
    encoding: "utf8",
    env: { ...process.env, PATH: `${process.env.PATH}:/sbin` },
  });
  return stdout.match(new RegExp(`\\s${name.replaceAll(/[.+]/g, "\\$&")} \\(libc6,x86-64\\S*\\) => (\\S+)`))?.[1] ?? null;
}

/** A library for computers that lack it. */
function carry(name, folder) {
  const path = systemLibrary(name);
  if (!path) throw new Error(`${name} is missing: install it here, for the bundle carries it`);
  place(path, `lib/${folder}/${name}`);
}

function commit() {
  const { status, stdout } = spawnSync("git", ["describe", "--always", "--dirty", "--exclude=*"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : "unknown";
}

async function fill() {
  rmSync(OUT, { recursive: true, force: true });
  place(process.execPath, "node");
  strip("node");
  chmodSync(join(FOLDER, "node"), 0o755);
  for (const file of ["package.json", "index.js", "LICENSE.md", "dist/linux-x64/dawn.node"])
    place(`${DAWN}/${file}`, `node_modules/webgpu/${file}`);
  strip("node_modules/webgpu/dist/linux-x64/dawn.node");
  await build({
    entryPoints: { bench: "bench/bundle-main.ts" },
    outdir: FOLDER,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["webgpu"],
    banner: { js: REQUIRE },
    logLevel: "warning",
  });
  place("photos/clouds.png", "photo.png");
  place("photos/LICENSES.md", "photo-licences.md");
  place("LICENSE", "LICENSE");
  place("bench/bundle-run.sh", "run.sh");
  chmodSync(join(FOLDER, "run.sh"), 0o755);
  writeFileSync(join(FOLDER, "commit.txt"), `${commit()}\n`);
  carry("libvulkan.so.1", "vulkan");
  for (const name of ["libstdc++.so.6", "libgcc_s.so.1"]) carry(name, "runtime");
}

/** Packs the folder: xz where there is one, else gzip. Throws above the size limit. */
function pack() {
  const hasXz = spawnSync("xz", ["--version"], { stdio: "ignore" }).status === 0;
  const archive = `${OUT}/${NAME}-linux-x64.tar.${hasXz ? "xz" : "gz"}`;
  const env = { ...process.env, XZ_OPT: "-9 -T0", GZIP: "-9" };
  execFileSync("tar", [hasXz ? "-cJf" : "-czf", archive, "-C", OUT, basename(FOLDER)], { env, stdio: ["ignore", "ignore", 2] });
  const { size } = statSync(archive);
  if (size > MOST_BYTES) throw new Error(`${archive} has ${megabytes(size)}, more than ${megabytes(MOST_BYTES)}`);
  console.log(`${FOLDER}\n${archive}  ${megabytes(size)}`);
  console.error(
    `unpack it anywhere and call ${NAME}/run.sh; results go to the folder it is called from, run.sh -h lists options`,
  );
}

try {
  const here = `${process.platform}-${process.arch}`;
  if (here !== "linux-x64") throw new Error(`the bundle is for linux-x64 and can't be made on ${here}`);
  await fill();
  pack();
} catch (error) {
  console.error(`bundle: ${error.message.split("\n")[0]}`);
  process.exitCode = 1;
}
