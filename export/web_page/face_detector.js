/**
 * Finds the most certain face of a picture with BlazeFace (arXiv 1907.05047), the short-range model
 * of MediaPipe: 128 x 128 pixels, for faces that fill a good part of the picture.
 */

import { bytesOf } from "./assets.js";
import { Fit } from "./fit.js";
import { Graph, tensorOf } from "./litert.js";

const SIDE = 128;
const LEAST_SCORE = 0.5;
const VALUES = 16;
// Cells of a grid, by their number along a side, and the anchors in each.
const GRIDS = [[16, 2], [8, 6]];
const ANCHORS = GRIDS.flatMap(([cells, each]) =>
  Array.from({ length: cells * cells * each }, (_, i) => {
    const cell = Math.floor(i / each);
    return [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
  }),
);

let loading = null;

/** The face's box {x, y, width, height} in the picture's pixels, or null. */
export async function findFace(picture) {
  loading ??= bytesOf("face_detection/face_detection_short_range.tflite").then((bytes) =>
    Graph.compile("face_detection_short_range.tflite", bytes, 1));
  const graph = await loading;
  const square = padded(picture);
  const input = tensorOf(normalized(square), [1, SIDE, SIDE, 3]);
  const { regressors, classificators } = await graph.runAlone(input);
  input.delete();
  const best = classificators.reduce((most, score, i) => (score > classificators[most] ? i : most), 0);
  if (1 / (1 + Math.exp(-classificators[best])) < LEAST_SCORE) return null;
  return boxOf(regressors.subarray(best * VALUES, best * VALUES + 4), ANCHORS[best], picture);
}

/** Centre and size of the face, relative to the anchor and in pixels of the square. */
function boxOf([x, y, width, height], [anchorX, anchorY], picture) {
  const scale = Math.max(picture.width, picture.height);
  const [centreX, centreY] = [x / SIDE + anchorX, y / SIDE + anchorY];
  const left = centreX - width / SIDE / 2;
  const top = centreY - height / SIDE / 2;
  return {
    x: left * scale - (scale - picture.width) / 2,
    y: top * scale - (scale - picture.height) / 2,
    width: (width / SIDE) * scale,
    height: (height / SIDE) * scale,
  };
}

/** The whole picture in the middle of a black square. */
function padded(picture) {
  const scale = SIDE / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale)));
  const whole = { x: 0, y: 0, width: picture.width, height: picture.height };
  const small = new Fit(picture, whole, width, height).apply(picture);
  const square = new Uint8ClampedArray(SIDE * SIDE * 4);
  const [left, top] = [width, height].map((side) => Math.floor((SIDE - side) / 2));
  for (let y = 0; y < height; y++) {
    square.set(small.subarray(y * width * 4, (y + 1) * width * 4), ((y + top) * SIDE + left) * 4);
  }
  return square;
}

/** RGBA bytes -> RGB in [-1, 1]. */
function normalized(rgba) {
  return Float32Array.from({ length: (rgba.length / 4) * 3 }, (_, i) =>
    rgba[Math.floor(i / 3) * 4 + (i % 3)] / 127.5 - 1);
}
