// Runs in a page for tuning-database.test.ts: stores tuning tables, reads and deletes them.

import { tuningDatabase } from "../../src/demo/tuning-database.ts";

export async function rememberAndForget() {
  const table = { "conv2d 3→4, 2^8 pixels": { variant: "direct 4x1x4", ms: 0.5 } };
  const empty = await tuningDatabase.read("adapter");
  await tuningDatabase.write("adapter", table);
  const kept = await tuningDatabase.read("adapter");
  const elsewhere = await tuningDatabase.read("another adapter");
  await tuningDatabase.clear();
  return { empty, kept, elsewhere, cleared: await tuningDatabase.read("adapter") };
}

export async function withoutDatabase() {
  Object.defineProperty(globalThis, "indexedDB", {
    get() {
      throw new DOMException("not allowed here", "SecurityError");
    },
  });
  await tuningDatabase.write("adapter", {});
  return tuningDatabase.read("adapter");
}
