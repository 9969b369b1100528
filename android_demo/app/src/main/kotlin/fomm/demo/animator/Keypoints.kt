package fomm.demo.animator

/**
 * K keypoints of one picture, in coordinates of [-1, 1].
 *
 * [value] holds K times x, y. [jacobian] holds K times a 2 x 2 matrix by rows, and is null for models without.
 */
class Keypoints(
    val value: FloatArray,
    val jacobian: FloatArray?,
)
