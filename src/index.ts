// singan-webgpu: what the library offers. It takes a GPUAdapter from outside and never touches globals of its own making.

export { Gpu, GpuError, type GpuStats } from "./gpu/device.ts";
export { type Mask, MaskError, maskOfDifference, maskOfPicture } from "./image/mask.ts";
export { type Planes, type Rgb8, sheet, toPlanes, toRgb8 } from "./image/planes.ts";
export { ANIMATION, type AnimationOptions, animate } from "./singan/applications/animation.ts";
export { type Blended, blendInto, composite, paint, photoOf, softMask, toPhotoSize } from "./singan/applications/inject.ts";
export { type Palette, paletteOf, quantized } from "./singan/applications/palette.ts";
export { retrainQuantized } from "./singan/applications/retrain.ts";
export { srOptions, srPath, srSize } from "./singan/applications/super-resolution.ts";
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
} from "./singan/config.ts";
export { type ConsinganSample, ConsinganSampler } from "./singan/consingan/generate.ts";
export { type ConsinganModel, isConsingan, singanModel } from "./singan/consingan/model.ts";
export { type Band, type DrawOptions, type SampleOptions, Sampler } from "./singan/generate.ts";
export type { AnyModel, LossRecord, Model, Preview, ScaleModel, ScaleRecord, TrainEvent, Work } from "./singan/model.ts";
export { ModelFileError, readModel, writeModel } from "./singan/model-file.ts";
export { injectionPath, type Path, photoPath, reconstructionPath, type Stage, samplePath } from "./singan/path.ts";
export { type Choice, chooseAuto, fitTo, forecastSeconds, measureSpeed, type Speed } from "./singan/presets.ts";
export { PyramidError } from "./singan/pyramid.ts";
export { forecastBytes } from "./singan/rehearsal.ts";
export { openSampler } from "./singan/sampler.ts";
export { selfTest } from "./singan/self-test.ts";
export { train } from "./singan/train.ts";
