// Downloading lavapipe by apt, on a computer whose apt is invented; and finding it in the cache folder. `npm run test:driver` uses real ones.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Package, parseInstalls, parseSources, sourceOf } from "../../harness/apt.ts";
import { type Host, obtainLavapipe } from "../../harness/obtain-lavapipe.ts";
import { findLavapipe, lavapipeEnv, librariesOf } from "../../src/node/lavapipe.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "singan-lavapipe-"));
});
afterEach(() => rmSync(home, { recursive: true }));

const STABLE = [
  { name: "libx1", version: "1:1.2-3", archive: "Debian:12.15/oldstable" },
  { name: "mesa-vulkan-drivers", version: "22.3.6-1+deb12u2", archive: "Debian:12.15/oldstable" },
];
const BACKPORTS = [
  { name: "libx1", version: "1:1.2-3", archive: "Debian:12.15/oldstable" },
  { name: "mesa-vulkan-drivers", version: "25.0.7-2~bpo12+1", archive: "Debian Backports:oldstable-backports" },
];
const line = ({ name, version, archive }: Package): string => `Inst ${name} [0.1] (${version} ${archive} [amd64])`;

interface Computer {
  readonly sources?: string;
  readonly release?: readonly Package[];
  readonly backports?: readonly Package[];
  readonly update?: string;
  readonly fails?: string;
  readonly architecture?: string;
  readonly fault?: string | null;
}

/** A Debian 12 whose apt and dpkg-deb write what real ones would. `asked` are their commands, without the paths of the draft. */
function computer({
  sources = "deb [signed-by=/k.gpg] http://mirror/debian bookworm main contrib",
  release = STABLE,
  backports = BACKPORTS,
  update = "",
  fails = "",
  architecture = "amd64",
  fault = null,
}: Computer = {}) {
  const etc = join(home, "etc");
  mkdirSync(join(etc, "apt/sources.list.d"), { recursive: true });
  writeFileSync(join(etc, "os-release"), 'ID=debian\nVERSION_CODENAME=bookworm\nNAME="x"\n');
  writeFileSync(join(etc, "apt/sources.list"), sources);
  const asked: string[] = [];
  const said: string[] = [];
  let added = "";
  const answers: Record<string, (folder: string, words: readonly string[]) => string> = {
    "dpkg --print-architecture": () => `${architecture}\n`,
    "apt-get --version": () => "apt 2.6.1",
    "apt-get update": () => update,
    "apt-get indextargets": (folder) => `bookworm|bookworm|${join(folder, "sources.list")}:1\n`,
    "apt-get install": (folder, words) => {
      const parts = join(folder, "sources.list.d");
      added = readdirSync(parts)
        .map((name) => readFileSync(join(parts, name), "utf8"))
        .join("");
      return (words.includes("bookworm-backports") ? backports : release).map(line).join("\n");
    },
    "apt-get download": (folder, words) => {
      for (const spec of words.filter((word) => word.includes("="))) writeFileSync(join(folder, `${spec}.deb`), "12345");
      return "";
    },
    "dpkg-deb --extract": (_, words) => {
      const root = words.at(-1)!;
      const [libraries, llvm, manifests] = ["usr/lib/x86_64-linux-gnu", "usr/lib/llvm/lib", "usr/share/vulkan/icd.d"].map(
        (path) => join(root, path),
      ) as [string, string, string];
      for (const folder of [libraries, llvm, manifests]) mkdirSync(folder, { recursive: true });
      if (basename(words[2]!).startsWith("libx1")) {
        writeFileSync(join(llvm, "libx.so.1.2"), "library");
        symlinkSync("../llvm/lib/libx.so.1.2", join(libraries, "libx.so.1"));
        symlinkSync("/etc/passwd", join(libraries, "libother.so.1"));
      } else {
        for (const name of ["libvulkan_lvp.so", "libvulkan_intel.so"]) writeFileSync(join(libraries, name), "driver");
        writeFileSync(join(manifests, "intel_icd.json"), "{}");
        writeFileSync(join(manifests, "lvp_icd.x86_64.json"), '{"ICD":{"api_version":"1.4","library_path":"libvulkan_lvp.so"}}');
      }
      return "";
    },
  };
  const host: Host = {
    run: (words, folder) => {
      const command = words
        .filter((word) => word !== "--quiet")
        .slice(0, 2)
        .join(" ");
      asked.push(command);
      if (command === fails) return { isOk: false, output: "Reading package lists...\nE: it is broken\nE: and more\n" };
      return { isOk: true, output: answers[command]!(folder, words) };
    },
    say: (text) => said.push(text),
    fault: () => fault,
    arch: "x64",
    etc,
  };
  return { host, asked, said, added: () => added };
}

const cache = (): string => join(home, "cache");
const obtain = (host: Host) => obtainLavapipe(host, join(cache(), "lavapipe-x64"));

describe("obtainLavapipe", () => {
  test("takes a Mesa that is too old from the backports of the same mirror with the same key", () => {
    const { host, asked, added } = computer();
    expect(obtain(host).origin).toBe("mesa-vulkan-drivers 25.0.7-2~bpo12+1 (Debian Backports:oldstable-backports)");
    expect(added()).toBe("deb [signed-by=/k.gpg] http://mirror/debian bookworm-backports main contrib\n");
    expect(asked.filter((command) => command === "apt-get update")).toHaveLength(2);
  });

  test("does not look at backports where the release's own is new enough", () => {
    const { host, asked } = computer({ release: BACKPORTS });
    obtain(host);
    expect(asked).not.toContain("apt-get indextargets");
  });

  test("puts driver, libraries and a manifest into one folder, and says sizes and how to remove it", () => {
    const { host, said } = computer();
    const { folder, manifest } = obtain(host);
    expect(readdirSync(cache())).toEqual(["lavapipe-x64"]);
    // Neither other drivers nor links out of the packages.
    expect(readdirSync(folder).sort()).toEqual(["libvulkan_lvp.so", "libx.so.1", "lvp_icd.json", "origin.txt"]);
    expect(readFileSync(join(folder, "libx.so.1"), "utf8")).toBe("library");
    expect(JSON.parse(readFileSync(manifest, "utf8")).ICD).toEqual({ api_version: "1.4", library_path: "./libvulkan_lvp.so" });
    expect(said).toEqual([
      expect.stringContaining(`with apt to ${folder}`),
      expect.stringMatching(/: 0 MB downloaded, 0 MB in (\S+); to remove it: rm -r \1$/),
    ]);
  });

  test("replaces a driver that no longer loads, and removes what an older killed download left", () => {
    const old = join(cache(), "lavapipe-x64-Killed");
    for (const folder of [old, join(cache(), "lavapipe-x64"), join(cache(), "lavapipe-x64-Running")])
      mkdirSync(folder, { recursive: true });
    writeFileSync(join(cache(), "lavapipe-x64/libold.so.1"), "");
    utimesSync(old, 0, 0);
    obtain(computer().host);
    expect(readdirSync(cache()).sort()).toEqual(["lavapipe-x64", "lavapipe-x64-Running"]);
    expect(existsSync(join(cache(), "lavapipe-x64/libold.so.1"))).toBe(false);
  });

  test.each<[string, Computer, RegExp]>([
    ["there is no apt", { fails: "apt-get --version" }, /^this system has no apt and dpkg/],
    ["packages are for another processor", { architecture: "armhf" }, /^packages are for armhf, but Node is for x64$/],
    ["the resolution fails", { fails: "apt-get install" }, /^apt-get: it is broken$/],
    [
      "the lists could not be fetched",
      { update: "W: Failed to fetch http://mirror/InRelease\nW: Some failed.", fails: "apt-get install" },
      /^apt-get: Failed to fetch http:\/\/mirror\/InRelease$/,
    ],
    ["the download fails", { fails: "apt-get download" }, /^apt-get: it is broken$/],
    ["a package does not unpack", { fails: "dpkg-deb --extract" }, /^dpkg-deb: E: and more$/],
    ["there is nothing newer", { backports: STABLE }, /^apt has only mesa-vulkan-drivers 22\.3\.6-1\+deb12u2, and Dawn needs 23/],
    ["the mirror's release is not in the sources", { sources: "" }, /^apt has only mesa-vulkan-drivers 22/],
    [
      "it is installed but does not work",
      { release: [], backports: [] },
      /^mesa-vulkan-drivers is installed but does not work here/,
    ],
    [
      "it needs a newer C library",
      { backports: [{ name: "libc6", version: "2.41", archive: "x" }, ...BACKPORTS] },
      /needs libc6 2\.41, newer than the system's$/,
    ],
    [
      "it computes wrong values",
      { fault: "it computes wrong values" },
      /25\.0\.7\S+ \(.*\) does not work here: it computes wrong values$/,
    ],
  ])("leaves nothing, and keeps the driver that was there, where %s", (_, description, message) => {
    const before = join(cache(), "lavapipe-x64");
    mkdirSync(before, { recursive: true });
    writeFileSync(join(before, "lvp_icd.json"), "{}");
    expect(() => obtain(computer(description).host)).toThrow(message);
    expect(readdirSync(cache())).toEqual(["lavapipe-x64"]);
    expect(readdirSync(before)).toEqual(["lvp_icd.json"]);
  });
});

describe("what apt writes", () => {
  test("packages, new ones and newer ones, of archives with spaces and commas", () => {
    const output = `Reading package lists...
Inst libdrm2 [2.4.114-1+b1] (2.4.123-1~bpo12+1 Debian Backports:stable-backports [amd64]) []
Inst tzdata (2024a-2ubuntu1 Ubuntu:24.04/noble, Ubuntu:24.04/noble-updates [all])
Conf tzdata (2024a-2ubuntu1 Ubuntu:24.04/noble [all])
Remv libglapi-mesa [22.3.6]`;
    expect(parseInstalls(output)).toEqual([
      { name: "libdrm2", version: "2.4.123-1~bpo12+1", archive: "Debian Backports:stable-backports" },
      { name: "tzdata", version: "2024a-2ubuntu1", archive: "Ubuntu:24.04/noble, Ubuntu:24.04/noble-updates" },
    ]);
  });

  test("sources, with and without lists that were fetched", () => {
    expect(parseSources("stable|bookworm|/etc/apt/a.list:3\nnoble||/b c/d.sources:1\nW: something\n")).toEqual([
      { release: "stable", codename: "bookworm", file: "/etc/apt/a.list" },
      { release: "noble", codename: "", file: "/b c/d.sources" },
    ]);
  });

  const DEB822 = `# Debian's own
Types: deb
URIs: http://off/debian
Suites: bookworm
Enabled: no

Types: deb deb-src
URIs: http://mirror/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
`;
  test.each<[string, boolean, string, string | null]>([
    ["# deb x bookworm main\ndeb-src x bookworm main\ndeb x bookworm main\n", false, "bookworm", "deb x B main\n"],
    [
      "deb [ arch=amd64 signed-by=/k ] x stable main non-free",
      false,
      "stable",
      "deb [ arch=amd64 signed-by=/k ] x B main non-free\n",
    ],
    ["deb x bookworm-updates main", false, "bookworm", null],
    [DEB822, true, "bookworm", DEB822.split("\n\n")[1]!.replace("Suites: bookworm\n bookworm-updates", "Suites: B")],
    [DEB822, true, "bullseye", null],
  ])("an entry for another release: %j", (text, isDeb822, release, expected) => {
    expect(sourceOf(text, isDeb822, release, "B")).toBe(expected);
  });
});

describe("the downloaded driver", () => {
  test("is not found where its folder is incomplete", () => {
    expect(findLavapipe(join(home, "gone"))).toBeNull();
    writeFileSync(join(home, "lvp_icd.json"), "{}");
    expect(findLavapipe(home)).toBeNull();
    writeFileSync(join(home, "origin.txt"), "mesa 25\n");
    expect(findLavapipe(home)).toEqual({ folder: home, manifest: join(home, "lvp_icd.json"), origin: "mesa 25" });
  });

  test("its libraries go before those of the environment", () => {
    const driver = { folder: "/c", manifest: "/c/lvp_icd.json", origin: "" };
    expect(lavapipeEnv(driver, {})).toEqual({ VK_ICD_FILENAMES: "/c/lvp_icd.json", LD_LIBRARY_PATH: "/c" });
    expect(lavapipeEnv(driver, { LD_LIBRARY_PATH: "/a:/b" })["LD_LIBRARY_PATH"]).toBe("/c:/a:/b");
  });

  test("its libraries are listed without drivers and other files", () => {
    for (const name of ["libvulkan_lvp.so", "libvulkan.so.1", "libx.so.1.2", "lvp_icd.json"]) writeFileSync(join(home, name), "");
    expect(librariesOf(home).map((path) => basename(path))).toEqual(["libvulkan.so.1", "libx.so.1.2"]);
  });
});
