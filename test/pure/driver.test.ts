// Finding a browser and its software Vulkan driver, on computers that exist only here.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix, win32 } from "node:path";
import { describe, expect, test } from "vitest";
import { obtainBrowser } from "../../harness/obtain-browser.ts";
import { findBrowser, findFirefox, type Host } from "../../src/node/browser-paths.ts";
import { hasDriverManifest, loadVulkan, softwareVulkanEnv } from "../../src/node/vulkan.ts";

interface Computer {
  readonly platform?: NodeJS.Platform;
  readonly files?: readonly string[];
  readonly links?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

function computer({ platform = "linux", files = [], links = {}, env = {} }: Computer): Host {
  const { sep } = platform === "win32" ? win32 : posix;
  const exists = (path: string): boolean => files.includes(path) || path in links;
  return {
    platform,
    env,
    home: platform === "win32" ? "C:\\Users\\ada" : "/home/ada",
    exists,
    list: (folder) => [
      ...new Set(files.filter((f) => f.startsWith(folder + sep)).map((f) => f.slice(folder.length + 1).split(sep)[0]!)),
    ],
    real: (path) => links[path] ?? path,
  };
}

const CHROMIUM = ["/usr/bin/chromium", "/usr/lib/chromium/vk_swiftshader_icd.json"];
const CACHE = "/home/ada/.cache/puppeteer/chrome";
const cached = (version: string): string => `${CACHE}/linux-${version}/chrome-linux64/chrome`;

describe("findFirefox", () => {
  test.each<[Computer, string]>([
    [{ files: ["/usr/bin/firefox", "/usr/bin/firefox-esr"] }, "/usr/bin/firefox-esr"],
    [
      { platform: "darwin", files: ["/Applications/Firefox.app/Contents/MacOS/firefox"] },
      "/Applications/Firefox.app/Contents/MacOS/firefox",
    ],
    [
      { platform: "win32", files: ["C:\\Programs\\Mozilla Firefox\\firefox.exe"], env: { PROGRAMFILES: "C:\\Programs" } },
      "C:\\Programs\\Mozilla Firefox\\firefox.exe",
    ],
    [{ files: ["/usr/bin/firefox", "/my/firefox"], env: { FIREFOX_PATH: "/my/firefox" } }, "/my/firefox"],
  ])("finds it on %o", (host, path) => expect(findFirefox(computer(host))).toBe(path));

  test("finds nothing where only Chromium is, and a variable that names nothing is an error", () => {
    expect(findFirefox(computer({ files: CHROMIUM }))).toBeNull();
    expect(() => findFirefox(computer({ env: { FIREFOX_PATH: "/gone" } }))).toThrow(
      "FIREFOX_PATH is /gone, which does not exist",
    );
  });
});

describe("findBrowser", () => {
  test("finds nothing where there is nothing", () => {
    expect(findBrowser(computer({}))).toBeNull();
  });

  test("finds Debian's Chromium, whose libraries are not beside its launcher", () => {
    expect(findBrowser(computer({ files: CHROMIUM }))).toEqual({
      executable: "/usr/bin/chromium",
      libraries: "/usr/lib/chromium",
    });
  });

  test("follows Chrome's links to its libraries", () => {
    const found = findBrowser(
      computer({
        files: ["/opt/google/chrome/vk_swiftshader_icd.json"],
        links: { "/usr/bin/google-chrome": "/opt/google/chrome/google-chrome" },
      }),
    );
    expect(found).toEqual({ executable: "/usr/bin/google-chrome", libraries: "/opt/google/chrome" });
  });

  test("says where a browser ships no libraries", () => {
    expect(findBrowser(computer({ files: ["/usr/bin/chromium"] }))).toEqual({ executable: "/usr/bin/chromium", libraries: null });
  });

  test.each(["PUPPETEER_EXECUTABLE_PATH", "CHROME_PATH"])("%s goes before the system's browser", (name) => {
    const files = [...CHROMIUM, "/my/chrome", "/my/vk_swiftshader_icd.json"];
    expect(findBrowser(computer({ files, env: { [name]: "/my/chrome" } }))).toEqual({
      executable: "/my/chrome",
      libraries: "/my",
    });
  });

  test("a variable that names nothing is an error, not a silent second choice", () => {
    expect(() => findBrowser(computer({ files: CHROMIUM, env: { CHROME_PATH: "/gone" } }))).toThrow(
      "CHROME_PATH is /gone, which does not exist",
    );
  });

  test("takes the newest of Puppeteer's cache, by number and not by letter", () => {
    const files = ["99.0.1.0", "131.0.6778.87", "131.0.6778.204"].map(cached);
    expect(findBrowser(computer({ files }))?.executable).toBe(cached("131.0.6778.204"));
  });

  test("passes over a cache folder whose download was cut off", () => {
    const files = [cached("99.0.1.0"), `${CACHE}/linux-131.0.1.0/chrome-linux64/ABOUT`];
    expect(findBrowser(computer({ files }))?.executable).toBe(cached("99.0.1.0"));
  });

  test("PUPPETEER_CACHE_DIR moves the cache", () => {
    const file = "/cache/chrome/linux-131.0.1.0/chrome-linux64/chrome";
    expect(
      findBrowser(computer({ files: [file, cached("140.0.0.0")], env: { PUPPETEER_CACHE_DIR: "/cache" } }))?.executable,
    ).toBe(file);
  });

  test("the system's browser goes before the cache", () => {
    expect(findBrowser(computer({ files: [cached("140.0.0.0"), ...CHROMIUM] }))?.executable).toBe("/usr/bin/chromium");
  });

  test.each([
    ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"],
    ["/home/ada/Applications/Chromium.app/Contents/MacOS/Chromium"],
    [`${CACHE}/mac_arm-131.0.1.0/chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing`],
  ])("macOS: %s", (file) => {
    expect(findBrowser(computer({ platform: "darwin", files: [file] }))?.executable).toBe(file);
  });

  test.each([
    ["C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe"],
    ["C:\\Users\\ada\\.cache\\puppeteer\\chrome\\win64-131.0.1.0\\chrome-win64\\chrome.exe"],
  ])("Windows: %s", (file) => {
    const env = { PROGRAMFILES: "C:\\Program Files" };
    expect(findBrowser(computer({ platform: "win32", files: [file], env }))?.executable).toBe(file);
  });
});

describe("softwareVulkanEnv", () => {
  const manifest = "/usr/lib/chromium/vk_swiftshader_icd.json";

  test("names the browser's loader and driver", () => {
    expect(softwareVulkanEnv(computer({ files: CHROMIUM }))).toEqual({
      LD_LIBRARY_PATH: "/usr/lib/chromium",
      VK_ICD_FILENAMES: manifest,
    });
  });

  test("extends a library path", () => {
    expect(softwareVulkanEnv(computer({ files: CHROMIUM, env: { LD_LIBRARY_PATH: "/a:/b" } }))).toEqual({
      LD_LIBRARY_PATH: "/usr/lib/chromium:/a:/b",
      VK_ICD_FILENAMES: manifest,
    });
  });

  test.each(["/usr/lib/x86_64-linux-gnu/libvulkan.so.1", "/a/libvulkan.so.1"])(
    "leaves the system's loader alone: %s",
    (loader) => {
      const host = computer({ files: [...CHROMIUM, loader], env: { LD_LIBRARY_PATH: "/a" } });
      expect(softwareVulkanEnv(host)).toEqual({ VK_ICD_FILENAMES: manifest });
    },
  );

  test.each(["VK_ICD_FILENAMES", "VK_DRIVER_FILES"])("leaves the driver of %s alone, but supplies the loader", (name) => {
    expect(softwareVulkanEnv(computer({ files: CHROMIUM, env: { [name]: "/mine.json" } }))).toEqual({
      LD_LIBRARY_PATH: "/usr/lib/chromium",
    });
  });

  test("is null without a browser, without its libraries, and where drivers come with the system", () => {
    expect(softwareVulkanEnv(computer({}))).toBeNull();
    expect(softwareVulkanEnv(computer({ files: ["/usr/bin/chromium"] }))).toBeNull();
    const mac = "/Applications/Chromium.app/Contents/MacOS";
    const files = [`${mac}/Chromium`, `${mac}/vk_swiftshader_icd.json`];
    expect(softwareVulkanEnv(computer({ platform: "darwin", files }))).toBeNull();
  });
});

describe("hasDriverManifest", () => {
  test.each([
    [false, {}],
    [true, { files: ["/usr/share/vulkan/icd.d/radeon_icd.json"] }],
    [true, { files: ["/etc/vulkan/icd.d/nvidia_icd.json"] }],
    [true, { files: ["/home/ada/.local/share/vulkan/icd.d/mine.json"] }],
    [true, { files: ["/nix/vulkan/icd.d/intel.json"], env: { XDG_DATA_DIRS: "/usr/share:/nix" } }],
    [false, { files: ["/usr/share/vulkan/icd.d/README"] }],
    [false, { files: ["/usr/share/vulkan/explicit_layer.d/layer.json"] }],
    [true, { env: { VK_DRIVER_FILES: "/mine.json" } }],
  ] satisfies [boolean, Computer][])("%s for %j", (expected, description) => {
    expect(hasDriverManifest(computer(description))).toBe(expected);
  });
});

test("loadVulkan says no to a folder without a loader, and does not throw", () => {
  const empty = mkdtempSync(join(tmpdir(), "singan-driver-"));
  // The system's loader, if there is one, is loaded without the folder.
  expect(loadVulkan(empty)).toBe(loadVulkan());
  rmSync(empty, { recursive: true });
});

describe("obtainBrowser", () => {
  const chrome = { executable: "/chrome", libraries: "/" };
  const obtain = (appearsAfter: number, isLinuxRoot: boolean): { commands: string[]; browser: unknown } => {
    const commands: string[] = [];
    const run = (...command: string[]): void => void commands.push(command.join(" "));
    const find = () => (commands.length >= appearsAfter ? chrome : null);
    return { browser: obtainBrowser({ find, run, say: () => {}, isLinuxRoot }), commands };
  };

  test("is content with Puppeteer's download", () => {
    expect(obtain(1, true)).toEqual({ browser: chrome, commands: ["npx --no-install puppeteer browsers install chrome"] });
  });

  test("installs Debian's package where the download fails", () => {
    expect(obtain(3, true).commands.slice(1)).toEqual([
      "apt-get update",
      "apt-get install --yes --no-install-recommends chromium",
    ]);
  });

  test.each([
    [4, true],
    [2, false],
  ])("says what to do where nothing helps (%i, %s)", (appearsAfter, isLinuxRoot) => {
    expect(() => obtain(appearsAfter, isLinuxRoot)).toThrow(/^no browser found, .*CHROME_PATH[^\n]*$/);
  });
});

describe("harness/with-driver.mjs", () => {
  const script = "harness/with-driver.mjs";

  test("hands on arguments, the driver and the exit code, and says in one line what it did", () => {
    const show = "console.log(process.argv[1], process.env.VK_ICD_FILENAMES ?? 'none'); process.exit(7)";
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, process.execPath, "-e", show, "a b"], {
      encoding: "utf8",
    });
    expect(stderr).toMatch(/^driver: \S.*\n$/);
    expect(stdout).toMatch(/^a b \S/);
    expect(status).toBe(7);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("hands %s to the command and ends with its exit code", async (signal) => {
    const wait = "process.once(process.argv[1], () => process.exit(42)); setInterval(() => {}, 1000); console.log('ready')";
    const child = spawn(process.execPath, [script, process.execPath, "-e", wait, signal], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    child.stdout.once("data", () => child.kill(signal));
    expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(42);
  });

  test("--driver-only asks for a browser only where no driver is found", () => {
    const withDriver = (...words: string[]) => {
      const env = { ...process.env, ...softwareVulkanEnv(), CHROME_PATH: "/gone" };
      return spawnSync(process.execPath, [script, ...words, "echo", "ran"], { encoding: "utf8", env });
    };
    expect(withDriver().stderr).toContain("CHROME_PATH is /gone");
    const { status, stdout, stderr } = withDriver("--driver-only");
    expect(stderr).toMatch(/^driver: [^;\n]+\n$/);
    expect(stdout).toBe("ran\n");
    expect(status).toBe(0);
  });

  test("ends with 128 + n where a signal ended the command", () => {
    const { status } = spawnSync(process.execPath, [
      script,
      process.execPath,
      "-e",
      "process.kill(process.pid, 'SIGINT'); setInterval(() => {}, 1000)",
    ]);
    expect(status).toBe(130);
  });

  test.each([
    ["no command", [], {}, "usage: node harness/with-driver.mjs [--driver-only] COMMAND"],
    ["a browser that is not there", ["true"], { CHROME_PATH: "/gone" }, "CHROME_PATH is /gone, which does not exist"],
    ["a command that is not there", ["no-such-command"], {}, "no-such-command"],
  ])("one line and exit code 1 for %s", (_, args, env, message) => {
    const { status, stderr } = spawnSync(process.execPath, [script, ...args], {
      encoding: "utf8",
      env: { ...process.env, ...env },
    });
    expect(stderr.trim().split("\n").at(-1)).toContain(message);
    expect(stderr).not.toContain("    at ");
    expect(status).toBe(1);
  });
});
