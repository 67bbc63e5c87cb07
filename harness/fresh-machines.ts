// npm run test:driver: makes Debian and Ubuntu machines that have nothing (debootstrap, chroot), and watches which driver each of them gets from
// harness/with-driver.mjs. For root on a Linux with debootstrap, unshare and a network. It downloads about 60 MB per case, and 100 MB per release.
//   npm run test:driver -- [--machines FOLDER] [WORDS OF A CASE'S NAME…]     machines are kept in FOLDER, and made there if they are missing
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { findBrowser } from "../src/node/browser-paths.ts";

const DEBIAN = "http://deb.debian.org/debian";
const UBUNTU = "http://archive.ubuntu.com/ubuntu";
const MIRRORS: Readonly<Record<string, string>> = { bookworm: DEBIAN, trixie: DEBIAN, noble: UBUNTU, jammy: UBUNTU };

interface Case {
  readonly name: string;
  readonly release: string;
  readonly isRoot?: boolean;
  /** Shell commands of root in the machine. */
  readonly before?: string;
  /** Variables for the program. */
  readonly env?: string;
  /** What each line of the driver's program must match. */
  readonly says: readonly RegExp[];
  readonly adapter: RegExp;
  /** Whether the cache folder contains a driver in the end. */
  readonly isKept: boolean;
}

const START =
  /^driver: no GPU driver found, downloading Mesa's lavapipe with apt to \/\S+\/\.cache\/singan-webgpu\/lavapipe-\w+$/;
const kept = (version: string): RegExp[] => [
  START,
  new RegExp(
    `^driver: lavapipe of mesa-vulkan-drivers ${version}\\S* \\(.+\\): \\d+ MB downloaded, \\d+ MB in (/\\S+); to remove it: rm -r \\1$`,
  ),
  new RegExp(`^driver: llvmpipe: Mesa ${version}.* of /\\S+/lvp_icd\\.json \\(no GPU driver found\\)$`),
];
const fallsBack = (reason: string, ...first: RegExp[]): RegExp[] => [
  ...first,
  new RegExp(`^driver: no lavapipe, so a browser's driver is used, which is slower: ${reason}`),
  /^driver: SwiftShader driver \S+ of \/browser\/chrome \(no GPU driver found\)$/,
];
const install = (target = "") =>
  `apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ${target} mesa-vulkan-drivers`;
const BACKPORTS = `echo "deb ${DEBIAN} bookworm-backports main" > /etc/apt/sources.list.d/backports.list`;
const DEB822 = `rm /etc/apt/sources.list
printf 'Types: deb\\nURIs: ${DEBIAN}\\nSuites: bookworm bookworm-updates\\nComponents: main\\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\\n' > /etc/apt/sources.list.d/debian.sources`;
const NEW = { adapter: /^llvmpipe: Mesa 2[3-9]/, isKept: true };
const OLD = { adapter: /^SwiftShader/, isKept: false };

const CASES: readonly Case[] = [
  { name: "bookworm, root", release: "bookworm", isRoot: true, says: kept("25"), ...NEW },
  { name: "bookworm, not root", release: "bookworm", says: kept("25"), ...NEW },
  { name: "bookworm, deb822 sources", release: "bookworm", before: DEB822, says: kept("25"), ...NEW },
  {
    name: "bookworm, a hook of apt that deletes files",
    release: "bookworm",
    before: "echo 'APT::Update::Post-Invoke { \"rm -rf /home/ada/.cache\"; };' > /etc/apt/apt.conf.d/docker-clean",
    says: kept("25"),
    ...NEW,
  },
  { name: "bookworm, a system's driver that is too old", release: "bookworm", before: install(), says: kept("25"), ...NEW },
  {
    name: "bookworm, a system's driver that is new enough",
    release: "bookworm",
    before: `${BACKPORTS} && ${install("--target-release bookworm-backports")}`,
    says: [/^driver: llvmpipe: Mesa 25[^;/]*$/],
    adapter: /^llvmpipe: Mesa 25/,
    isKept: false,
  },
  { name: "trixie, not root", release: "trixie", says: kept("2[5-9]"), ...NEW },
  { name: "noble, not root", release: "noble", says: kept("2[4-9]"), ...NEW },
  {
    name: "jammy, with its updates",
    release: "jammy",
    before: `echo "deb ${UBUNTU} jammy-updates main universe" >> /etc/apt/sources.list`,
    says: kept("23"),
    ...NEW,
  },
  {
    name: "jammy, without its updates",
    release: "jammy",
    says: fallsBack("apt has only mesa-vulkan-drivers 22\\S+, and Dawn needs 23 or later$", START),
    ...OLD,
  },
  {
    name: "bookworm, no apt",
    release: "bookworm",
    env: "PATH=/opt/node",
    says: fallsBack("this system has no apt and dpkg to download it with$"),
    ...OLD,
  },
  {
    name: "bookworm, a mirror that does not answer",
    release: "bookworm",
    before: `echo "deb http://127.0.0.1:9/debian bookworm main" > /etc/apt/sources.list`,
    says: fallsBack("apt-get: Failed to fetch http://127.0.0.1:9/\\S+ ", START),
    ...OLD,
  },
  {
    name: "bookworm, a mirror without the right signature",
    release: "bookworm",
    before: "rm /etc/apt/trusted.gpg.d/debian-archive-*",
    says: fallsBack("apt-get: .*(not signed|signature)", START),
    ...OLD,
  },
  {
    name: "bookworm, a full disk",
    release: "bookworm",
    before: "mkdir -p /home/ada/.cache && mount -t tmpfs -o size=90M,uid=1000 none /home/ada/.cache",
    says: fallsBack(".*(No space left|enough free space)", START),
    ...OLD,
  },
  {
    name: "bookworm, a cached driver that does not load",
    release: "bookworm",
    before: `folder=/home/ada/.cache/singan-webgpu/lavapipe-$(/opt/node/node -p process.arch); mkdir -p $folder
      cp /browser/vk_swiftshader_icd.json $folder/lvp_icd.json; echo gone > $folder/origin.txt; chown -R 1000 /home/ada`,
    says: kept("25"),
    ...NEW,
  },
];

/** What the program runs for: the adapter that a program finds, with the driver's variables and without, when only the cache helps. */
const SHOW = `import { openAdapter } from "/singan/dist/node.js";
console.log((await openAdapter()).info.description);
process.exit();`;
const root = process.cwd();

const { values, positionals } = parseArgs({ options: { machines: { type: "string" } }, allowPositionals: true });
const machines = values.machines ?? join(tmpdir(), "singan-machines");
const chosen = CASES.filter(({ name }) => positionals.every((word) => name.includes(word)));
const browser = findBrowser();
if (process.getuid?.() !== 0 || !browser?.libraries) throw new Error("this needs root, and a browser with SwiftShader");
let failed = chosen.length === 0 ? 1 : 0;
for (const one of chosen) {
  const begin = performance.now();
  const fault = watch(one);
  console.log(
    `${fault === null ? "ok" : "FAILED"}  ${one.name}  ${((performance.now() - begin) / 1000).toFixed(0)} s${fault ? `\n${fault}` : ""}`,
  );
  if (fault !== null) failed++;
}
console.log(`${chosen.length - failed} of ${chosen.length} as expected`);
process.exitCode = failed ? 1 : 0;

function watch({ release, isRoot, before, env, says, adapter, isKept }: Case): string | null {
  const base = makeMachine(release);
  const layer = mkdtempSync(join(machines, "layer-"));
  try {
    chmodSync(layer, 0o755); // ada reads it
    writeFileSync(join(layer, "before.sh"), `set -e\n${before ?? ""}\n`);
    writeFileSync(join(layer, "show.mjs"), SHOW);
    const home = isRoot ? "/root" : "/home/ada";
    const uid = isRoot ? 0 : 1000;
    const as = `setpriv --reuid ${uid} --regid ${uid} --clear-groups env -i HOME=${home} CHROME_PATH=/browser/chrome`;
    const program = "/opt/node/node /singan/harness/with-driver.mjs --driver-only /opt/node/node /layer/show.mjs";
    const path = "PATH=/opt/node:/usr/sbin:/usr/bin:/sbin:/bin";
    const script = [
      "set -e",
      "export PATH=/opt/node:/usr/sbin:/usr/bin:/sbin:/bin",
      "sh /layer/before.sh > /layer/before.log 2>&1 || { echo preparation failed; tail -n 3 /layer/before.log; exit 1; }",
      `cd / && ${as} ${path} ${env ?? ""} ${program} > /layer/out 2> /layer/err || true`,
      `${as} ${path} /opt/node/node /layer/show.mjs > /layer/alone 2> /dev/null || true`,
      `ls ${home}/.cache/singan-webgpu > /layer/kept 2> /dev/null || true`,
      "cat /layer/out; echo ---; cat /layer/alone; echo ---; cat /layer/kept; echo ---; cat /layer/err",
    ].join("\n");
    writeFileSync(join(layer, "script.sh"), script);
    const { status, stdout, stderr } = inMachine(base, layer);
    const [shown = "", alone = "", folders = "", lines = ""] = stdout.split("---\n");
    const said = lines.split("\n").filter((line) => line.startsWith("driver: "));
    const isRight =
      status === 0 &&
      says.length === said.length &&
      says.every((pattern, i) => pattern.test(said[i]!)) &&
      adapter.test(shown) &&
      adapter.test(alone) &&
      /^(lavapipe-\w+\n)?$/.test(folders) &&
      (folders !== "") === isKept;
    for (const line of said) console.log(`    ${line}`);
    return isRight ? null : `${stdout}${stderr}`;
  } finally {
    rmSync(layer, { recursive: true, force: true });
  }
}

/** The folder of a machine with nothing but apt, and with a user ada. */
function makeMachine(release: string): string {
  const folder = join(machines, release);
  if (existsSync(folder)) return folder;
  mkdirSync(machines, { recursive: true });
  const draft = `${folder}-draft`;
  const mirror = MIRRORS[release]!;
  const scripts = "/usr/share/debootstrap/scripts";
  if (!existsSync(join(scripts, release))) symlinkSync("gutsy", join(scripts, release)); // the script of all Ubuntus
  const keyring = `/usr/share/keyrings/${mirror === UBUNTU ? "ubuntu" : "debian"}-archive-keyring.gpg`;
  const words = ["--variant=minbase", `--keyring=${keyring}`, release, draft, mirror];
  const made = spawnSync("debootstrap", words, { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`debootstrap ${words.join(" ")}: ${made.stderr || made.stdout || made.error?.message}`);
  spawnSync("chroot", [draft, "useradd", "--create-home", "--uid", "1000", "ada"]);
  spawnSync("mv", [draft, folder]);
  return folder;
}

/** Runs /layer/script.sh as root in a machine. What it writes goes to the layer, and its mounts end with it. */
function inMachine(base: string, layer: string) {
  const modules = realpathSync(join(root, "node_modules"));
  const bind = (from: string, to: string) => `mkdir -p $m${to}; mount --bind ${from} $m${to}`;
  const script = [
    "set -e",
    "mount --make-rprivate /",
    `m=${layer}/machine; mkdir -p $m ${layer}/upper ${layer}/work`,
    `mount -t overlay overlay -o lowerdir=${base},upperdir=${layer}/upper,workdir=${layer}/work $m`,
    bind("/proc", "/proc"),
    bind("/dev", "/dev"),
    bind(dirname(process.execPath), "/opt/host"),
    "mkdir -p $m/opt/node $m/browser; cp -L $m/opt/host/node $m/opt/node/node",
    bind(root, "/singan"),
    bind(modules, modules),
    `cp ${["vk_swiftshader_icd.json", "libvk_swiftshader.so", "libvulkan.so.1"].map((name) => join(browser!.libraries!, name)).join(" ")} $m/browser`,
    "touch $m/browser/chrome; cp /etc/resolv.conf $m/etc/resolv.conf",
    bind(layer, "/layer"),
    "chroot $m sh /layer/script.sh",
  ].join("\n");
  return spawnSync("unshare", ["--mount", "sh", "-c", script], { encoding: "utf8" });
}
