/**
 * manifest.json of an exported model, read without trusting it: what fomm_tf/inference/manifest.py
 * and loading.py refuse is refused here. Of the model's config only what determines the graphs and
 * the motion is read; keys for training are not.
 */

import { group, list, matching, number, oneOf, optional, orNull, section, text, whole } from "./checks.js";
import { kindOf } from "./kinds.js";
import { Problem } from "./problem.js";

export const MANIFEST_FILE = "manifest.json";
const MAX_CHARACTERS = 1 << 20;

const side = whole(1, 4096);
const tensor = section({
  name: text,
  shape: list(side),
  type: optional(oneOf("float32")),
});
const signature = section({ name: text, inputs: list(tensor), outputs: list(tensor) });
const graph = section({
  file: oneOf("keypoint_detector.tflite", "generator.tflite", "segmentation.tflite"),
  bytes: whole(1, 2 ** 31 - 1),
  sha256: matching(/^[0-9a-f]{64}$/, "64 hexadecimal digits"),
  signatures: list(signature),
});
const deviation = section({ max: number(0, 1e30), mean: number(0, 1e30) });
const manifest = section({
  format: oneOf(1),
  name: text,
  license: orNull(text),
  precision: oneOf("float32", "float16", "dynamic", "int8"),
  size: list(side, 2),
  minimum_runtime_version: text,
  graphs: list(graph),
  recipe: optional(orNull(oneOf("quality", "fast"))),
  config: group,
  difference: optional(orNull(difference)),
});

function difference(value, path) {
  const { pictures, ...outputs } = group(value, path);
  text(pictures, `${path}.pictures`);
  for (const [name, found] of Object.entries(outputs)) {
    const isPsnr = name.endsWith("_psnr") && name.slice(0, -5) in outputs;
    const check = isPsnr ? orNull(number(-1e30, 1e30)) : deviation;
    check(found, `${path}.${name.slice(0, 60)}`);
  }
}

/**
 * The checked content of a manifest, with `kind` (of kinds.js), `height`, `width`, and `signatures`,
 * the three functions of the model by name. Throws Problem.
 */
export function readManifest(content) {
  if (content.length > MAX_CHARACTERS) throw contradiction("it is over 1 MiB");
  let data;
  try {
    data = JSON.parse(content);
  } catch {
    throw new Problem(`${MANIFEST_FILE} is damaged or not a manifest.`);
  }
  const found = manifest(data, "");
  const { config, size, precision } = found;
  if ((found.recipe != null) !== (precision === "int8")) {
    throw contradiction("precision int8 needs a recipe, and no other precision has one");
  }
  const kind = kindOf(config);
  const shape = frameShape(config, kind);
  if (shape[0] !== size[0] || shape[1] !== size[1]) {
    throw contradiction("size differs from config.dataset_params.frame_shape");
  }
  if (shape[2] !== 3) throw contradiction(`its pictures have ${shape[2]} channels instead of 3`);
  const detected = kind.detected(config);
  const signatures = signaturesOf(found.graphs);
  checkSignatures(signatures, shape, detected);
  return { ...found, kind, height: size[0], width: size[1], signatures };
}

function frameShape(config, kind) {
  const path = "config.dataset_params";
  const params = group(config.dataset_params, path);
  const given = params.frame_shape ?? params.image_shape ?? kind.frameShape;
  return list(side, 3)(given, `${path}.frame_shape`);
}

/** `detect` of the first graph, `encode` and `animate` of the second, and nothing else. */
function signaturesOf(graphs) {
  const names = graphs.map((one) => [one.file, ...one.signatures.map(({ name }) => name)].join());
  if (names.join(" ") !== "keypoint_detector.tflite,detect generator.tflite,encode,animate") {
    throw contradiction("its graphs are not those of a model that animates");
  }
  const [[detect], [encode, animate]] = graphs.map((one) => one.signatures);
  return { detect, encode, animate };
}

/** The tensors of the three must fit each other, the size, and what the kind detects. */
function checkSignatures({ detect, encode, animate }, frame, detected) {
  const image = [1, ...frame];
  expect("the input of detect", detect.inputs, { picture: image });
  expect("the outputs of detect", detect.outputs, detected);
  expect("the input of encode", encode.inputs, { picture: image });
  const encoded = shapes(encode.outputs);
  const isMoved = animate.inputs.length > encode.outputs.length;
  const roles = isMoved ? ["source", "driving"] : [];
  const moving = roles.flatMap((role) =>
    Object.entries(detected).map(([name, shape]) => [`kp_${role}_${name}`, shape]));
  expect("the inputs of animate", animate.inputs, { ...encoded, ...Object.fromEntries(moving) });
  expect("the output of animate", animate.outputs, { frame: image });
}

function expect(what, tensors, expected) {
  const same = (a, b) => JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
  if (tensors.length !== Object.keys(expected).length || !same(shapes(tensors), expected)) {
    throw contradiction(`${what} does not fit its size and config`);
  }
}

const shapes = (tensors) => Object.fromEntries(tensors.map(({ name, shape }) => [name, shape]));

const contradiction = (what) => new Problem(`This model cannot be used: ${MANIFEST_FILE}: ${what}.`);
