// Contact sheets with a line of text above every picture, in a font of 5x7 dots.

import { blank, enlarged, paste, type Rgb8, sheet } from "./planes.ts";

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
const INK = 40;

export interface Labelled {
  readonly picture: Rgb8;
  readonly label: string;
}

/** Renders a line of text, at least `width` px wide, with dots of `dot` px. Letters become capitals; a character without a glyph is blank. */
export function lineOfText(text: string, dot: number, width: number): Rgb8 {
  const glyphs = [...text.toUpperCase()].map((letter) => (FONT[letter] ?? FONT[" "]!).split(" "));
  const wide = Math.max(width, glyphs.length * GLYPH_WIDTH * dot);
  const height = (GLYPH_HEIGHT + 2 * MARGIN) * dot;
  const line = blank(wide, height);
  glyphs.forEach((rows, at) => {
    for (let y = 0; y < GLYPH_HEIGHT * dot; y++) {
      for (let x = 0; x < GLYPH_WIDTH * dot; x++) {
        if (rows[Math.floor(y / dot)]![Math.floor(x / dot)] !== "1") continue;
        const p = (MARGIN * dot + y) * wide + at * GLYPH_WIDTH * dot + x;
        line.data.fill(INK, 3 * p, 3 * p + 3);
      }
    }
  });
  return line;
}

/** A contact sheet with a label above every picture. Pictures are enlarged so that a cell is at least `leastWidth` px wide. */
export function labelledSheet(rows: readonly (readonly Labelled[])[], leastWidth = 200): Rgb8 {
  const widest = Math.max(...rows.flat().map(({ picture }) => picture.width));
  const cell = widest * Math.max(1, Math.ceil(leastWidth / widest));
  const grown = (picture: Rgb8) => enlarged(picture, Math.max(1, Math.floor(cell / picture.width)));
  return sheet(rows.map((row) => row.map(({ picture, label }) => above(lineOfText(label, 1, cell), grown(picture)))));
}

function above(top: Rgb8, bottom: Rgb8): Rgb8 {
  const both = blank(Math.max(top.width, bottom.width), top.height + bottom.height);
  paste(both, top, 0, 0);
  paste(both, bottom, 0, top.height);
  return both;
}
