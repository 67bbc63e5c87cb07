// Asks apt for packages without root and without installing anything: apt runs with the machine's own sources, keys, proxies and preferences,
// but keeps its lists and archives in a folder of ours. What is said in apt's words is parsed here.

import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Ended {
  readonly isOk: boolean;
  /** Standard output and error, as they came. */
  readonly output: string;
}

/** Runs a program to its end, in a folder and with additional environment variables. */
export type Run = (words: readonly string[], folder: string, env?: Readonly<Record<string, string>>) => Ended;

export interface Package {
  readonly name: string;
  readonly version: string;
  /** The archive, in apt's words: "Debian:13.2/stable". */
  readonly archive: string;
}

/** An entry of the machine's sources. */
export interface Source {
  /** As it is written in the sources: a codename, or "stable". */
  readonly release: string;
  readonly codename: string;
  readonly file: string;
}

const SOURCE_FORMAT = "$(RELEASE)|$(CODENAME)|$(SOURCESENTRY)";

export class Apt {
  readonly #env: Readonly<Record<string, string>>;
  readonly #sources: string;

  /** `folder` gets all that apt writes; `etc` is the folder with the machine's configuration. */
  constructor(
    private readonly run: Run,
    private readonly folder: string,
    etc: string,
  ) {
    const at = (...names: string[]) => join(folder, ...names);
    this.#sources = at("sources.list.d");
    const config = at("apt.conf.d");
    for (const path of ["lists/partial", "cache/archives/partial", "sources.list.d", "apt.conf.d"])
      mkdirSync(at(path), { recursive: true });
    for (const name of namesIn(join(etc, "apt/apt.conf.d"))) symlinkSync(join(etc, "apt/apt.conf.d", name), join(config, name));
    for (const name of namesIn(join(etc, "apt/sources.list.d")))
      symlinkSync(join(etc, "apt/sources.list.d", name), join(this.#sources, name));
    const list = join(etc, "apt/sources.list");
    if (existsSync(list)) symlinkSync(list, at("sources.list"));
    // The environment's file is read first, so it can only move the folder of the others. Of those ours is the last.
    writeFileSync(at("apt.conf"), `Dir::Etc::parts "${config}";\n`);
    writeFileSync(join(config, "zz-singan"), configuration(folder, this.#sources));
    this.#env = { APT_CONFIG: at("apt.conf"), LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" };
  }

  /** Fetches the lists of packages. Returns what went wrong, or null. Other sources than the broken one can be used all the same. */
  update(): string | null {
    return complaintOf(this.#get("update"));
  }

  /** The packages that the machine lacks for a package, from the release of that name if one is given. Throws apt's own complaint. */
  missingFor(name: string, release?: string): Package[] {
    const target = release === undefined ? [] : ["--target-release", release];
    return parseInstalls(this.#checked("install", "--simulate", "--no-install-recommends", ...target, name));
  }

  /** Adds the backports of the machine's release, from the same mirror with the same keys. False if there is no such source to copy. */
  addBackports(codename: string): boolean {
    const words = ["apt-get", "indextargets", "--format", SOURCE_FORMAT, "Created-By: Packages"];
    const sources = parseSources(this.run(words, this.folder, this.#env).output);
    const backports = `${codename}-backports`;
    if (sources.some((one) => one.release === backports || one.codename === backports)) return true;
    const own = sources.find((one) => one.release === codename) ?? sources.find((one) => one.codename === codename);
    if (!own) return false;
    const isDeb822 = own.file.endsWith(".sources");
    const text = sourceOf(readFileSync(own.file, "utf8"), isDeb822, own.release, backports);
    if (text === null) return false;
    writeFileSync(join(this.#sources, isDeb822 ? "zz-singan.sources" : "zz-singan.list"), text);
    return true;
  }

  /** Downloads packages, whose signatures apt has checked, into a folder. Throws apt's own complaint. */
  download(packages: readonly Package[], folder: string): void {
    const words = ["apt-get", "--quiet", "download", ...packages.map(({ name, version }) => `${name}=${version}`)];
    orThrow(this.run(words, folder, this.#env));
  }

  #get(...words: string[]): Ended {
    return this.run(["apt-get", "--quiet", ...words], this.folder, this.#env);
  }

  #checked(...words: string[]): string {
    return orThrow(this.#get(...words));
  }
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Hooks of the machine's configuration would act on its own folders, so they are left out. The sandbox's user could not write into ours. */
const configuration = (folder: string, sources: string): string => `#clear APT::Update;
#clear DPkg;
APT::Sandbox::User "root";
APT::Get::List-Cleanup "false";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Dir::State::lists "${join(folder, "lists")}";
Dir::State::extended_states "${join(folder, "extended_states")}";
Dir::Cache "${join(folder, "cache")}";
Dir::Etc::sourcelist "${join(folder, "sources.list")}";
Dir::Etc::sourceparts "${sources}";
`;

/** The first error or warning in apt's output; null where there is none. */
function complaintOf({ isOk, output }: Ended): string | null {
  const lines = output.split("\n").filter((line) => /^[EW]: /.test(line));
  const first = lines.find((line) => line.startsWith("E: ")) ?? lines[0];
  return first?.slice(3).trim() ?? (isOk ? null : output.trim().split("\n").at(-1) || "it failed");
}

function orThrow(ended: Ended): string {
  if (!ended.isOk) throw new Error(`apt-get: ${complaintOf(ended)}`);
  return ended.output;
}

/** The packages of the lines "Inst libdrm2 [2.4.114-1] (2.4.123-1 Debian Backports:stable-backports [amd64])" of a simulated installation. */
export function parseInstalls(output: string): Package[] {
  return [...output.matchAll(/^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) ([^[]*?) \[[^\]]*\]\)/gm)].map(
    ([, name, version, archive]) => ({
      name: name!,
      version: version!,
      archive: archive!,
    }),
  );
}

export function parseSources(output: string): Source[] {
  return [...output.matchAll(/^([^|\s]+)\|([^|]*)\|(\/.*):\d+$/gm)].map(([, release, codename, file]) => ({
    release: release!,
    codename: codename!,
    file: file!,
  }));
}

/** The first entry for a release in a file of sources, changed to another release; everything else of it is kept, its keys above all. */
export function sourceOf(text: string, isDeb822: boolean, release: string, other: string): string | null {
  if (!isDeb822) {
    const entry = /^\s*(deb\s+(?:\[[^\]]*\]\s+)?\S+\s+)(\S+)(\s.*)$/;
    const parts = text
      .split("\n")
      .map((line) => entry.exec(line))
      .find((match) => match?.[2] === release);
    return parts ? `${parts[1]}${other}${parts[3]}\n` : null;
  }
  const suites = /^Suites:(.*(?:\n[ \t].*)*)/im;
  const entry = text
    .split(/\n\s*\n/)
    .find((one) => suites.exec(one)?.[1]?.split(/\s+/).includes(release) && !/^Enabled:\s*no\b/im.test(one));
  return entry === undefined ? null : `${entry.replace(suites, `Suites: ${other}`).trimEnd()}\n`;
}
