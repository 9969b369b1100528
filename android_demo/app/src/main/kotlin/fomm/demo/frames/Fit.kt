package fomm.demo.frames

import kotlin.math.ceil
import kotlin.math.floor

/** What makes a picture upright: a clockwise rotation by [rotation] degrees, then a horizontal flip if [mirror]. */
data class Orientation(
    val rotation: Int = 0,
    val mirror: Boolean = false,
) {
    companion object {
        /**
         * For camera images: [sensor] is the sensor's orientation, [display] the display's rotation, in degrees.
         * The front camera is mirrored, as in a viewfinder.
         */
        fun ofCamera(
            sensor: Int,
            display: Int,
            front: Boolean,
        ) = Orientation(Math.floorMod(if (front) sensor + display else sensor - display, FULL_TURN), front)

        private const val FULL_TURN = 360
    }
}

/**
 * Resizes pictures of one size to the model's, [width] x [height], keeping the aspect ratio: the largest centred crop.
 * Area averaging when downscaling, bilinear interpolation when upscaling.
 */
class Fit(
    private val fromWidth: Int,
    private val fromHeight: Int,
    private val orientation: Orientation,
    private val width: Int,
    private val height: Int,
) {
    private val turned = orientation.rotation % HALF_TURN != 0
    private val uprightWidth = if (turned) fromHeight else fromWidth
    private val uprightHeight = if (turned) fromWidth else fromHeight
    private val partWidth = minOf(uprightWidth.toDouble(), uprightHeight.toDouble() * width / height)
    private val partHeight = minOf(uprightHeight.toDouble(), uprightWidth.toDouble() * height / width)
    private val columns = Axis(uprightWidth, partWidth, width)
    private val rows = Axis(uprightHeight, partHeight, height)

    fun suits(
        pixels: Pixels,
        orientation: Orientation,
    ) = pixels.width == fromWidth && pixels.height == fromHeight && orientation == this.orientation

    /** Writes width x height pixels of 0xAARRGGBB to [argb]. */
    fun apply(
        pixels: Pixels,
        argb: IntArray,
    ) {
        for (y in 0 until height) {
            for (x in 0 until width) {
                val column = if (orientation.mirror) width - 1 - x else x
                argb[y * width + x] = average(pixels, column, y)
            }
        }
    }

    private fun average(
        pixels: Pixels,
        column: Int,
        row: Int,
    ): Int {
        var red = HALF
        var green = HALF
        var blue = HALF
        for (i in 0 until rows.taps) {
            val y = rows.place(row, i)
            for (j in 0 until columns.taps) {
                val weight = rows.weight(row, i) * columns.weight(column, j)
                if (weight == 0f) continue
                val rgb = upright(pixels, columns.place(column, j), y)
                red += weight * (rgb shr RED and BYTE)
                green += weight * (rgb shr GREEN and BYTE)
                blue += weight * (rgb and BYTE)
            }
        }
        return (BYTE shl ALPHA) or (red.toInt() shl RED) or (green.toInt() shl GREEN) or blue.toInt()
    }

    private fun upright(
        pixels: Pixels,
        x: Int,
        y: Int,
    ) = when (orientation.rotation) {
        QUARTER_TURN -> pixels.rgb(y, fromHeight - 1 - x)
        HALF_TURN -> pixels.rgb(fromWidth - 1 - x, fromHeight - 1 - y)
        HALF_TURN + QUARTER_TURN -> pixels.rgb(fromWidth - 1 - y, x)
        else -> pixels.rgb(x, y)
    }

    /** The resampling along one axis: the source pixels of each output pixel, and their weights. */
    private class Axis(
        private val size: Int,
        part: Double,
        count: Int,
    ) {
        private val ratio = part / count
        private val begin = (size - part) / 2
        val taps = if (ratio < 1) 2 else ceil(ratio).toInt() + 1
        private val first = IntArray(count) { floor(start(it)).toInt() }
        private val weights = FloatArray(count * taps) { weightOf(it / taps, first[it / taps] + it % taps) }

        fun place(
            index: Int,
            tap: Int,
        ) = (first[index] + tap).coerceIn(0, size - 1)

        fun weight(
            index: Int,
            tap: Int,
        ) = weights[index * taps + tap]

        private fun start(index: Int) = begin + if (ratio < 1) (index + CENTRE) * ratio - CENTRE else index * ratio

        private fun weightOf(
            index: Int,
            place: Int,
        ): Float {
            val start = start(index)
            if (ratio < 1) return (1 - Math.abs(start - place)).coerceAtLeast(0.0).toFloat()
            val covered = minOf(start + ratio, place + 1.0) - maxOf(start, place.toDouble())
            return (covered / ratio).coerceAtLeast(0.0).toFloat()
        }
    }

    private companion object {
        const val QUARTER_TURN = 90
        const val HALF_TURN = 180
        const val HALF = 0.5f

        /** Offset of a pixel's centre. */
        const val CENTRE = 0.5
    }
}
