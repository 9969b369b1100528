package fomm.demo.frames

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Matrix
import android.media.ExifInterface
import java.io.IOException
import java.io.InputStream

private const val LONGEST_SIDE = 1024

/** Decodes a picture upright, downsampled if large; null if it cannot be decoded. [open] is called several times. */
fun readPicture(open: () -> InputStream?): Bitmap? =
    try {
        val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        open()?.use { BitmapFactory.decodeStream(it, null, bounds) }
        val options = BitmapFactory.Options().apply { inSampleSize = sampleSize(bounds) }
        val bitmap = open()?.use { BitmapFactory.decodeStream(it, null, options) }
        bitmap?.let { upright(it, open) }
    } catch (_: IOException) {
        null
    } catch (_: SecurityException) {
        null
    }

fun Bitmap.toPixels(): Pixels {
    val argb = IntArray(width * height)
    getPixels(argb, 0, width, 0, 0, width, height)
    return ArgbPixels(width, height, argb)
}

private fun sampleSize(bounds: BitmapFactory.Options): Int {
    var size = 1
    while (maxOf(bounds.outWidth, bounds.outHeight) / (size * 2) >= LONGEST_SIDE) size *= 2
    return size
}

private fun upright(
    bitmap: Bitmap,
    open: () -> InputStream?,
): Bitmap {
    val orientation =
        try {
            open()?.use { ExifInterface(it).getAttributeInt(ExifInterface.TAG_ORIENTATION, 0) }
        } catch (_: IOException) {
            // No Exif can be read: the picture is taken as upright.
            null
        }
    val matrix = matrix(orientation ?: 0)
    return if (matrix.isIdentity) {
        bitmap
    } else {
        Bitmap.createBitmap(
            bitmap,
            0,
            0,
            bitmap.width,
            bitmap.height,
            matrix,
            true,
        )
    }
}

@Suppress("MagicNumber")
private fun matrix(orientation: Int) =
    Matrix().apply {
        when (orientation) {
            ExifInterface.ORIENTATION_FLIP_HORIZONTAL, ExifInterface.ORIENTATION_TRANSPOSE,
            ExifInterface.ORIENTATION_TRANSVERSE,
            -> postScale(-1f, 1f)

            ExifInterface.ORIENTATION_FLIP_VERTICAL -> postScale(1f, -1f)
        }
        when (orientation) {
            ExifInterface.ORIENTATION_ROTATE_90, ExifInterface.ORIENTATION_TRANSVERSE -> postRotate(90f)
            ExifInterface.ORIENTATION_ROTATE_180 -> postRotate(180f)
            ExifInterface.ORIENTATION_ROTATE_270, ExifInterface.ORIENTATION_TRANSPOSE -> postRotate(270f)
        }
    }
