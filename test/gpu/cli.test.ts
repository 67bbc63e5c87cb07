// The built command line program as a user runs it: its files, its errors and its exit codes.
// For bad input: one line, the right exit code, and no files left behind.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng, readPng } from "../../src/image/png.ts";
import { singanModel } from "../../src/singan/model/model.ts";
import { readModel } from "../../src/singan/recipes.ts";
import { buildCli, CLI } from "../command-line.ts";

/** Two scales of 4 channels with two iterations each: seconds without a GPU. */
const TINY = ["--max-size", "30", "--iterations", "2", "--channels", "4"];
/** Simulates a computer without WebGPU: Node refuses to load Dawn. */
const NO_WEBGPU = { NODE_OPTIONS: "--no-addons" };

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

function start(words: readonly string[], env: Record<string, string> = {}): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [CLI, ...words], { cwd: folder, env: { ...process.env, ...env } });
  let [out, err] = ["", ""];
  child.stdout.on("data", (data) => (out += data));
  child.stderr.on("data", (data) => (err += data));
  const ended = new Promise<Ended>((resolve) => child.on("close", (code, signal) => resolve({ code, signal, out, err })));
  return { child, ended };
}
const singan = (words: readonly string[], env?: Record<string, string>): Promise<Ended> => start(words, env).ended;

function picture(width: number, height: number): Uint8Array {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return [6 * x, 7 * y, 4 * (x ^ y)][i % 3]! % 256;
  });
  return encodePng({ width, height, data });
}

beforeAll(() => {
  buildCli();
  folder = mkdtempSync(join(tmpdir(), "singan-cli-"));
  const photo = picture(40, 34);
  writeFileSync(at("photo.png"), photo);
  writeFileSync(at("cut.png"), photo.subarray(0, photo.length / 2));
  writeFileSync(at("empty.png"), "");
  writeFileSync(at("text.jpg"), "this is no picture");
  writeFileSync(at("small.png"), picture(24, 40));
  writeFileSync(at("wide.png"), picture(900, 26));
  writeFileSync(at("huge.png"), header(30_000, 30_000));
  mkdirSync(at("folder.png"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A PNG whose header announces a size, without any data. */
function header(width: number, height: number): Uint8Array {
  const png = Buffer.from(picture(1, 1));
  png.writeUInt32BE(width, 16);
  png.writeUInt32BE(height, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}

describe("refuses in one line, with the right exit code, leaving nothing", () => {
  const cases: [words: string[], code: number, line: RegExp, env?: Record<string, string>][] = [
    [["train", "nowhere.png"], 1, /there is no file nowhere\.png/],
    [["train", "folder.png"], 1, /folder\.png is a directory/],
    [["train", "empty.png"], 1, /empty\.png: empty file/],
    [["train", "cut.png"], 1, /cut\.png: truncated PNG/],
    [["train", "text.jpg"], 1, /text\.jpg: not a picture of a known format/],
    [["train", "huge.png"], 1, /huge\.png: picture too large: 30000x30000/],
    [["train", "small.png"], 1, /24x40: its short side must be at least 25 pixels \(--min-size 24\)\n/],
    [["train", "wide.png"], 1, /900x26 pixels to 250x8/],
    [["train", "photo.png", "--out", "photo.png"], 1, /can't write to photo\.png: it is a file/],
    [["train", "photo.png", "--out", "photo.png/x"], 1, /can't write to photo\.png\/x: a part of the path is a file/],
    // There Node's recursive mkdir would never return.
    ...(process.platform === "linux"
      ? [
          [["train", "photo.png", "--out", "/proc/x"], 1, /can't write to \/proc\/x: no folder can be made there/] as [
            string[],
            number,
            RegExp,
          ],
        ]
      : []),
    [["train", "photo.png", "--max-size", "5"], 2, /--max-size must be/],
    [["train", "photo.png", "--iteration", "5"], 2, /did you mean --iterations\?/],
    [["train", "photo.png", "--preset", "best"], 2, /--preset must be auto, full, paper, balanced, preview or animation/],
    [["train", "photo.png", ...TINY], 1, /the package webgpu does not load/, NO_WEBGPU],
    [["trian", "photo.png"], 2, /did you mean train\?/],
    [[], 2, /no command given/],
    [["info", "nowhere"], 1, /there is no file nowhere/],
    [["info", "photo.png"], 1, /photo\.png: a PNG picture, not a model/],
    [["sample", "empty.png"], 1, /empty\.png: not a safetensors file: only 0 bytes/],
    [["sample"], 2, /MODEL is missing/],
    [["bench"], 2, /bench needs --profile/],
    [["bench", "--profile", "--size", "64"], 2, /--size must be WIDTHxHEIGHT in pixels, as 250x188, not "64"/],
    [
      ["bench", "--profile", "--size", "64x20"],
      2,
      /--size: the picture is 64x20: its short side must be at least 25 pixels \(--min-size 20\)\n/,
    ],
    [["bench", "--profile", "--scales", "5-2"], 2, /--scales must be all, N or N-M with scales from 0 to 9, not "5-2"/],
    [["bench", "--profile", "--scales", "10"], 2, /--scales must be all, N or N-M with scales from 0 to 9, not "10"/],
    [["bench", "--profile", "--channels", "0"], 2, /--channels must be a whole number from 1 to 512, not 0/],
  ];
  it.each(cases)("singan %j → %i", async (words, code, line, env) => {
    const before = readdirSync(folder);
    const ended = await singan(words, env);
    expect(ended.err).toMatch(line);
    expect(ended.err).toMatch(/^singan: [^\n]+\n$/);
    expect([ended.code, ended.out]).toEqual([code, ""]);
    expect(readdirSync(folder)).toEqual(before);
  });

  it.runIf(process.platform === "linux").each([
    ["the Vulkan loader has no driver", { VK_LOADER_DRIVERS_DISABLE: "*" }, /no GPU adapter found( by VK_\w+=\S+)?: /],
    [
      "the driver that is named is none",
      { VK_ICD_FILENAMES: "/no/icd.json" },
      /no GPU adapter found by VK_ICD_FILENAMES=\/no\/icd\.json: unset VK_ICD_FILENAMES to use what is installed/,
    ],
  ])("no adapter: %s", async (_, env, line) => {
    const ended = await singan(["doctor"], env);
    // Dawn's warnings come before the program's message.
    expect(ended.err.split("\n").filter((one) => one.startsWith("singan:"))).toEqual([expect.stringMatching(line)]);
    expect([ended.code, ended.signal]).toEqual([1, null]);
  });

  it.runIf(process.platform === "linux")("results that can't be printed", () => {
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(process.execPath, [CLI, "--help"], {
      stdio: ["ignore", full, "pipe"],
      encoding: "utf8",
    });
    closeSync(full);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^singan: [^\n]*no space left[^\n]*\n$/)]);
  });

  it("shows the stack only with --debug", async () => {
    const { err } = await singan(["info", "nowhere", "--debug"]);
    expect(err).toMatch(/FileError: there is no file nowhere\n +at /);
  });
});

describe("train, sample, info, doctor, bench", () => {
  let trained: Ended;
  beforeAll(async () => {
    mkdirSync(at("model", "samples"), { recursive: true });
    for (const name of ["002.png", "mine.png"]) writeFileSync(at("model", "samples", name), "from before");
    writeFileSync(at("model", "report.json"), "from before");
    trained = await singan(["train", "photo.png", ...TINY, "--out", "model", "--samples", "2"]);
  });

  it("trains, prints paths on stdout and progress on stderr", () => {
    expect(trained.err).toMatch(/photo\.png: 40x34, on .+\n(.+\n)+trained 3 scales in /);
    expect(trained.err).not.toContain("\r");
    const files = ["model.safetensors", "samples/000.png", "samples/001.png", "reconstruction.png", "scales.png", "report.json"];
    expect([trained.code, trained.out]).toEqual([0, files.map((name) => `${join("model", name)}\n`).join("")]);
    const there = ["model.safetensors", "reconstruction.png", "report.json", "samples", "scales.png"];
    expect(readdirSync(at("model")).sort()).toEqual(there);
  });

  it("replaces its own older files, and keeps others", () => {
    expect(readdirSync(at("model", "samples")).sort()).toEqual(["000.png", "001.png", "mine.png"]);
  });

  it("writes pictures, model and report that fit together", () => {
    const model = readModel(readFileSync(at("model", "model.safetensors")));
    expect(model.sizes.at(-1)).toEqual({ width: 30, height: 26 });
    expect(model.options).toMatchObject({ maxSize: 30, iterations: 2, channels: 4, dSteps: 3, zStar: "redrawn" });
    for (const name of ["samples/000.png", "samples/001.png", "reconstruction.png"]) {
      expect(readPng(readFileSync(at("model", name)))).toMatchObject({ width: 30, height: 26 });
    }
    // Three rows and columns of 30x26, enlarged nine times to reach 256 px, with gaps of 4 px.
    expect(readPng(readFileSync(at("model", "scales.png")))).toMatchObject({
      width: 3 * 274 + 4,
      height: 3 * (238 + 13) + 4,
    });
    const report = JSON.parse(readFileSync(at("model", "report.json"), "utf8"));
    expect(report).toMatchObject({ photo: { name: "photo.png", size: "40x34" }, preset: "full", options: model.options });
    expect(report.scales.map((s: { size: string }) => s.size)).toEqual(["29x25", "30x26", "30x26"]);
    expect(report.scales[1]).toMatchObject({ channels: 4, noiseAmp: model.scales[1]!.noiseAmp, losses: model.scales[1]!.losses });
    expect(report.adapter.name).toEqual(expect.any(String));
  });

  it("trains the same model again", async () => {
    const again = await singan(["train", "photo.png", ...TINY, "--out", "again", "--samples", "0", "--json"]);
    const result = JSON.parse(again.out);
    expect(result).toMatchObject({ model: join("again", "model.safetensors"), samples: [], preset: "full" });
    const weights = (name: string) =>
      singanModel(readModel(readFileSync(at(name, "model.safetensors"))), "nets per scale").scales.map((s) => s.generator);
    expect(weights("again")).toEqual(weights("model"));
  });

  it("samples by seed: the training's own pictures, the same twice, others with another seed", async () => {
    const model = join("model", "model.safetensors");
    const first = await singan(["sample", model, "--count", "2"]);
    const names = ["000.png", "001.png"].map((name) => join("model", "samples-seed0", name));
    expect([first.code, first.out]).toEqual([0, names.map((name) => `${name}\n`).join("")]);
    const other = await singan(["sample", model, "--count", "1", "--seed", "1", "--out", "other", "--json"]);
    expect(JSON.parse(other.out)).toEqual({ samples: [join("other", "000.png")], size: "30x26", seed: 1, startScale: 0 });
    const bytes = (...path: string[]) => readPng(readFileSync(at(...path)));
    expect(bytes("model", "samples-seed0", "000.png")).toEqual(bytes("model", "samples", "000.png"));
    expect(bytes("model", "samples-seed0", "001.png")).toEqual(bytes("model", "samples", "001.png"));
    expect(bytes("other", "000.png")).not.toEqual(bytes("model", "samples", "000.png"));
  });

  it("stores weights of 16 bits on request; its pictures are those of the stored weights, within a level", async () => {
    const { code } = await singan(["train", "photo.png", ...TINY, "--out", "half", "--samples", "1", "--half"]);
    expect(code).toBe(0);
    expect((await singan(["sample", "half", "--count", "1"])).code).toBe(0);
    const bytes = (...path: string[]) => readPng(readFileSync(at(...path))).data;
    const sample = bytes("half", "samples", "000.png");
    expect(bytes("half", "samples-seed0", "000.png")).toEqual(sample);
    const whole = bytes("model", "samples", "000.png");
    expect(Math.max(...sample.map((value, i) => Math.abs(value - whole[i]!)))).toBeLessThanOrEqual(1);
    const sizeOf = (name: string) => readFileSync(at(name, "model.safetensors")).length;
    expect(sizeOf("half") / sizeOf("model")).toBeLessThan(0.9); // most of a tiny file is names
  });

  it("refuses a start scale that the model does not have, and a folder it may not write to", async () => {
    const model = join("model", "model.safetensors");
    const high = await singan(["sample", model, "--start-scale", "3"]);
    expect([high.code, high.err]).toEqual([2, 'singan: --start-scale must be a whole number from 0 to 2, or all, not "3"\n']);
    mkdirSync(at("locked"));
    chmodSync(at("locked"), 0o500);
    const locked = await singan(["sample", model, "--count", "1", "--out", join("locked", "x")]);
    if (process.getuid?.() === 0) return expect(locked.code).toBe(0); // root may write anywhere
    expect([locked.code, locked.err]).toEqual([1, expect.stringMatching(/^singan: can't write to .+: permission denied\n$/)]);
  });

  it("info needs no GPU", async () => {
    const model = join("model", "model.safetensors");
    const text = await singan(["info", model], NO_WEBGPU);
    expect(text.out).toMatch(/3 scales up to 30x26(.|\n)+29x25 +4 +1\.0000(.|\n)+--max-size 30 /);
    const json = JSON.parse((await singan(["info", model, "--json"], NO_WEBGPU)).out);
    expect(json).toMatchObject({ size: "30x26", wantedScales: 3, options: { maxSize: 30 } });
    expect(json.scales).toHaveLength(3);
  });

  it("doctor tells adapter and versions, and tests a kernel", async () => {
    const ended = await singan(["doctor", "--json"]);
    expect(JSON.parse(ended.out)).toMatchObject({
      node: process.versions.node,
      adapter: expect.any(String),
      "driver from": expect.any(String),
      "self-test": "passed",
    });
    // Dawn itself writes two warnings about Mesa's llvmpipe, whose limits are larger than it supports.
    const ours = ended.err.replace(/^Warning: maxDynamic\w+PerPipelineLayout artificially reduced from [^\n]*\n/gm, "");
    expect([ended.code, ours]).toEqual([0, ""]);
  });

  it("bench --profile prints a table per scale, or all as JSON", async () => {
    const text = await singan(["bench", "--profile", "--size", "30x26", "--channels", "4", "--scales", "1"]);
    expect(text.out).toMatch(/^30x26, 3 scales, on .+\n\nscale 1: 30x26, 4 channels; per iteration \d+ dispatches, [\d.]+ ms, /);
    expect(text.out).toMatch(/ no kernel ran in at least [\d.]+ % of the time\nop +kernel +calls +ms +share +GFLOP\/s +GB\/s\n/);
    expect(text.out).toMatch(/\nnormLeaky +norm_leaky.forward +\d+ +[\d.]+ +[\d.]+ % +– +[\d.]+\n/);
    expect(text.code).toBe(0);
    const all = await singan(["bench", "--profile", "--size", "25x25", "--channels", "4", "--json"]);
    expect(JSON.parse(all.out)).toMatchObject({
      photo: "25x25",
      adapter: { name: expect.any(String) },
      options: { channels: 4 },
      scales: [{ scale: 0, size: "25x25", channels: 4, idleShare: expect.any(Number) }],
    });
  });

  it("auto says what it picks, with flags on top, and how long it takes", async () => {
    const { err, code } = await singan(["train", "photo.png", "--preset", "auto", ...TINY, "--samples", "1", "--out", "auto"]);
    expect(err).toMatch(
      /auto picks \w+ with other options: \d scales up to 30x26, 2 iterations each, 4 channels; \d+ MB of GPU memory, about /,
    );
    expect(code).toBe(0);
  });
});

describe("ends well", () => {
  it("Ctrl-C while training: exit code 130, and the training is kept", async () => {
    const { child, ended } = start([
      "train",
      "photo.png",
      "--max-size",
      "40",
      "--iterations",
      "500",
      "--channels",
      "8",
      "--out",
      "stopped/deep",
    ]);
    await new Promise<void>((resolve) => child.stderr!.on("data", (text) => /scale 0 of 0-\d+ /.test(String(text)) && resolve()));
    child.kill("SIGINT");
    const { code, out, err } = await ended;
    expect([code, out]).toEqual([130, ""]);
    expect(err).toMatch(
      /\ninterrupted; interrupt again to stop at once\nthe training is kept in stopped\/deep: the same command goes on with it\n$/,
    );
    expect(readdirSync(at("stopped/deep"))).toEqual(["checkpoint-0.safetensors"]);
  });

  it("a reader that has seen enough is no error", () => {
    const { status, stderr } = spawnSync("sh", ["-c", `("${process.execPath}" "${CLI}" train -h; echo $? >&2) | true`], {
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, "0\n"]);
  });
});
