// The memory of a module in AssemblyScript: reserved piece by piece, and freed all at once.

/** Vectors may reach so many values beyond a row. */
export const PADDING: i32 = 8;
/** From one plane of a picture to the next, in bytes: a constant, so that it is part of the load. Memory that is not used costs nothing. */
export const PLANE: usize = 1 << 23;

/** The first address that is not in use. */
let end: usize = 0;

/** Frees all memory. */
export function reset(): void {
  end = __heap_base;
}

/** The address of so many bytes, whatever is there. */
function reserve(bytes: usize): usize {
  const at: usize = (end + 15) & ~15;
  end = at + bytes;
  const pages = <i32>((end + 0xffff) >>> 16);
  if (pages > memory.size() && memory.grow(pages - memory.size()) < 0) unreachable();
  return at;
}

/** The address of `values` float32 zeros. */
export function allocate(values: i32): usize {
  const bytes: usize = (<usize>(values + PADDING)) << 2;
  const at = reserve(bytes);
  memory.fill(at, 0, bytes);
  return at;
}

/** The most pixels of a picture. */
export function mostPixels(): i32 {
  return <i32>(PLANE >>> 2) - PADDING;
}

/** The address of a picture's first plane; the next ones are planeBytes() and twice as many behind it. */
export function allocatePicture(): usize {
  return reserve(3 * PLANE);
}
export function planeBytes(): usize {
  return PLANE;
}
