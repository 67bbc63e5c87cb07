// What a recipe says about its models: plain data and pure functions, no GPU. training/recipe.ts adds how it trains, recipes.ts has the table.

import type { RecipeOptions, Size, TrainOptions } from "./config.ts";
import type { FileParts } from "./file-fields.ts";
import type { AnyModel } from "./model.ts";
import type { Pyramid } from "./pyramid.ts";
import type { StoredTensor } from "./safetensors.ts";

export interface ModelRecipe<M extends AnyModel = AnyModel> extends RecipeOptions {
  /** Whether its models are made to enlarge their photo: `singan sr` trains them. */
  readonly isForEnlargement: boolean;
  /** The options of another recipe as options of this one, at the same effort: the size, the iterations and the widest net are kept. */
  adapt(options: TrainOptions): TrainOptions;
  /** The sizes of all scales. Throws PyramidError for a photo that has none. */
  pyramid(photo: Size, options: TrainOptions): Pyramid;
  /** Channels of the networks at a scale. */
  channelsAt(scale: number, options: TrainOptions): number;
  /** The tensors and the metadata that only this recipe stores; model-file.ts stores what all recipes share. */
  toFile(model: M): { readonly tensors: Map<string, StoredTensor>; readonly metadata: Readonly<Record<string, string>> };
  /** The model in a file. Throws ModelFileError for what does not fit together. */
  fromFile(parts: FileParts): M;
}
