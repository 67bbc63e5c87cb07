// Stores the tuning tables in a browser's IndexedDB, which page and worker share. If the browser forbids it, kernels are timed again.

import type { TuningStore, TuningTable } from "../runtime/tune.ts";

const NAME = "singan-webgpu tuning";
const TABLES = "tables";

/** Runs one request on the object store. Returns null if anything fails. */
async function request<T>(mode: IDBTransactionMode, make: (tables: IDBObjectStore) => IDBRequest<T>): Promise<T | null> {
  try {
    const database = await settled(opening());
    try {
      return await settled(make(database.transaction(TABLES, mode).objectStore(TABLES)));
    } finally {
      database.close();
    }
  } catch {
    return null;
  }
}

function opening(): IDBOpenDBRequest {
  const open = indexedDB.open(NAME);
  open.onupgradeneeded = () => open.result.createObjectStore(TABLES);
  return open;
}

const settled = <T>(one: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    one.onsuccess = () => resolve(one.result);
    one.onerror = () => reject(one.error);
  });

export const tuningDatabase: TuningStore = {
  read: async (adapter) => (await request<TuningTable | undefined>("readonly", (tables) => tables.get(adapter))) ?? {},
  async write(adapter, table) {
    await request("readwrite", (tables) => tables.put(table, adapter));
  },
  async clear() {
    await request("readwrite", (tables) => tables.clear());
  },
};
