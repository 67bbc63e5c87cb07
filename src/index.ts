// singan-webgpu: what the library offers. It takes a GPUAdapter from outside and never touches globals of its own making.

export { Gpu, GpuError, type GpuStats } from "./gpu/device.ts";
export { type Planes, type Rgb8, sheet, toPlanes, toRgb8 } from "./image/planes.ts";
export { ANIMATION, type AnimationOptions, animate } from "./singan/applications/animation.ts";
export { srOptions, srPath, srSize } from "./singan/applications/super-resolution.ts";
export { OptionError, PAPER, PRESETS, type PresetName, resolveOptions, type Size, type TrainOptions } from "./singan/config.ts";
export { type Band, type DrawOptions, type SampleOptions, Sampler } from "./singan/generate.ts";
export type { LossRecord, Model, Preview, ScaleModel, TrainEvent, Work } from "./singan/model.ts";
export { ModelFileError, readModel, writeModel } from "./singan/model-file.ts";
export { injectionPath, type Path, photoPath, reconstructionPath, type Stage, samplePath } from "./singan/path.ts";
export { type Choice, chooseAuto, fitTo, forecastSeconds, measureSpeed, type Speed } from "./singan/presets.ts";
export { PyramidError } from "./singan/pyramid.ts";
export { forecastBytes } from "./singan/rehearsal.ts";
export { selfTest } from "./singan/self-test.ts";
export { train } from "./singan/train.ts";
