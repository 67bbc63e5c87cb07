// The denoiser on a GPU (shaders/patches.wgsl). Long passes over the shifts are split into jobs of a few rows of shifts each, so that a
// GPU that also draws the screen is never busy for long; how they are split changes no bit of the result.

import type { Gpu, Slice } from "../gpu/device.ts";
import { call, grid, type KernelCall } from "../gpu/pipelines.ts";
import type { Planes } from "../image/planes.ts";
import { compile, type Program, submit } from "../runtime/program.ts";
import type { PatchDenoiser, PatchSource } from "./denoiser.ts";
import { meanPicture } from "./mean-patch.ts";
import { PatchFold, windowOf } from "./patch-window.ts";

/** Columns of pixels of a tile: the threads of a workgroup. */
const LANES = 64;
/** So many workgroups keep a large GPU busy: small samples get more shares. */
const GROUPS = 1024;
const MAX_SHARES = 16;
/** No distance is as large: that of a patch without pairs yet. */
const NONE = 1e30;
/** How long a job should take; and its pairs before anything is measured. */
const JOB_MS = 30;
const FIRST_PAIRS = 2 ** 23;

/** Pairs per millisecond, as measured on a Gpu. */
const speeds = new WeakMap<Gpu, number>();

/** What runs one of the two passes over the shifts of a photo: from the first row of them to before the last. */
interface Pass {
  readonly program: Program;
  readonly first: number;
  readonly end: number;
  /** At most, in a row of shifts. */
  readonly pairsOfRow: number;
}

/** [3, height, width] → [height, width, 4] */
function pixels({ width, height, data }: Planes): Float32Array {
  const area = width * height;
  const out = new Float32Array(4 * area);
  for (let c = 0; c < 3; c++) for (let p = 0; p < area; p++) out[4 * p + c] = data[c * area + p]!;
  return out;
}

export class GpuDenoiser implements PatchDenoiser {
  readonly #slices: Slice[] = [];
  readonly #programs: Program[] = [];
  readonly #fold: PatchFold;
  readonly #softmax: Pass[] = [];
  readonly #folds: Pass[] = [];
  #merge!: Program;
  #gather!: Program;
  readonly #x: Slice;
  readonly #level: Slice;
  readonly #job: Slice;
  readonly #patches: Slice;
  readonly #parts: Slice;
  readonly #total: Slice;

  private constructor(
    private readonly gpu: Gpu,
    private readonly source: PatchSource,
    /** Rows of shifts per job: in place of as many as measured speed allows. */
    private readonly rowsPerJob?: number,
  ) {
    this.#fold = new PatchFold(source.size, source.patch, source.wraps);
    const { tiles, shares, width, height } = this.#sizes;
    const { patch } = source;
    const own = (values: number, label: string): Slice => this.#keep(gpu.alloc(4 * values, `instant: ${label}`));
    this.#x = own(4 * width * height, "sample");
    this.#level = own(3, "noise level");
    this.#job = own(2, "job");
    this.#patches = own(2 * shares * tiles * patch * LANES, "patches");
    this.#parts = own(4 * shares * tiles * (2 * patch - 1) * LANES, "parts");
    this.#total = own(3 * width * height, "total");
  }

  static async open(gpu: Gpu, source: PatchSource, rowsPerJob?: number): Promise<GpuDenoiser> {
    const denoiser = new GpuDenoiser(gpu, source, rowsPerJob);
    try {
      await denoiser.#compile();
    } catch (error) {
      denoiser.dispose();
      throw error;
    }
    return denoiser;
  }

  async denoise(noisy: Planes, alpha: number, sigma: number): Promise<Planes> {
    if (alpha === 0) return meanPicture(this.source);
    const { gpu } = this;
    gpu.write(this.#x, pixels(this.#fold.extend(noisy)));
    gpu.write(this.#level, Float32Array.of(alpha, 1 / (2 * sigma ** 2), 3 * sigma ** 2));
    const none = Float32Array.from({ length: this.#patches.bytes / 4 }, (_, i) => (i % 2 === 0 ? NONE : 0));
    gpu.write(this.#patches, none);
    gpu.write(this.#parts, new Float32Array(this.#parts.bytes / 4));
    for (const pass of this.#softmax) await this.#run(pass);
    submit(gpu, [this.#merge]);
    for (const pass of this.#folds) await this.#run(pass);
    submit(gpu, [this.#gather]);
    const [sums] = await gpu.read([this.#total]);
    const { width, height } = this.#fold.extended;
    return this.#fold.picture(sums!.subarray(0, 3 * width * height)); // buffers hold whole vec4s
  }

  dispose(): void {
    for (const program of this.#programs.splice(0)) program.dispose();
    for (const slice of this.#slices.splice(0)) this.gpu.free(slice);
  }

  #keep(slice: Slice): Slice {
    this.#slices.push(slice);
    return slice;
  }

  get #sizes() {
    const { patch } = this.source;
    const { width, height } = this.#fold.extended;
    const tilesX = Math.ceil((width - patch + 1) / (LANES - patch + 1));
    const tiles = tilesX * Math.ceil((height - patch + 1) / patch);
    return { width, height, tilesX, tiles, shares: Math.min(MAX_SHARES, Math.ceil(GROUPS / tiles)) };
  }

  async #compile(): Promise<void> {
    const { gpu } = this;
    const { photos, patch } = this.source;
    const { width, height, tilesX, tiles, shares } = this.#sizes;
    const merged = this.#keep(gpu.alloc(8 * tiles * patch * LANES, "instant: merged"));
    const n = this.#keep(gpu.upload(Float32Array.from(windowOf(patch)), "instant: window"));
    const [x, level, job, patches, parts, total] = [this.#x, this.#level, this.#job, this.#patches, this.#parts, this.#total];
    const params = { width, height, tiles_x: tilesX, tiles, shares, side: patch, photo_width: 0, photo_height: 0 };
    const program = async (name: string, one: KernelCall<Slice>): Promise<Program> => {
      const updates = [{ reads: [], calls: () => [one] }];
      const compiled = await compile(gpu, { name: `instant: ${name}`, outputs: [], bindings: new Map(), updates });
      this.#programs.push(compiled);
      return compiled;
    };
    const threads = grid(tiles * patch * LANES, LANES);
    const merge: KernelCall<Slice> = call("patches.merge", { level, patches, merged }, params, threads);
    const gather: KernelCall<Slice> = call("patches.gather", { parts, total }, params, grid(width * height, LANES));
    this.#merge = await program("merge", merge);
    this.#gather = await program("gather", gather);
    for (const photo of photos) {
      const y = this.#keep(gpu.upload(pixels(photo), "instant: photo"));
      const all = { ...params, photo_width: photo.width, photo_height: photo.height };
      const pairsOfRow = (width - patch + 1) * (photo.width - patch + 1) * Math.min(height, photo.height);
      const shifts = { first: patch - height, end: photo.height - patch + 1, pairsOfRow };
      const softmax: KernelCall<Slice> = call("patches.softmax", { x, y, level, job, patches }, all, [tiles, shares]);
      const fold: KernelCall<Slice> = call("patches.fold", { x, y, level, job, n, merged, parts }, all, [tiles, shares]);
      this.#softmax.push({ ...shifts, program: await program("softmax", softmax) });
      this.#folds.push({ ...shifts, program: await program("fold", fold) });
    }
  }

  /** All shifts of a pass, in jobs. */
  async #run({ program, first, end, pairsOfRow }: Pass): Promise<void> {
    const { gpu } = this;
    for (let row = first; row < end; ) {
      const speed = speeds.get(gpu);
      const rows = this.rowsPerJob ?? Math.max(1, Math.floor((speed ? speed * JOB_MS : FIRST_PAIRS) / pairsOfRow));
      const to = Math.min(end, row + rows);
      gpu.write(this.#job, Int32Array.of(row, to));
      const begun = performance.now();
      submit(gpu, [program]);
      // One job that takes all rows needs no pause, and tells little.
      if (to - row < end - first) {
        await gpu.finished();
        speeds.set(gpu, ((to - row) * pairsOfRow) / Math.max(0.1, performance.now() - begun));
      }
      row = to;
    }
  }
}
