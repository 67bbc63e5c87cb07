// The command line without side effects: parsing, help texts, misspelt words, colours, and the remaining time.
// Conventions of clig.dev.

import { describe, expect, it } from "vitest";
import { type Args, closest, helpText, parse, UsageError } from "../../src/cli/args.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { duration } from "../../src/cli/progress.ts";
import { Session } from "../../src/cli/session.ts";
import { asFlags, flagName, givenOptions, requireTrainable } from "../../src/cli/training-flags.ts";
import { DEFAULTS } from "../../src/singan/model/config.ts";
import { resolveOptions } from "../../src/singan/recipes.ts";
import { Eta } from "../../src/singan/training/eta.ts";

function argsOf(...words: string[]): Args {
  const call = parse(words, COMMANDS);
  if (call.kind !== "run") throw new Error(`asks for ${call.kind}`);
  return call.args;
}
const usageError = (...words: string[]): string => {
  try {
    givenOptions(argsOf(...words));
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "no error";
};

describe("parsing", () => {
  it("takes flags before and after the words, with = or a space, the last one counting", () => {
    const args = argsOf("train", "--seed=3", "photo.png", "--out", "a b", "--json", "--seed", "4");
    expect(args.words).toEqual(["photo.png"]);
    expect([args.number("seed"), args.text("out"), args.has("json"), args.has("debug")]).toEqual([4, "a b", true, false]);
  });

  it("takes words after -- as they are", () => {
    expect(argsOf("info", "--", "--json").words).toEqual(["--json"]);
  });

  it.each([
    ["singan", {}],
    ["singan with noise padding", { noisePadding: true, seed: 7 }],
    ["consingan", { recipe: "consingan" }],
  ] as const)("reads the options of %s as info prints them", (_, some) => {
    const options = resolveOptions(some);
    const args = argsOf("train", "photo.png", ...asFlags(options).split(" "));
    expect([args.words, resolveOptions(givenOptions(args))]).toEqual([["photo.png"], options]);
  });

  it("has a flag for every training option but one, which the photo says", () => {
    const { imageChannels: _, ...flagged } = DEFAULTS;
    const words = Object.entries(flagged).flatMap(([field, value]) =>
      typeof value === "boolean" ? [`--${flagName(field)}`] : [`--${flagName(field)}`, String(value)],
    );
    expect(givenOptions(argsOf("train", "x", ...words))).toEqual({ ...flagged, noisePadding: true });
    expect(givenOptions(argsOf("train", "x"))).toEqual({});
  });

  it.each([
    [["train", "-h"], "train"],
    [["train", "x", "--nonsense", "--help"], "train"],
    [["help", "doctor"], "doctor"],
  ])("%j shows the help of %s", (words, name) => {
    expect(parse(words, COMMANDS)).toMatchObject({ kind: "help", command: { name } });
  });

  it.each([["-h"], ["--help"], ["help"]])("%s shows the help of the program", (word) => {
    expect(parse([word], COMMANDS)).toEqual({ kind: "help", command: null });
  });

  it.each(["--version", "version"])("%s shows the version", (word) => {
    expect(parse([word], COMMANDS)).toEqual({ kind: "version" });
  });

  it("takes a photo whose name begins with a dash after --, or with ./", () => {
    expect(argsOf("train", "--", "-dash.png").words).toEqual(["-dash.png"]);
    expect(argsOf("train", "./-dash.png").words).toEqual(["./-dash.png"]);
  });
});

describe("wrong usage is named in one line", () => {
  it.each([
    [[], /no command given/],
    [["smaple", "x"], /unknown command "smaple"; did you mean sample\?/],
    [["frobnicate"], /unknown command "frobnicate"; singan --help lists all/],
    [["--versoin"], /unknown flag "--versoin"; did you mean --version\?/],
    [["train"], /PHOTO is missing/],
    [["info", "a", "b"], /unexpected argument "b"/],
    [["doctor", "x"], /unexpected argument "x"/],
    [["train", "x", "--max-sise", "3"], /unknown flag "--max-sise"; did you mean --max-size\?/],
    [["train", "x", "--maxSize", "64"], /did you mean --max-size\?/],
    [["train", "x", "-q"], /unknown flag "-q"/],
    [["train", "x", "--out"], /--out needs a value: --out DIR/],
    [["train", "x", "--out="], /--out needs a value/],
    [["train", "x", "--out", "--json"], /--out needs a value/],
    [["train", "x", "--json=yes"], /--json takes no value/],
    [["train", "x", "--seed", "many"], /--seed needs a number, not "many"/],
    [["train", "x", "--seed", "-4"], /--seed must be a whole number from 0 to 4294967295, not -4/],
    [["train", "x", "--max-size", "5"], /--max-size must be a whole number from 12/],
    [["train", "x", "--max-size", "20"], /--max-size 20 is below --min-size 25/],
    [["train", "x", "--z-star", "free"], /--z-star must be fixed or redrawn, not free/],
    [["train", "x", "--lr", "1e999"], /--lr needs a number/],
    [["train", "x", "--min-size", "1e9"], /--min-size must be a whole number from 12 to 512, not 1000000000/],
    [["train", "x", "--recipe", "__proto__"], /--recipe must be singan or sr or consingan, not __proto__/],
    [["train", "x", "--recipe", "constructor"], /--recipe must be singan or sr or consingan, not constructor/],
    [["train", "-dash.png"], /unknown flag "-dash.png"; .* a file of this name is given as \.\/-dash\.png/],
    [["train", "--dash.png"], /unknown flag "--dash.png"; .* a file of this name is given as \.\/--dash\.png/],
    [["train", "x", "--__proto__"], /unknown flag "--__proto__"/],
  ])("%j", (words, message) => {
    expect(usageError(...words)).toMatch(message);
    expect(usageError(...words)).not.toContain("\n");
  });

  it("a switch never swallows a word", () => expect(argsOf("info", "--json", "model").words).toEqual(["model"]));
});

describe("did you mean", () => {
  it.each([
    ["trian", "train"],
    ["Train", "train"],
    ["docter", "doctor"],
    ["inf", "info"],
    ["x", undefined],
    ["frobnicate", undefined],
  ])("%s → %s", (given, meant) =>
    expect(
      closest(
        given,
        COMMANDS.map((c) => c.name),
      ),
    ).toBe(meant),
  );
});

describe("help", () => {
  it.each([null, ...COMMANDS])("%#: fits the line, leads with usage, shows examples that parse", (command) => {
    const text = helpText(command, COMMANDS);
    for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(120);
    const examples = text
      .slice(text.indexOf("\nExamples\n"))
      .split("\n")
      .filter((line) => line.startsWith("  singan"));
    expect(examples.length).toBeGreaterThan(0);
    for (const line of examples) argsOf(...line.trim().split(/ {2,}/)[0]!.split(" ").slice(1));
  });

  it("names every flag of its command", () => {
    const text = helpText(COMMANDS[0]!, COMMANDS);
    const { imageChannels: _, ...flagged } = DEFAULTS; // the photo says how many channels it has
    for (const field of Object.keys(flagged)) expect(text).toContain(`--${flagName(field)} `);
  });
});

describe("colours and live lines", () => {
  const painted = (env: Record<string, string>, isTTY: boolean): [boolean, boolean] => {
    const session = new Session({ write: () => {} }, { write: () => {}, isTTY }, env);
    return [session.red("x") !== "x", session.isLive];
  };
  it.each([
    [{}, true, true, true],
    [{}, false, false, false],
    [{ NO_COLOR: "1" }, true, false, true],
    [{ NO_COLOR: "" }, true, true, true],
    [{ FORCE_COLOR: "1" }, false, true, false],
    [{ FORCE_COLOR: "0" }, true, false, true],
    [{ FORCE_COLOR: "" }, false, false, false],
    [{ FORCE_COLOR: "" }, true, true, true],
    [{ NO_COLOR: "1", FORCE_COLOR: "1" }, true, false, true],
    [{ NO_COLOR: "", FORCE_COLOR: "1" }, false, true, false],
    [{ TERM: "dumb" }, true, false, false],
  ])("%j, terminal %s: colour %s, live %s", (env, isTTY, colour, live) => {
    expect(painted(env as Record<string, string>, isTTY)).toEqual([colour, live]);
  });

  it("undoes in order, each once, whatever fails", () => {
    const done: number[] = [];
    const session = new Session({ write: () => {} }, { write: () => {} }, {});
    session.onExit(() => done.push(1));
    session.onExit(() => {
      throw new Error("first to go");
    });
    session.onExit(() => done.push(2));
    session.close();
    session.close();
    expect(done).toEqual([1, 2]);
  });
});

describe("remaining time", () => {
  /** Simulates a training in which an iteration of scale k takes fixed + perWork·work[k] ms. Returns the estimates and the true remaining times. */
  function simulate(fixed: number, perWork: number, forecastMs: number | null) {
    const work = [1, 2, 4, 8];
    const iterations = 100;
    const total = iterations * work.reduce((a, b) => a + b);
    const times = work.map((w) => fixed + perWork * w);
    const allMs = iterations * times.reduce((a, b) => a + b);
    let now = 0;
    let done = 0;
    const eta = new Eta(work.length, iterations, forecastMs, () => now);
    const estimates: { scale: number; iteration: number; estimate: number | null; left: number }[] = [];
    work.forEach((w, scale) => {
      eta.begin(scale, { done, total });
      for (let iteration = 1; iteration <= iterations; iteration++) {
        now += times[scale]!;
        done += w;
        eta.add(iteration, { done, total });
        estimates.push({ scale, iteration, estimate: eta.remainingMs, left: allMs - now });
      }
    });
    return estimates;
  }

  it("counts the work where work is what takes time", () => {
    for (const { iteration, estimate, left } of simulate(0, 50, null)) {
      if (iteration > 20) expect(estimate).toBeCloseTo(left, 3);
    }
  });

  it("counts the iterations where they take the same time at all scales", () => {
    const later = simulate(50, 0, null).filter(({ scale, iteration }) => scale > 0 && iteration > 20);
    for (const { estimate, left } of later) expect(estimate).toBeCloseTo(left, 3);
  });

  it("finds the mixture from the second scale on", () => {
    const later = simulate(30, 10, null).filter(({ scale, iteration }) => scale > 0 && iteration > 20);
    for (const { estimate, left } of later) expect(estimate).toBeCloseTo(left, 3);
  });

  it("finds the mixture within the first scale where there is a forecast", () => {
    const forecast = 100 * (4 * 30 + 15 * 10);
    const measured = simulate(30, 10, forecast).filter(({ iteration }) => iteration > 20);
    for (const { estimate, left } of measured) expect(estimate).toBeCloseTo(left, 3);
  });

  it("goes by the forecast before it has measured, and says nothing without one", () => {
    expect(simulate(0, 50, 75_000)[0]!.estimate).toBeCloseTo(75_000 * (1 - 1 / 1500), 3);
    expect(simulate(0, 50, null)[0]!.estimate).toBeNull();
  });

  it.each([
    [0.04, "0.0 s"],
    [59.7, "1 min 0 s"],
    [200, "3 min 20 s"],
    [3599, "1 h 0 min"],
    [7500, "2 h 5 min"],
  ])("%d s reads %s", (seconds, text) => expect(duration(seconds)).toBe(text));
});

it.each([
  ["too small", { width: 300, height: 24 }, {}, "(--min-size 24)"],
  ["too elongated", { width: 40, height: 1000 }, {}, "Choose a max size of 625, or crop the picture (--max-size 625)"], // 10 px are below every --min-size
  [
    "too reduced",
    { width: 250, height: 124 },
    { maxSize: 40 },
    "Choose a max size of 51, or crop the picture (--max-size 51 or --min-size 20)",
  ],
  ["hopeless", { width: 10, height: 10 }, {}, "its short side must be at least 25 pixels"],
] as const)("a photo that is %s: the message names the flags that help", (_, photo, options, end) => {
  expect(() => requireTrainable(photo, { options })).toThrow(new RegExp(`${end.replace(/[()]/g, "\\$&")}$`));
});
