// Calls in order, the temporaries between them, and the memory that temporaries share. After tinygrad: planning is a pure walk over a list.

import { type Gpu, padTo, type Slice } from "../gpu/device.ts";
import type { KernelCall } from "../gpu/pipelines.ts";
import type { Work } from "./work.ts";

/** A call with its buffers, and what it has to do. */
export type Planned = { readonly label: string; readonly call: KernelCall<Slice>; readonly work: Work };

/** A value that lives from one call of a plan to before another. It gets its buffer when all plans are complete. */
export class Temporary implements Slice {
  buffer!: GPUBuffer;
  readonly offset = 0;
  to = Number.POSITIVE_INFINITY;
  constructor(
    readonly plan: Plan,
    readonly bytes: number,
    readonly label: string,
    readonly from: number,
  ) {}

  /** Whether both live at the same time. */
  overlaps(other: Temporary): boolean {
    return this.plan === other.plan && this.from < other.to && other.from < this.to;
  }
}

/** Calls in order, and their temporaries. */
export class Plan {
  readonly calls: Planned[] = [];
  readonly temporaries: Temporary[] = [];

  /** A temporary that lives from the next call on. */
  begin(bytes: number, label: string): Temporary {
    const temporary = new Temporary(this, Math.max(16, padTo(bytes, 16)), label, this.calls.length);
    this.temporaries.push(temporary);
    return temporary;
  }
  /** Ends the life of a temporary with the last call; does nothing to other slices. */
  end(slice: Slice): void {
    if (slice instanceof Temporary) slice.to = this.calls.length;
  }
}

/**
 * Memory for temporaries, shared by programs that never run at the same time. It consists of whole buffers, because one dispatch can't read
 * one range of a buffer and write another.
 */
export class Arena {
  #buffers: Slice[] = [];
  constructor(private readonly gpu: Gpu) {}

  get bytes(): number {
    return this.#buffers.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Assigns buffers, to the largest temporaries first: smaller ones then fit into the buffers of those that have ended. */
  assign(temporaries: readonly Temporary[]): void {
    const users = new Map<Slice, Temporary[]>();
    for (const t of [...temporaries].sort((x, y) => y.bytes - x.bytes)) {
      const isFree = (s: Slice) => s.bytes >= t.bytes && !users.get(s)?.some((other) => other.overlaps(t));
      const slice = this.#buffers.findLast(isFree) ?? this.#add(t); // the last is the smallest
      users.set(slice, [...(users.get(slice) ?? []), t]);
      t.buffer = slice.buffer;
    }
  }

  #add({ bytes, label }: Temporary): Slice {
    const slice = this.gpu.alloc(bytes, label);
    this.#buffers.push(slice);
    return slice;
  }

  dispose(): void {
    for (const slice of this.#buffers.splice(0)) this.gpu.free(slice);
  }
}
