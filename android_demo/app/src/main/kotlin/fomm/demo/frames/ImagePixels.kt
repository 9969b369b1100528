package fomm.demo.frames

import android.graphics.ImageFormat
import android.media.Image
import java.io.IOException

/**
 * A camera's or decoder's picture, valid until the image is closed. Of 10-bit samples the upper 8 bits are taken.
 * Throws IOException for formats other than these two.
 */
fun Image.toPixels(coding: YuvCoding): Pixels {
    val first =
        when (format) {
            ImageFormat.YUV_420_888 -> 0

            // Two bytes each, the lower one first, the 10 bits at the upper end.
            ImageFormat.YCBCR_P010 -> 1

            else -> throw IOException("unknown format $format")
        }
    val (y, u, v) = planes.map { Plane(it.buffer, it.rowStride, it.pixelStride, first) }
    val crop = cropRect
    return YuvPixels(crop.width(), crop.height(), y, u, v, coding, crop.left, crop.top)
}
