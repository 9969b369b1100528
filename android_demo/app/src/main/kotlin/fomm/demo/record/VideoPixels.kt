package fomm.demo.record

import fomm.demo.frames.Plane

/** Converts results to video frames, upscaled by an integer factor because encoders reject very small frames. */
class VideoPixels(
    private val pictureWidth: Int,
    pictureHeight: Int,
) {
    private val scale =
        maxOf(
            1,
            (SMALLEST_SIDE + minOf(pictureWidth, pictureHeight) - 1) / minOf(pictureWidth, pictureHeight),
        )

    /** Even, as YUV 4:2:0 requires; an odd last row or column is dropped. */
    val width = pictureWidth * scale and 1.inv()
    val height = pictureHeight * scale and 1.inv()

    /** Writes 0xAARRGGBB pixels as YUV 4:2:0, BT.601, limited range. */
    fun write(
        argb: IntArray,
        y: Plane,
        u: Plane,
        v: Plane,
    ) {
        for (row in 0 until height) {
            for (column in 0 until width) {
                val rgb = argb[row / scale * pictureWidth + column / scale]
                y.put(column, row, dot(rgb, Y_RED, Y_GREEN, Y_BLUE) + Y_BLACK)
                if (row and 1 == 0 && column and 1 == 0) {
                    u.put(column shr 1, row shr 1, dot(rgb, U_RED, U_GREEN, CHROMA) + MIDDLE)
                    v.put(column shr 1, row shr 1, dot(rgb, CHROMA, V_GREEN, V_BLUE) + MIDDLE)
                }
            }
        }
    }

    private fun Plane.put(
        x: Int,
        y: Int,
        value: Int,
    ) {
        bytes.put(y * rowStride + x * pixelStride, value.toByte())
    }

    private fun dot(
        rgb: Int,
        red: Int,
        green: Int,
        blue: Int,
    ): Int {
        val sum = red * (rgb shr RED and BYTE) + green * (rgb shr GREEN and BYTE) + blue * (rgb and BYTE)
        return (sum + HALF) shr FRACTION
    }

    private companion object {
        const val SMALLEST_SIDE = 256
        const val RED = 16
        const val GREEN = 8
        const val BYTE = 0xff

        // BT.601 in 16-bit fixed point.
        const val FRACTION = 16
        const val HALF = 1 shl 15
        const val Y_RED = 16829
        const val Y_GREEN = 33039
        const val Y_BLUE = 6416
        const val U_RED = -9714
        const val U_GREEN = -19071
        const val CHROMA = 28784
        const val V_GREEN = -24103
        const val V_BLUE = -4681
        const val Y_BLACK = 16
        const val MIDDLE = 128
    }
}
