package fomm.demo.animator

import kotlin.math.abs
import kotlin.math.sqrt

/** How the motion of the driving video becomes keypoints for the source (arXiv 2003.00196, eq. 13 and 14). */
data class MotionSettings(
    /** Apply only the change since the initial driving frame: the source keeps its position and proportions. */
    val relative: Boolean = true,
    /** Make the Jacobians relative as well; has no effect without [relative]. */
    val relativeJacobian: Boolean = true,
    /** Scale the displacement by the ratio of the source object's size to the driving object's. */
    val adaptScale: Boolean = false,
)

/** A Jacobian of the initial driving frame is singular: relative motion needs another initial frame. */
class SingularInitialFrame : Exception("a Jacobian of the initial driving frame is singular")

/** The same as `fomm_tf.transfer_motion`; both are tested on tests/motion_transfer_vectors.json. */
fun transferMotion(
    source: Keypoints,
    driving: Keypoints,
    initial: Keypoints,
    settings: MotionSettings,
): Keypoints {
    if (!settings.relative) return driving
    val scale = if (settings.adaptScale) movementScale(source, initial) else 1f
    val value =
        FloatArray(driving.value.size) { (driving.value[it] - initial.value[it]) * scale + source.value[it] }
    if (driving.jacobian == null || source.jacobian == null || initial.jacobian == null) {
        return Keypoints(value, null)
    }
    if (!settings.relativeJacobian) return Keypoints(value, driving.jacobian)
    return Keypoints(value, relativeJacobians(source.jacobian, driving.jacobian, initial.jacobian))
}

/** driving * inverse(initial) * source, for each keypoint. */
private fun relativeJacobians(
    source: FloatArray,
    driving: FloatArray,
    initial: FloatArray,
): FloatArray {
    val result = FloatArray(driving.size)
    for (at in result.indices step MATRIX) {
        val change = product(matrix(driving, at), inverse(matrix(initial, at)))
        product(change, matrix(source, at)).forEachIndexed { i, number -> result[at + i] = number.toFloat() }
    }
    return result
}

private fun matrix(
    numbers: FloatArray,
    at: Int,
) = DoubleArray(MATRIX) { numbers[at + it].toDouble() }

private fun product(
    a: DoubleArray,
    b: DoubleArray,
) = doubleArrayOf(
    a[0] * b[0] + a[1] * b[2],
    a[0] * b[1] + a[1] * b[3],
    a[2] * b[0] + a[3] * b[2],
    a[2] * b[1] + a[3] * b[3],
)

private fun inverse(m: DoubleArray): DoubleArray {
    val determinant = m[0] * m[3] - m[1] * m[2]
    if (determinant == 0.0 || !determinant.isFinite()) throw SingularInitialFrame()
    return doubleArrayOf(m[3] / determinant, -m[1] / determinant, -m[2] / determinant, m[0] / determinant)
}

/** The square root of the ratio of the convex hulls' areas; 1 if either is degenerate. */
internal fun movementScale(
    source: Keypoints,
    initial: Keypoints,
): Float {
    val sourceArea = hullArea(source.value)
    val initialArea = hullArea(initial.value)
    if (minOf(sourceArea, initialArea) < DEGENERATE_AREA) return 1f
    return sqrt(sourceArea / initialArea).toFloat()
}

/** Area of the convex hull of points x, y, x, y..., by monotone chain; 0 for fewer than three. */
internal fun hullArea(points: FloatArray): Double {
    val ordered =
        (points.indices step 2)
            .map { points[it].toDouble() to points[it + 1].toDouble() }
            .distinct()
            .sortedWith(compareBy({ it.first }, { it.second }))
    if (ordered.size <= 2) return 0.0
    val hull = halfHull(ordered) + halfHull(ordered.reversed())
    val twice = hull.indices.sumOf { cross(hull[it], hull[(it + 1) % hull.size]) }
    return abs(twice) / 2
}

/** One chain of the hull, without its last point, which begins the other chain. */
private fun halfHull(ordered: List<Pair<Double, Double>>): List<Pair<Double, Double>> {
    val hull = ArrayList<Pair<Double, Double>>()
    for (point in ordered) {
        while (hull.size > 1 && turn(hull[hull.size - 2], hull.last(), point) <= 0) hull.removeAt(hull.lastIndex)
        hull.add(point)
    }
    return hull.dropLast(1)
}

private fun turn(
    a: Pair<Double, Double>,
    b: Pair<Double, Double>,
    c: Pair<Double, Double>,
) = (b.first - a.first) * (c.second - a.second) - (b.second - a.second) * (c.first - a.first)

private fun cross(
    a: Pair<Double, Double>,
    b: Pair<Double, Double>,
) = a.first * b.second - b.first * a.second

private const val MATRIX = 4

// In the units of [-1, 1] coordinates; below this a hull is a line or a point.
private const val DEGENERATE_AREA = 1e-9
