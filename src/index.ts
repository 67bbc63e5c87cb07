// singan-webgpu: what the library offers. It takes a GPUAdapter from outside and never touches globals of its own making.

export { type Gpu, GpuError, type GpuStats } from "./gpu/device.ts";
export { type Mask, MaskError, maskOfDifference, maskOfPicture } from "./image/mask.ts";
export { type Planes, type Rgb8, sheet, toPlanes, toRgb8 } from "./image/planes.ts";
export { openDevice } from "./runtime/open.ts";
export { ANIMATION, type AnimationOptions, animate } from "./singan/generation/applications/animation.ts";
export {
  type Blended,
  blendInto,
  composite,
  paint,
  photoOf,
  softMask,
  toPhotoSize,
} from "./singan/generation/applications/inject.ts";
export { srOptions, srPath, srSize } from "./singan/generation/applications/super-resolution.ts";
export { type ConsinganSample, ConsinganSampler } from "./singan/generation/consingan-sampler.ts";
export { injectionPath, type Path, photoPath, reconstructionPath, type Stage, samplePath } from "./singan/generation/path.ts";
export { openSampler } from "./singan/generation/sampler.ts";
export { type Band, type DrawOptions, type SampleOptions, Sampler } from "./singan/generation/singan-sampler.ts";
export {
  CONSINGAN,
  inRecipe,
  OptionError,
  PAPER,
  PRESETS,
  type PresetName,
  RECIPES,
  type Recipe,
  resolveOptions,
  type Size,
  type TrainOptions,
} from "./singan/model/config.ts";
export type { AnyModel, LossRecord, Model, Preview, ScaleModel, ScaleRecord, TrainEvent, Work } from "./singan/model/model.ts";
export { type ConsinganModel, isConsingan, singanModel } from "./singan/model/model.ts";
export { ModelFileError, readModel, writeModel } from "./singan/model/model-file.ts";
export { type Palette, paletteOf, quantized } from "./singan/model/palette.ts";
export { PyramidError } from "./singan/model/pyramid.ts";
export { type Choice, chooseAuto, fitTo, forecastSeconds, measureSpeed, type Speed } from "./singan/training/presets.ts";
export { forecastBytes } from "./singan/training/rehearsal.ts";
export { selfTest } from "./singan/training/self-test.ts";
export { retrainQuantized } from "./singan/training/singan/retrain.ts";
export { train } from "./singan/training/train.ts";
