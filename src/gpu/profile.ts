// What kernels are chosen by: a plain value, so that a choice can be tested, and planned for a device that is not there.

export interface DeviceProfile {
  /** Whether the adapter computes on the CPU. */
  readonly isSoftware: boolean;
  /** Threads that run in step, where the adapter says so; else 4, as SwiftShader has. */
  readonly subgroupSize: number;
  /** Whether the threads of a subgroup can exchange values, and a workgroup of `subgroupSize` threads is one subgroup. */
  readonly hasSubgroups: boolean;
  /** Variants of convolutions that compute wrong results on the device, by faultName(): the self-test adds them, and nothing chooses them. */
  readonly faults?: Set<string>;
}

export function profileOf(info: GPUAdapterInfo, features: ReadonlySet<string>): DeviceProfile {
  const { isFallbackAdapter, architecture, description, device, subgroupMinSize, subgroupMaxSize } = info;
  return {
    isSoftware: isFallbackAdapter || /swiftshader|llvmpipe|lavapipe/i.test(`${architecture} ${description} ${device}`),
    subgroupSize: subgroupMinSize || 4,
    hasSubgroups: features.has("subgroups") && subgroupMinSize > 0 && subgroupMinSize === subgroupMaxSize,
    faults: new Set(),
  };
}
