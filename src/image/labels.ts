// Contact sheets with a line of text above every picture, in a font of 5x7 dots.

import { type Rgb8, sheet } from "./planes.ts";

/** The glyphs: rows from top to bottom, five dots each. */
const FONT: Readonly<Record<string, string>> = {
  A: "01110 10001 10001 11111 10001 10001 10001",
  B: "11110 10001 10001 11110 10001 10001 11110",
  C: "01110 10001 10000 10000 10000 10001 01110",
  D: "11110 10001 10001 10001 10001 10001 11110",
  E: "11111 10000 10000 11110 10000 10000 11111",
  F: "11111 10000 10000 11110 10000 10000 10000",
  G: "01110 10001 10000 10111 10001 10001 01111",
  H: "10001 10001 10001 11111 10001 10001 10001",
  I: "01110 00100 00100 00100 00100 00100 01110",
  J: "00111 00010 00010 00010 00010 10010 01100",
  K: "10001 10010 10100 11000 10100 10010 10001",
  L: "10000 10000 10000 10000 10000 10000 11111",
  M: "10001 11011 10101 10101 10001 10001 10001",
  N: "10001 11001 10101 10011 10001 10001 10001",
  O: "01110 10001 10001 10001 10001 10001 01110",
  P: "11110 10001 10001 11110 10000 10000 10000",
  Q: "01110 10001 10001 10001 10101 10010 01101",
  R: "11110 10001 10001 11110 10100 10010 10001",
  S: "01111 10000 10000 01110 00001 00001 11110",
  T: "11111 00100 00100 00100 00100 00100 00100",
  U: "10001 10001 10001 10001 10001 10001 01110",
  V: "10001 10001 10001 10001 10001 01010 00100",
  W: "10001 10001 10001 10101 10101 11011 10001",
  X: "10001 10001 01010 00100 01010 10001 10001",
  Y: "10001 10001 01010 00100 00100 00100 00100",
  Z: "11111 00001 00010 00100 01000 10000 11111",
  "0": "01110 10001 10011 10101 11001 10001 01110",
  "1": "00100 01100 00100 00100 00100 00100 01110",
  "2": "01110 10001 00001 00110 01000 10000 11111",
  "3": "11110 00001 00001 01110 00001 00001 11110",
  "4": "00010 00110 01010 10010 11111 00010 00010",
  "5": "11111 10000 11110 00001 00001 10001 01110",
  "6": "01110 10000 10000 11110 10001 10001 01110",
  "7": "11111 00001 00010 00100 01000 01000 01000",
  "8": "01110 10001 10001 01110 10001 10001 01110",
  "9": "01110 10001 10001 01111 00001 00001 01110",
  " ": "00000 00000 00000 00000 00000 00000 00000",
  ".": "00000 00000 00000 00000 00000 01100 01100",
  ",": "00000 00000 00000 00000 01100 00100 01000",
  "-": "00000 00000 00000 11111 00000 00000 00000",
  "+": "00000 00100 00100 11111 00100 00100 00000",
  ":": "00000 01100 01100 00000 01100 01100 00000",
};
const [GLYPH_WIDTH, GLYPH_HEIGHT] = [6, 7];
/** Dots above and below a line of text. */
const MARGIN = 3;
const [INK, PAPER] = [40, 255];

export interface Labelled {
  readonly picture: Rgb8;
  readonly label: string;
}

/** Renders a line of text, at least `width` px wide, with dots of `dot` px. Letters become capitals; a character without a glyph is blank. */
export function lineOfText(text: string, dot: number, width: number): Rgb8 {
  const glyphs = [...text.toUpperCase()].map((letter) => (FONT[letter] ?? FONT[" "]!).split(" "));
  const wide = Math.max(width, glyphs.length * GLYPH_WIDTH * dot);
  const height = (GLYPH_HEIGHT + 2 * MARGIN) * dot;
  const data = new Uint8Array(3 * wide * height).fill(PAPER);
  glyphs.forEach((rows, at) => {
    for (let y = 0; y < GLYPH_HEIGHT * dot; y++) {
      for (let x = 0; x < GLYPH_WIDTH * dot; x++) {
        if (rows[Math.floor(y / dot)]![Math.floor(x / dot)] !== "1") continue;
        const p = (MARGIN * dot + y) * wide + at * GLYPH_WIDTH * dot + x;
        data.fill(INK, 3 * p, 3 * p + 3);
      }
    }
  });
  return { width: wide, height, data };
}

/** A contact sheet with a label above every picture. Pictures are enlarged so that a cell is at least `leastWidth` px wide. */
export function labelledSheet(rows: readonly (readonly Labelled[])[], leastWidth = 200): Rgb8 {
  const widest = Math.max(...rows.flat().map(({ picture }) => picture.width));
  const cell = widest * Math.max(1, Math.ceil(leastWidth / widest));
  const stacked = rows.map((row) => row.map(({ picture, label }) => above(lineOfText(label, 1, cell), enlarged(picture, cell))));
  return sheet(stacked);
}

/** Enlarges by the largest whole factor whose result is at most `atMost` px wide; every pixel becomes a square. */
function enlarged({ width, height, data }: Rgb8, atMost: number): Rgb8 {
  const factor = Math.max(1, Math.floor(atMost / width));
  const out = new Uint8Array(3 * factor * width * factor * height);
  for (let y = 0; y < factor * height; y++) {
    for (let x = 0; x < factor * width; x++) {
      const at = 3 * (Math.floor(y / factor) * width + Math.floor(x / factor));
      out.set(data.subarray(at, at + 3), 3 * (y * factor * width + x));
    }
  }
  return { width: factor * width, height: factor * height, data: out };
}

/** Puts one picture above another, left-aligned on white. */
function above(top: Rgb8, bottom: Rgb8): Rgb8 {
  const width = Math.max(top.width, bottom.width);
  const data = new Uint8Array(3 * width * (top.height + bottom.height)).fill(PAPER);
  const copyTo = (picture: Rgb8, firstRow: number) => {
    for (let y = 0; y < picture.height; y++)
      data.set(picture.data.subarray(3 * y * picture.width, 3 * (y + 1) * picture.width), 3 * (firstRow + y) * width);
  };
  copyTo(top, 0);
  copyTo(bottom, top.height);
  return { width, height: top.height + bottom.height, data };
}
