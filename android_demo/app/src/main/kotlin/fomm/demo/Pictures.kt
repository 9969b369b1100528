package fomm.demo

import android.graphics.Bitmap

/** A driving frame and its result, as bitmaps for the screen. */
class Pictures(
    val width: Int,
    height: Int,
) {
    val driving: Bitmap = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
    val result: Bitmap = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)

    fun set(
        drivingArgb: IntArray,
        resultArgb: IntArray,
    ) {
        driving.setPixels(drivingArgb, 0, width, 0, 0, width, driving.height)
        result.setPixels(resultArgb, 0, width, 0, 0, width, result.height)
    }
}

/** A ring of pairs: one on the screen, one waiting to be drawn, one being filled. */
class Renderer(
    width: Int,
    height: Int,
) {
    private val ring = List(PAIRS) { Pictures(width, height) }
    private var next = 0

    fun render(
        drivingArgb: IntArray,
        resultArgb: IntArray,
    ): Pictures = ring[next].apply { set(drivingArgb, resultArgb) }.also { next = (next + 1) % PAIRS }

    private companion object {
        const val PAIRS = 3
    }
}
