// singan-webgpu/node: opens the adapter that a program in Node passes to the library.

export { NoAdapterError, openAdapter } from "./adapter.ts";
export { openShareThreads, type ShareThreads } from "./share-threads.ts";
