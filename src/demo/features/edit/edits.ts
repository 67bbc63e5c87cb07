// A photo and what a visitor does with parts of it: each edit takes one part and puts it elsewhere; a new part is taken from the result. Pure.

import type { Mask } from "../../../image/mask.ts";
import type { Rgb8 } from "../../../image/planes.ts";
import type { Point } from "../../../image/region.ts";
import { type Changed, emptyMask, maskOfOutline, Part, type Rect, union } from "../../../image/region.ts";
import { onRect } from "../geometry.ts";

/** The part that the visitor has now. */
interface Taken {
  readonly part: Part;
  readonly outline: readonly Point[];
  readonly to: Rect;
  readonly leavesOriginal: boolean;
}

/** One state; every change makes a new one. */
export class Edits {
  #result: Changed | null = null;

  private constructor(
    /** With all edits but that of the part in hand. */
    private readonly picture: Rgb8,
    private readonly mask: Mask,
    readonly taken: Taken | null,
  ) {}

  static of(photo: Rgb8): Edits {
    return new Edits(photo, emptyMask(photo), null);
  }

  /** The edited picture, and where it differs from the photo. */
  get result(): Changed {
    if (!this.#result) {
      const put = this.taken?.part.put(this.taken.to, this.taken.leavesOriginal);
      this.#result = put
        ? { picture: put.picture, mask: union(this.mask, put.mask) }
        : { picture: this.picture, mask: this.mask };
    }
    return this.#result;
  }

  get isChanged(): boolean {
    return this.result.mask.data.includes(1);
  }

  /** The outline of the part where it is now. */
  get outline(): readonly Point[] {
    return this.taken ? onRect(this.taken.outline, this.taken.part.bounds, this.taken.to) : [];
  }

  /** Takes the part of the result inside an outline; where that has no pixel, none. */
  take(outline: readonly Point[], leavesOriginal: boolean): Edits {
    const { picture, mask } = this.result;
    const part = Part.of(picture, maskOfOutline(picture, outline));
    return new Edits(picture, mask, part && { part, outline, to: part.bounds, leavesOriginal });
  }

  /** Puts the part elsewhere. */
  put(to: Rect, leavesOriginal: boolean): Edits {
    return new Edits(this.picture, this.mask, this.taken && { ...this.taken, to, leavesOriginal });
  }
}
