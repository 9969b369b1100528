/** What the page asks of its worker; all that takes time happens here. */

import { Animator } from "./animator.js";
import { findFace } from "./face_detector.js";
import { Fit } from "./fit.js";
import { startRuntime } from "./litert.js";
import { pageModel, userModel } from "./model_files.js";
import { pixelsOf } from "./pixels.js";
import { Problem } from "./problem.js";

let threads = 1;
let animator = null;
let source = null;
let fit = null;

/** Loads the runtime. Returns the number of threads. */
export async function start() {
  threads = await startRuntime();
  return threads;
}

/** Loads the page's model, or that of the user's files; returns what the page shows of it. */
export async function loadModel(files) {
  const model = files ? await userModel(files) : await pageModel();
  const loaded = await Animator.load(model, threads);
  animator?.delete();
  animator = loaded;
  fit = null;
  const { name, license, precision, width, height, kind } = model.manifest;
  const bytes = model.manifest.graphs.reduce((sum, graph) => sum + graph.bytes, 0);
  return { name, license, precision, width, height, bytes, kind: kind.name, options: kind.options };
}

/** Keeps a picture; returns where its face is, if there is one. */
export async function setSource(image, look) {
  const picture = await pixelsOf(image);
  if (Math.min(picture.width, picture.height) < 2) throw new Problem("The picture is too small.");
  source = picture;
  return { width: source.width, height: source.height, face: look ? await findFace(source) : null };
}

/** Encodes a part of the picture; returns it in the model's size. */
export async function cropSource(box) {
  const { width, height } = animator.manifest;
  const pixels = new Fit(source, box, width, height).apply(source);
  await animator.setSource(pixels);
  return { pixels };
}

/** The face in the source picture, or null. */
export const findSourceFace = () => findFace(source);

/** The face in a driving frame, or null. */
export async function findDrivingFace(image, mirror) {
  const picture = await pixelsOf(image);
  const face = await findFace(picture);
  if (face && mirror) face.x = picture.width - face.x - face.width;
  return face;
}

/**
 * Animates by one driving frame; returns both in the model's size, and the milliseconds it took.
 *
 * how: {box, mirror, motion, only}; `box` is in the pixels of the frame as it is shown, mirrored or
 * not. With `only` the frame is just considered as the initial one.
 */
export async function animate(image, { box, mirror, motion, only }) {
  const began = performance.now();
  const driving = fitted(await pixelsOf(image), box, mirror);
  if (only) {
    await animator.observe(driving, motion);
    return { driving };
  }
  const result = await animator.animate(driving, motion);
  return { driving, result, milliseconds: performance.now() - began };
}

export const resetInitial = () => animator.resetInitial();

function fitted(picture, box, mirror) {
  const { width, height } = animator.manifest;
  const part = mirror ? { ...box, x: picture.width - box.x - box.width } : box;
  if (fit?.key !== Fit.keyOf(picture, part, mirror)) fit = new Fit(picture, part, width, height, mirror);
  return fit.apply(picture);
}
