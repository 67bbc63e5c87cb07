// Names of the files that several commands write.

/** The name of a sample, by its index: 000.png, 001.png, … */
export const sampleName = (index: number): string => `${String(index).padStart(3, "0")}.png`;
