package fomm.demo.frames

import android.media.Image

/** A camera's or decoder's picture, valid until the image is closed. */
fun Image.toPixels(coding: YuvCoding): Pixels {
    val (y, u, v) = planes.map { Plane(it.buffer, it.rowStride, it.pixelStride) }
    val crop = cropRect
    return YuvPixels(crop.width(), crop.height(), y, u, v, coding, crop.left, crop.top)
}
