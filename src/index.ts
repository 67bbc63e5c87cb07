// singan-webgpu: what the library offers. It takes a GPUAdapter from outside and never touches globals of its own making.

export { DeviceLostError, type Gpu, GpuError, type GpuStats } from "./gpu/device.ts";
export { GpuKeeper, type KeeperEvents, NoDeviceError } from "./gpu/gpu-keeper.ts";
export { type Mask, MaskError, maskOfDifference, maskOfPicture } from "./image/mask.ts";
export { fromRgba, type Planes, type Rgb8, sheet, toPlanes, toRgb8 } from "./image/planes.ts";
export { GpuDenoiser } from "./instant/gpu-denoiser.ts";
export { type InstantRequest, type InstantStep, instantPicture, type OpenDenoiser, type Start } from "./instant/instant.ts";
export { checkInstant, InstantError, type InstantOptions, instantOptions } from "./instant/options.ts";
export { ProcessorDenoiser } from "./instant/processor-denoiser.ts";
export { LocalShares, type ShareRunner } from "./instant/shares.ts";
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
export { ConsinganSampler } from "./singan/generation/consingan-sampler.ts";
export { type Growth, grow } from "./singan/generation/growth.ts";
export {
  injectionPath,
  type Path,
  pathTo,
  photoPath,
  reconstructionPath,
  type Stage,
  samplePath,
} from "./singan/generation/path.ts";
export type { Band, SampleOptions, Sampler } from "./singan/generation/sampling.ts";
export type { ScoreMap } from "./singan/generation/scores.ts";
export { type RenderOptions, SinganSampler } from "./singan/generation/singan-sampler.ts";
export {
  CONSINGAN,
  DEFAULTS,
  OptionError,
  PRESETS,
  type PresetName,
  type Size,
  type TrainOptions,
} from "./singan/model/config.ts";
export { ModelFileError } from "./singan/model/file-fields.ts";
export type { AnyModel, LossRecord, Model, Preview, ScaleModel, ScaleRecord, Work } from "./singan/model/model.ts";
export { type ConsinganModel, isConsingan, singanModel } from "./singan/model/model.ts";
export { type Palette, paletteOf, quantized } from "./singan/model/palette.ts";
export { PyramidError } from "./singan/model/pyramid.ts";
export {
  checkSample,
  inRecipe,
  openCheckpoints,
  openSampler,
  planTraining,
  RECIPES,
  type Recipe,
  readModel,
  resolveOptions,
  retrain,
  retrainToEnd,
  selfTest,
  train,
  trainToEnd,
  writeModel,
} from "./singan/recipes.ts";
export { type Checkpoint, CheckpointError } from "./singan/training/checkpoint.ts";
export type { Checkpoints, Slot, SlotStore } from "./singan/training/checkpoints.ts";
export { DivergedError } from "./singan/training/level-trainer.ts";
export { MemoryError, type PlanCircumstances, type PlanOptions, type TrainingPlan } from "./singan/training/plan.ts";
export { measureSpeed, type Speed } from "./singan/training/presets.ts";
export type { TrainingState } from "./singan/training/recipe.ts";
export type { Retraining } from "./singan/training/singan/singan-training.ts";
export type { TrainControl, TrainEvent } from "./singan/training/train.ts";
export type { EndControl, SetbackEvent } from "./singan/training/train-to-end.ts";
