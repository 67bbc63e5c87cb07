// Names of files that a visitor downloads together.

/** The names, where one appears again with a number before its extension: a.png, a-2.png. Upper and lower case count as one, as on many disks. */
export function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const dot = name.lastIndexOf(".");
    const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
    let free = name;
    for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${stem}-${n}${extension}`;
    taken.add(free.toLowerCase());
    return free;
  });
}
