package fomm.demo.animator

/**
 * K keypoints of one picture, in [-1, 1].
 *
 * [value] is K x 2, (x, y). [jacobian] is K x 2 x 2, row-major, or null for models without Jacobians.
 */
class Keypoints(
    val value: FloatArray,
    val jacobian: FloatArray?,
)
