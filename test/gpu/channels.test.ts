// Photos that are grey, and photos with transparency: what is made of them by training and by every command.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { flattened, type Layer, type Rgb8 } from "../../src/image/planes.ts";
import { decodePng, encodeLayer, encodePng } from "../../src/image/png.ts";
import { readModel } from "../../src/singan/recipes.ts";
import { buildCli, singanIn } from "../command-line.ts";

const TINY = ["--max-size", "30", "--iterations", "3", "--channels", "4", "--samples", "1"];
const [WIDTH, HEIGHT] = [30, 26];
const AREA = WIDTH * HEIGHT;

const folder = mkdtempSync(join(tmpdir(), "singan-channels-"));
const singan = (...words: string[]) => singanIn(folder, ...words);
const picture = (name: string): Layer => decodePng(readFileSync(join(folder, name)));
const model = (name: string) => readModel(readFileSync(join(folder, name, "model.safetensors")));
const isGrey = ({ data }: Rgb8): boolean => data.every((v, i) => v === data[i - (i % 3)]);

beforeAll(() => {
  buildCli();
  const of = (value: (p: number, c: number) => number): Rgb8 => ({
    ...{ width: WIDTH, height: HEIGHT },
    data: Uint8Array.from({ length: 3 * AREA }, (_, i) => value(Math.floor(i / 3), i % 3) % 256),
  });
  const colour = of((p, c) => 7 * p + 80 * c);
  // The middle is opaque, and below the rest there are colours that nobody sees.
  const alpha = Uint8Array.from({ length: AREA }, (_, p) => (Math.abs((p % WIDTH) - 15) < 8 ? 255 : p % 3 === 0 ? 90 : 0));
  writeFileSync(join(folder, "colour.png"), encodePng(colour));
  writeFileSync(join(folder, "grey.png"), encodePng(of((p) => 11 * p)));
  writeFileSync(join(folder, "cut.png"), encodeLayer({ picture: colour, alpha }));
  for (const words of [["grey.png"], ["cut.png", "--alpha", "channel"]])
    expect(singan("train", ...words, ...TINY, "--out", words[0]!.slice(0, -4)).err).toContain("trained");
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a grey photo trains as one channel, and all that is made of it is grey, whatever is put in", () => {
  expect(model("grey").options.imageChannels).toBe(1);
  expect(isGrey(picture("grey/samples/000.png").picture)).toBe(true);
  const { width, height, data } = model("grey").photo;
  expect(data.length).toBe(width * height);
  const calls: [words: string[], result: string][] = [
    [["sample", "grey", "--count", "1", "--size", "64x40", "--out", "wide"], "wide/000.png"],
    [["sample", "grey", "--count", "1", "--keep", "cut.png", "--out", "kept"], "kept/000.png"],
    [["paint", "grey", "colour.png", "--start-scale", "1", "--out", "painted"], "painted/colour-scale1.png"],
    [["edit", "grey", "cut.png", "--start-scale", "1", "--out", "edited"], "edited/cut-scale1.png"],
    [["harmonize", "grey", "cut.png", "--start-scale", "1", "--out", "harmonized"], "harmonized/cut-scale1.png"],
    [["animate", "grey", "--frames", "2", "--format", "png", "--out", "moving"], "moving/animation/0001.png"],
    [["sr", "grey", "--factor", "2"], "grey/x2.png"],
  ];
  for (const [words, result] of calls) {
    const { status, err } = singan(...words);
    expect([words[0], status, err]).toEqual([words[0], 0, expect.anything()]);
    expect([words[0], isGrey(picture(result).picture)]).toEqual([words[0], true]);
  }
  expect(singan("info", "grey").out).toContain(", grey");
  expect(singan("eval", "grey").status).toBe(0);
  const quantized = singan("paint", "grey", "colour.png", "--start-scale", "1", "--quantize");
  expect([quantized.status, quantized.err]).toEqual([
    2,
    expect.stringContaining("--quantize needs the model of a photo with colours"),
  ]);
});

test("transparency trains as a fourth channel, which samples have; what needs colours alone refuses the model in one line", () => {
  const trained = model("cut");
  expect(trained.options.imageChannels).toBe(4);
  expect(trained.photo.data.length).toBe(4 * trained.photo.width * trained.photo.height);
  const sample = picture("cut/samples/000.png");
  expect(sample.alpha).not.toBeNull();
  const again = singan("sample", "cut", "--count", "1", "--out", "again");
  expect(again.status).toBe(0);
  expect(picture("again/000.png")).toEqual(sample);
  expect(singan("sample", "cut", "--count", "1", "--tile", "both", "--size", "64x40", "--out", "tiles").status).toBe(0);
  expect(picture("tiles/000.png").alpha).not.toBeNull();
  expect(singan("animate", "cut", "--frames", "2", "--out", "film").status).toBe(0);
  expect(singan("eval", "cut").status).toBe(0);
  expect(singan("info", "cut").out).toMatch(/, with transparency[\s\S]*--alpha channel/);
  for (const command of ["paint", "edit", "harmonize"]) {
    const { status, err } = singan(command, "cut", "cut.png", "--start-scale", "1");
    expect([command, status, err.trim().split("\n").length]).toEqual([command, 1, 1]);
    expect(err).toContain("trained with transparency, so pictures can't be injected");
  }
});

test("the three ways to train transparency are three trainings, and each can be asked for only where it has a meaning", () => {
  expect(singan("train", "cut.png", ...TINY, "--alpha", "ignore", "--out", "ignored").status).toBe(0);
  const { picture: colours } = picture("cut.png");
  const ignored = model("ignored");
  expect([ignored.options.imageChannels, ignored.photo.width]).toEqual([3, WIDTH]);
  expect(picture("ignored/scales.png").alpha).toBeNull();
  expect(flattened(picture("cut.png"))).not.toEqual(colours);
  const other = singan("train", "cut.png", ...TINY, "--out", "ignored", "--skip-finished");
  expect(other.err).toContain("it holds a training with --alpha ignore");
  const same = singan("train", "cut.png", ...TINY, "--alpha", "channel", "--out", "cut", "--skip-finished");
  expect(same.err).toContain("is finished");
  const refusals: [words: string[], text: string][] = [
    [["colour.png", "--alpha", "channel"], "colour.png is opaque, so it has no transparency to train: leave --alpha channel out"],
    [["cut.png", "--alpha", "channel", "--recipe", "consingan"], "--alpha channel has no meaning in the recipe consingan"],
    [["cut.png", "--alpha", "black"], "--alpha"],
  ];
  for (const [words, text] of refusals) {
    const { status, err } = singan("train", ...words, ...TINY, "--out", "never");
    expect([status, err.trim().split("\n").length]).toEqual([2, 1]);
    expect(err).toContain(text);
  }
});
