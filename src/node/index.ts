// singan-webgpu/node: what a Node program needs besides the library itself, an adapter to open a Gpu on.

export { NoAdapterError, openAdapter } from "./adapter.ts";
