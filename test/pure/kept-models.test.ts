// The models that a browser keeps, in a folder in memory: whatever fails, and whenever, whole models stay and no halves of others.

import { expect, test } from "vitest";
import { type KeptModel, KeptModelError, KeptModels } from "../../src/demo/kept-models.ts";
import { type FileFolder, storageTrouble } from "../../src/demo/opfs-folder.ts";

const alone = <T>(work: () => Promise<T>): Promise<T> => work();
const card = (name: string, keptAt: number): Omit<KeptModel, "key" | "bytes"> => ({
  ...{ name, keptAt, width: 40, height: 30 },
  thumbnail: { width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 255) },
});
const file = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(7);

/** `failAt` counts the calls that change something; that one fails, and all after it where the tab `dies`. */
function memory(
  failAt = Number.POSITIVE_INFINITY,
  dies = false,
): { folder: FileFolder; files: Map<string, Uint8Array<ArrayBuffer>> } {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  let changes = 0;
  const change = (work: () => void): Promise<void> => {
    const at = changes++;
    if (at === failAt || (dies && at > failAt)) return Promise.reject(new DOMException("full", "QuotaExceededError"));
    work();
    return Promise.resolve();
  };
  const folder: FileFolder = {
    names: async () => [...files.keys()],
    read: async (name) => files.get(name) ?? null,
    write: (name, bytes) => change(() => files.set(name, bytes.slice())),
    remove: (name) => change(() => files.delete(name)),
  };
  return { folder, files };
}

test("kept models are listed with what their cards say, the newest first, and read and deleted by their keys", async () => {
  const { folder, files } = memory();
  const models = new KeptModels(folder, alone);
  expect(await models.list()).toEqual([]);
  await models.add("a", card("<b>mine & 🌷", 1), file(10));
  await models.add("b", card("other", 2), file(20));
  expect(await models.list()).toEqual([
    { ...card("other", 2), key: "b", bytes: 20 },
    { ...card("<b>mine & 🌷", 1), key: "a", bytes: 10 },
  ]);
  expect(await models.read("a")).toEqual(file(10));
  await models.delete("a");
  expect((await models.list()).map(({ key }) => key)).toEqual(["b"]);
  await expect(models.read("a")).rejects.toThrow(KeptModelError);
  expect([...files.keys()].sort()).toEqual(["b.json", "b.safetensors"]);
});

test.each([2, 3])("where change %i fails for want of room, the model is not kept, and the others are", async (failAt) => {
  const { folder, files } = memory(failAt);
  const models = new KeptModels(folder, alone);
  await models.add("a", card("first", 1), file(10));
  await expect(models.add("b", card("second", 2), file(20))).rejects.toThrow("full");
  expect([...files.keys()].sort()).toEqual(["a.json", "a.safetensors"]);
});

test.each([3, 4])(
  "a tab that dies at change %i leaves no half of a model in the list, and the next list removes it",
  async (failAt) => {
    const { folder, files } = memory(failAt, true);
    const models = new KeptModels(folder, alone);
    await models.add("a", card("first", 1), file(10));
    const work =
      failAt === 3
        ? models.add("b", card("second", 2), file(20))
        : models.add("b", card("second", 2), file(20)).then(() => models.delete("b"));
    await expect(work).rejects.toThrow("full");
    const revived = memory();
    for (const [name, bytes] of files) revived.files.set(name, bytes);
    const left = await new KeptModels(revived.folder, alone).list();
    expect(left.map(({ key }) => key)).toEqual(failAt === 3 ? ["a"] : ["b", "a"]); // what was not deleted is whole
    expect(revived.files.size).toBe(2 * left.length);
  },
);

test("a damaged card is no model", async () => {
  const { folder, files } = memory();
  const models = new KeptModels(folder, alone);
  await models.add("a", card("first", 1), file(10));
  for (const text of [
    "",
    "{",
    '{"name":1}',
    '{"name":"x","width":1,"height":1,"bytes":1,"keptAt":1,"thumbnail":{"width":9,"height":9,"data":[1]}}',
  ]) {
    files.set("b.json", new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>);
    files.set("b.safetensors", file(3));
    expect((await models.list()).map(({ key }) => key)).toEqual(["a"]);
  }
});

test("adding, listing and deleting wait for each other", async () => {
  const { folder } = memory();
  let running = 0;
  let calls = 0;
  const counted = async <T>(work: () => Promise<T>): Promise<T> => {
    expect(running++).toBe(0);
    calls++;
    const result = await work();
    running--;
    return result;
  };
  const models = new KeptModels(folder, counted);
  await models.add("a", card("first", 1), file(10));
  await models.list();
  await models.delete("a");
  expect(calls).toBe(3);
});

test("why nothing is stored is the middle of a sentence", () => {
  expect(storageTrouble(new DOMException("x", "QuotaExceededError"))).toBe("no room is left");
  expect(storageTrouble(new DOMException("It is forbidden.", "SecurityError"))).toBe("It is forbidden");
});
