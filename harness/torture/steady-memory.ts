/**
 * Environment of a process whose memory is measured. With it, glibc gives freed memory back at the same threshold from beginning to end; else
 * it raises the threshold as it goes, and memory varies without a leak: by several MB in one training, by 100 MB between models. 128 KB is
 * the value that it begins with (mallopt(3), M_TRIM_THRESHOLD). It is read when a process starts.
 */
export const STEADY_MEMORY = { MALLOC_TRIM_THRESHOLD_: "131072" };
