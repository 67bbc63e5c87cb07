// Downloads Mesa's lavapipe, a Vulkan driver that computes on the CPU, on a Debian or Ubuntu without a GPU: by apt, from the machine's own
// mirrors, into this program's cache folder. Nothing is installed and root is not needed.

import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import {
  findLavapipe,
  LAVAPIPE_LIBRARY,
  LAVAPIPE_MANIFEST,
  LAVAPIPE_ORIGIN,
  type Lavapipe,
  lavapipeEnv,
  lavapipeFolder,
} from "../src/node/lavapipe.ts";
import { Apt, type Package, type Run } from "./apt.ts";

/** Access to the computer. Tests pass an invented one. */
export interface Host {
  readonly run: Run;
  say(line: string): void;
  /** What is wrong with the adapter that Dawn finds with these environment variables; null if it computes right. */
  fault(env: Readonly<Record<string, string>>): string | null;
  /** As Node names it: "x64". */
  readonly arch: string;
  /** The folder /etc. */
  readonly etc: string;
}

const PACKAGE = "mesa-vulkan-drivers";
/** Dawn does not take the lavapipe of older versions. */
const OLDEST_MESA = 23;
/** dpkg's names of Node's architectures. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };
/** A download is not that old unless it was killed. */
const STALE_MS = 3_600_000;

/** Returns the driver, which was tried. Throws a message of one line if there is none to be had; then nothing is left of the try. */
export function obtainLavapipe(host: Host, folder: string = lavapipeFolder()): Lavapipe {
  const { run, say, arch, etc } = host;
  const parent = dirname(folder);
  const dpkg = run(["dpkg", "--print-architecture"], "/");
  if (!dpkg.isOk || !run(["apt-get", "--version"], "/").isOk)
    throw new Error("this system has no apt and dpkg to download it with");
  const architecture = dpkg.output.trim();
  if (architecture !== ARCHITECTURES[arch]) throw new Error(`packages are for ${architecture}, but Node is for ${arch}`);
  mkdirSync(parent, { recursive: true });
  removeStale(parent, `${basename(folder)}-`);
  const draft = mkdtempSync(`${folder}-`);
  try {
    say(`no GPU driver found, downloading Mesa's lavapipe with apt to ${folder}`);
    const packages = choose(new Apt(run, join(draft, "apt"), etc), codenameOf(etc), join(draft, "packages"));
    unpack(run, join(draft, "packages"), join(draft, "root"));
    const made = assemble(join(draft, "root"), join(draft, "driver"), packages);
    const fault = host.fault(lavapipeEnv(made));
    if (fault !== null) throw new Error(`${made.origin} does not work here: ${fault}`);
    const [download, size] = [bytesIn(join(draft, "packages")), bytesIn(made.folder)];
    rmSync(folder, { recursive: true, force: true });
    renameSync(made.folder, folder);
    say(
      `lavapipe of ${made.origin}: ${megabytes(download)} downloaded, ${megabytes(size)} in ${folder}; to remove it: rm -r ${folder}`,
    );
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return findLavapipe(folder)!;
}

/** Removes what killed downloads left. */
function removeStale(parent: string, prefix: string): void {
  for (const name of readdirSync(parent).filter((one) => one.startsWith(prefix))) {
    const path = join(parent, name);
    if (Date.now() - statSync(path).mtimeMs > STALE_MS) rmSync(path, { recursive: true, force: true });
  }
}

/** The name of the system's release: "bookworm". Empty where the system does not say. */
const codenameOf = (etc: string): string => {
  const file = join(etc, "os-release");
  return /^VERSION_CODENAME="?([\w-]+)/m.exec(existsSync(file) ? readFileSync(file, "utf8") : "")?.[1] ?? "";
};

/** Downloads the packages that the system lacks: of its release, or of the release's backports if its own Mesa is too old. */
function choose(apt: Apt, codename: string, folder: string): Package[] {
  const complaint = apt.update();
  let packages: Package[];
  try {
    packages = apt.missingFor(PACKAGE);
    if (mesaOf(packages) < OLDEST_MESA && codename && apt.addBackports(codename)) {
      apt.update();
      const newer = apt.missingFor(PACKAGE, `${codename}-backports`);
      if (mesaOf(newer) >= OLDEST_MESA) packages = newer;
    }
  } catch (error) {
    throw complaint === null ? error : new Error(`apt-get: ${complaint}`);
  }
  const driver = packages.find(({ name }) => name === PACKAGE);
  if (!driver) throw new Error(`${PACKAGE} is installed but does not work here, and apt has no newer one`);
  if (mesaOf(packages) < OLDEST_MESA)
    throw new Error(`apt has only ${PACKAGE} ${driver.version}, and Dawn needs ${OLDEST_MESA} or later`);
  const [libc] = packages.filter(({ name }) => /^libc6(:|$)/.test(name));
  if (libc) throw new Error(`${PACKAGE} ${driver.version} needs libc6 ${libc.version}, newer than the system's`);
  mkdirSync(folder);
  apt.download(packages, folder);
  return packages;
}

/** Mesa's major version among packages; 0 where it is not among them. */
const mesaOf = (packages: readonly Package[]): number =>
  Number.parseInt(packages.find(({ name }) => name === PACKAGE)?.version.replace(/^\d+:/, "") ?? "0", 10);

function unpack(run: Run, packages: string, root: string): void {
  mkdirSync(root);
  for (const name of readdirSync(packages)) {
    const { isOk, output } = run(["dpkg-deb", "--extract", join(packages, name), root], packages);
    if (!isOk) throw new Error(`dpkg-deb: ${output.trim().split("\n").at(-1)}`);
  }
}

/** Puts the driver, the libraries and a manifest into one folder. Links, because a library has several names, and may lie in another folder. */
function assemble(root: string, folder: string, packages: readonly Package[]): Lavapipe {
  mkdirSync(folder);
  for (const libraries of librariesFolders(root)) {
    for (const name of readdirSync(libraries).filter((one) => one === LAVAPIPE_LIBRARY || /\.so\.\d/.test(one))) {
      const file = realpathSync(join(libraries, name));
      if (file.startsWith(realpathSync(root)) && !existsSync(join(folder, name))) linkSync(file, join(folder, name));
    }
  }
  const manifests = join(root, "usr/share/vulkan/icd.d");
  const own = readdirSync(manifests).find((name) => name.startsWith("lvp_icd"));
  if (own === undefined || !existsSync(join(folder, LAVAPIPE_LIBRARY))) throw new Error(`${PACKAGE} contains no lavapipe`);
  const manifest = JSON.parse(readFileSync(join(manifests, own), "utf8"));
  manifest.ICD.library_path = `./${LAVAPIPE_LIBRARY}`; // beside the manifest
  writeFileSync(join(folder, LAVAPIPE_MANIFEST), JSON.stringify(manifest));
  const { version, archive } = packages.find(({ name }) => name === PACKAGE)!;
  writeFileSync(join(folder, LAVAPIPE_ORIGIN), `${PACKAGE} ${version} (${archive})\n`);
  return findLavapipe(folder)!;
}

/** The folders of an unpacked system that contain libraries: lib and usr/lib, each with one folder per architecture. */
const librariesFolders = (root: string): string[] =>
  ["lib", "usr/lib"]
    .map((name) => join(root, name))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((folder) => /-linux-gnu[^/]*$/.test(folder));

/** Bytes of the files in a folder. A file with several names counts once. */
function bytesIn(folder: string): number {
  const files = readdirSync(folder).map((name) => statSync(join(folder, name)));
  return [...new Map(files.map(({ ino, size }) => [ino, size])).values()].reduce((sum, size) => sum + size, 0);
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
