package fomm.demo.frames

import android.graphics.ImageFormat
import android.media.Image
import java.io.IOException

/**
 * The pixels of a camera or decoder image, valid until it is closed. 10-bit samples are truncated to 8 bits.
 * Throws IOException unless the format is YUV_420_888 or YCBCR_P010.
 */
fun Image.toPixels(coding: YuvCoding): Pixels {
    val first =
        when (format) {
            ImageFormat.YUV_420_888 -> 0

            // 16-bit little-endian samples with 10 significant bits at the top: the second byte is the upper 8.
            ImageFormat.YCBCR_P010 -> 1

            else -> throw IOException("unsupported image format $format")
        }
    val (y, u, v) = planes.map { Plane(it.buffer, it.rowStride, it.pixelStride, first) }
    val crop = cropRect
    return YuvPixels(crop.width(), crop.height(), y, u, v, coding, crop.left, crop.top)
}
