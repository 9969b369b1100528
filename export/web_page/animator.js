/** Animates one source picture by driving frames, with the graphs of an exported model. */

import { Graph, tensorOf } from "./litert.js";
import { keypointDistance } from "./motion_transfer.js";

export class Animator {
  #detector;
  #generator;
  #transfer;
  #source = null;
  #initial = null;
  #leastDistance = Infinity;

  constructor(manifest, detector, generator) {
    this.manifest = manifest;
    this.#detector = detector;
    this.#generator = generator;
    this.#transfer = manifest.kind.transferOf(manifest.config);
  }

  static async load({ manifest, graphs }, threads) {
    const [first, second] = manifest.graphs;
    const detector = await Graph.compile(first.file, graphs[first.file], threads);
    try {
      const generator = await Graph.compile(second.file, graphs[second.file], threads);
      const animator = new Animator(manifest, detector, generator);
      animator.#check();
      return animator;
    } catch (error) {
      detector.delete();
      throw error;
    }
  }

  #check() {
    const [first, second] = this.manifest.graphs;
    first.signatures.forEach((one) => this.#detector.check(first.file, one));
    second.signatures.forEach((one) => this.#generator.check(second.file, one));
  }

  delete() {
    this.#forgetSource();
    this.#detector.delete();
    this.#generator.delete();
  }

  /** Encodes the source picture, RGBA of the model's size, for the frames that follow. */
  async setSource(rgba) {
    const picture = floats(rgba);
    const keypoints = await this.#detect(picture);
    const input = this.#picture(picture);
    const encoded = await this.#generator.run("encode", { picture: input });
    input.delete();
    // The runtime may bind this output, which is the input, to the input's memory.
    if (encoded.picture) encoded.picture = picture;
    this.#forgetSource();
    const values = { ...encoded, ...named("source", keypoints) };
    this.#source = { keypoints, tensors: this.#tensors(values) };
    this.#leastDistance = Infinity;
  }

  /** The next driving frame becomes the initial one of relative motion. */
  resetInitial() {
    this.#initial = null;
    this.#leastDistance = Infinity;
  }

  /**
   * The source moved as a driving frame, both RGBA of the model's size.
   *
   * motion: {relative, adaptScale, bestFrame}. With `bestFrame` the initial frame is that one of all
   * so far whose pose is nearest to the source's.
   */
  async animate(rgba, motion) {
    const driving = await this.observe(rgba, motion);
    const moved = this.#transfer(this.#source.keypoints, driving, this.#initial, motion);
    const tensors = this.#tensors(named("driving", moved));
    const { frame } = await this.#generator.run("animate", { ...this.#source.tensors, ...tensors });
    Object.values(tensors).forEach((tensor) => tensor.delete());
    return bytes(frame);
  }

  /** The keypoints of a driving frame, which may become the initial one. */
  async observe(rgba, { bestFrame }) {
    const driving = await this.#detect(floats(rgba));
    const distance = bestFrame ? keypointDistance(this.#source.keypoints, driving) : Infinity;
    if (!this.#initial || distance < this.#leastDistance) {
      this.#initial = driving;
      this.#leastDistance = distance;
    }
    return driving;
  }

  async #detect(picture) {
    const input = this.#picture(picture);
    const keypoints = await this.#detector.run("detect", { picture: input });
    input.delete();
    return keypoints;
  }

  #picture(values) {
    return tensorOf(values, this.manifest.signatures.detect.inputs[0].shape);
  }

  /** Those values that `animate` takes, as tensors by name. */
  #tensors(values) {
    const inputs = this.manifest.signatures.animate.inputs.filter(({ name }) => name in values);
    return Object.fromEntries(inputs.map(({ name, shape }) => [name, tensorOf(values[name], shape)]));
  }

  #forgetSource() {
    Object.values(this.#source?.tensors ?? {}).forEach((tensor) => tensor.delete());
    this.#source = null;
  }
}

const named = (role, keypoints) =>
  Object.fromEntries(Object.entries(keypoints).map(([name, value]) => [`kp_${role}_${name}`, value]));

/** RGBA bytes -> RGB in [0, 1]. */
function floats(rgba) {
  const result = new Float32Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    for (let c = 0; c < 3; c++) result[to++] = rgba[from + c] / 255;
  }
  return result;
}

/** RGB in [0, 1] -> RGBA bytes. */
function bytes(rgb) {
  const result = new Uint8ClampedArray((rgb.length / 3) * 4).fill(255);
  for (let from = 0, to = 0; from < rgb.length; to += 4) {
    for (let c = 0; c < 3; c++) result[to + c] = rgb[from++] * 255;
  }
  return result;
}
