/**
 * What differs between the kinds of models, for the exported graphs that this page can run: what
 * `detect` returns, which motion options there are, and how motion is transferred. The same as the
 * `exported.py` and `motion.py` of each kind in fomm_tf.
 */

import { oneOf, optional, group, text, truth, whole } from "./checks.js";
import { transferGaussians, transferMotion } from "./motion_transfer.js";
import { Problem } from "./problem.js";

const keypoints = (count, name, side) => ({
  value: [1, count, 2],
  ...(side && { [name]: [1, count, side, side] }),
});

const FOMM = {
  name: "First Order Motion Model",
  options: ["relative", "adaptScale", "bestFrame"],
  frameShape: [256, 256, 3],
  detected({ model_params: { common_params: common } }) {
    whole(1, 256)(common.num_kp, "config.model_params.common_params.num_kp");
    const path = "config.model_params.common_params.estimate_jacobian";
    const hasJacobians = optional(truth)(common.estimate_jacobian, path) ?? false;
    return keypoints(common.num_kp, "jacobian", hasJacobians && 2);
  },
  transferOf: () => (source, driving, initial, options) =>
    transferMotion(source, driving, initial, { relativeJacobian: true, ...options }),
};

const MONKEY_NET = {
  name: "Monkey-Net",
  options: ["relative", "adaptScale", "bestFrame"],
  frameShape: [64, 64, 3],
  detected({ model_params: { common_params: common } }) {
    whole(1, 256)(common.num_kp, "config.model_params.common_params.num_kp");
    const side = { matrix: 2, single: 1 }[common.kp_variance];
    return keypoints(common.num_kp, "variance", side);
  },
  transferOf({ transfer_params: params }) {
    const given = params?.normalization_params ?? {};
    const fixed = { adaptVariance: given.adapt_variance === true, clipMean: given.clip_mean === true };
    return (source, driving, initial, options) =>
      transferGaussians(source, driving, initial, { ...options, ...fixed });
  },
};

const CO_PART = {
  name: "co-part segmentation model",
  options: [],
  frameShape: [256, 256, 3],
  detected() {
    throw new Problem(
      "The export of a co-part segmentation model has no generator: it finds parts, but cannot animate.",
    );
  },
  transferOf: () => (_source, driving) => driving,
};

/** The kind that a manifest's config is for. Throws Problem for one that this page does not know. */
export function kindOf(config) {
  const model = group(config.model_params, "config.model_params");
  if (model.segmentation_module_params) return CO_PART;
  group(model.common_params, "config.model_params.common_params");
  if (config.model !== undefined) {
    oneOf("monkey-net")(text(config.model, "config.model"), "config.model");
    return MONKEY_NET;
  }
  const generator = group(model.generator_params, "config.model_params.generator_params");
  if ("num_refinement_blocks" in generator) return MONKEY_NET;
  group(model.kp_detector_params, "config.model_params.kp_detector_params");
  return FOMM;
}
