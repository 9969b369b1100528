package fomm.demo.frames

import java.nio.ByteBuffer

/** Random access to a picture's pixels, whatever its layout. */
abstract class Pixels(
    val width: Int,
    val height: Int,
) {
    /** The pixel as 0xRRGGBB; x and y are inside the picture. */
    abstract fun rgb(
        x: Int,
        y: Int,
    ): Int
}

/** 0xAARRGGBB in row-major order, as from a Bitmap. Transparent pixels are blended with white. */
class ArgbPixels(
    width: Int,
    height: Int,
    private val argb: IntArray,
) : Pixels(width, height) {
    override fun rgb(
        x: Int,
        y: Int,
    ): Int {
        val pixel = argb[y * width + x]
        val alpha = pixel ushr ALPHA
        if (alpha == BYTE) return pixel and RGB
        var result = 0
        for (shift in 0..RED step GREEN) {
            val channel = pixel shr shift and BYTE
            result = result or ((channel * alpha + BYTE * (BYTE - alpha)) / BYTE shl shift)
        }
        return result
    }
}

/** One plane of a camera or decoder image; [first] is the byte offset of its first sample. */
class Plane(
    val bytes: ByteBuffer,
    val rowStride: Int,
    val pixelStride: Int,
    val first: Int = 0,
)

/** The matrix and range that convert YUV to RGB. */
enum class YuvCoding(
    internal val kr: Float,
    internal val kb: Float,
    internal val fullRange: Boolean,
) {
    /** Cameras. */
    BT601_FULL(0.299f, 0.114f, true),

    /** SD video. */
    BT601(0.299f, 0.114f, false),

    /** HD video. */
    BT709(0.2126f, 0.0722f, false),
    BT709_FULL(0.2126f, 0.0722f, true),

    /** HDR video. */
    BT2020(0.2627f, 0.0593f, false),
    BT2020_FULL(0.2627f, 0.0593f, true),
}

/** YUV 4:2:0, planar or semi-planar; [left] and [top] are the offset of the crop rectangle. */
class YuvPixels(
    width: Int,
    height: Int,
    private val y: Plane,
    private val u: Plane,
    private val v: Plane,
    coding: YuvCoding,
    private val left: Int = 0,
    private val top: Int = 0,
) : Pixels(width, height) {
    private val black = if (coding.fullRange) 0 else VIDEO_BLACK
    private val luma = if (coding.fullRange) 1f else BYTE / VIDEO_LUMA
    private val chroma = if (coding.fullRange) 1f else BYTE / VIDEO_CHROMA
    private val rv = 2 * (1 - coding.kr) * chroma
    private val bu = 2 * (1 - coding.kb) * chroma
    private val gv = rv * coding.kr / (1 - coding.kr - coding.kb)
    private val gu = bu * coding.kb / (1 - coding.kr - coding.kb)

    override fun rgb(
        x: Int,
        y: Int,
    ): Int {
        val column = x + left
        val row = y + top
        val light = (level(this.y, column, row) - black) * luma
        val blue = level(u, column shr 1, row shr 1) - MIDDLE
        val red = level(v, column shr 1, row shr 1) - MIDDLE
        val r = byte(light + rv * red)
        val g = byte(light - gv * red - gu * blue)
        val b = byte(light + bu * blue)
        return (r shl RED) or (g shl GREEN) or b
    }

    private fun level(
        plane: Plane,
        x: Int,
        y: Int,
    ) = plane.bytes.get(plane.first + y * plane.rowStride + x * plane.pixelStride).toInt() and BYTE

    private fun byte(value: Float) = (value + ROUND).toInt().coerceIn(0, BYTE)
}

internal const val ALPHA = 24
internal const val RED = 16
internal const val GREEN = 8
internal const val BYTE = 0xff
private const val RGB = 0xffffff
private const val ROUND = 0.5f
private const val MIDDLE = 128
private const val VIDEO_BLACK = 16
private const val VIDEO_LUMA = 219f
private const val VIDEO_CHROMA = 224f
