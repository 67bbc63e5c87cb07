// The tarball that is published: what npm packs here, with the repository's address in its manifest and in the links of its README.
// npm documents no way to show a README's pictures that are not in the package. Its page looks for them in the repository's newest commit, where
// those of an old version may be gone. So links are made absolute, to the commit that is published.

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import manifest from "../../package.json";

/** Limits of the package, in bytes: they are for noticing what was added by mistake, and are raised for what was not. */
export const MOST_BYTES = { packed: 340_000, unpacked: 1_100_000 } as const;

/** A repository on GitHub, and the commit or branch in it that links go to. */
export interface Source {
  readonly repository: string;
  readonly commit: string;
}

/** The source that the environment of a GitHub workflow names. Throws where it names none. */
export function sourceFrom(env: Readonly<Record<string, string | undefined>>): Source {
  const { GITHUB_REPOSITORY: repository = "", GITHUB_SHA: commit = "HEAD" } = env;
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository))
    throw new Error(`GITHUB_REPOSITORY must be the address of the repository, as OWNER/NAME, not ${JSON.stringify(repository)}`);
  return { repository, commit };
}

/** What the manifest says about the repository. npm compares it with where a package with provenance was built. */
export function addressFields({ repository }: Source) {
  const page = `https://github.com/${repository}`;
  return { repository: { type: "git", url: `git+${page}.git` }, homepage: `${page}#readme`, bugs: { url: `${page}/issues` } };
}

/** Links of Markdown to files of the repository: whether it is a picture, and the path. */
const LINKS = /(!?)(\[[^\]]*\]\()(?![a-z]+:|#)([^)\s]+)(?=\))/g;
export const relativeLinks = (markdown: string): string[] => [...markdown.matchAll(LINKS)].map(([, , , path]) => path!);

/** Markdown whose links to files of the repository are absolute. */
export function withAbsoluteLinks(markdown: string, { repository, commit }: Source): string {
  return markdown.replace(LINKS, (_, mark: string, text: string, path: string) => {
    const base = mark ? "https://raw.githubusercontent.com" : "https://github.com";
    return `${mark}${text}${base}/${repository}/${mark ? "" : "blob/"}${commit}/${path}`;
  });
}

/** Runs npm, the same that runs this program where npm does. Returns its output. */
export function npm(words: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): string {
  const script = process.env["npm_execpath"];
  const [command, first] = script ? [process.execPath, [script]] : ["npm", []];
  return execFileSync(command, [...first, ...words], { ...options, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Packs what is built into a folder. Returns the tarball's path. */
export function packRelease(source: Source, folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const pack = (what: readonly string[]) => {
    npm(["pack", ...what, "--ignore-scripts", "--pack-destination", folder]);
    return join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz"))!);
  };
  const plain = pack([]);
  execFileSync("tar", ["-xzf", plain, "-C", folder]);
  rmSync(plain);
  const contents = join(folder, "package");
  const { devDependencies: _, scripts: __, allowScripts: ___, ...published } = manifest;
  writeFileSync(join(contents, "package.json"), `${JSON.stringify({ ...published, ...addressFields(source) }, null, 2)}\n`);
  const readme = join(contents, "README.md");
  writeFileSync(readme, withAbsoluteLinks(readFileSync(readme, "utf8"), source));
  const tarball = pack([resolve(contents)]);
  const named = join(folder, "singan-webgpu.tgz");
  renameSync(tarball, named);
  return named;
}
