package fomm.demo.frames

import android.graphics.Bitmap
import android.graphics.Color
import android.graphics.ColorSpace
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import java.io.ByteArrayOutputStream
import java.io.IOException
import kotlin.math.abs

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34])
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class PictureReaderTest {
    @Test
    fun photosAreTurnedAsTheirExifSays() {
        // Red and green above blue and white, after each of the eight orientations.
        val expected = listOf("rgbw", "grwb", "wbgr", "bwrg", "rbgw", "brwg", "wgbr", "gwrb")
        val jpeg = encode(quarters(48, 32), Bitmap.CompressFormat.JPEG)
        for ((i, colours) in expected.withIndex()) {
            val found = read(withOrientation(jpeg, i + 1))
            val sides = if (i < 4) 48 to 32 else 32 to 48
            assertEquals("orientation ${i + 1}", sides, found.width to found.height)
            assertEquals("orientation ${i + 1}", colours, colours(found))
        }
        assertEquals("without Exif", "rgbw", colours(read(jpeg)))
    }

    @Test
    fun largePhotosAreReadSmallerAndTurned() {
        val jpeg = encode(quarters(4400, 2200), Bitmap.CompressFormat.JPEG)
        val found = read(withOrientation(jpeg, 6))
        assertTrue("${found.width} x ${found.height}", found.height in 1024..2047 && found.width * 2 == found.height)
        assertEquals("brwg", colours(found))
    }

    @Test
    fun wideGamutBecomesSrgb() {
        val p3 = ColorSpace.get(ColorSpace.Named.DISPLAY_P3)
        val picture = Bitmap.createBitmap(8, 8, Bitmap.Config.ARGB_8888, true, p3)
        // A Display P3 colour that is inside sRGB too.
        val red = Color.convert(0.6f, 0.3f, 0.3f, 1f, p3, ColorSpace.get(ColorSpace.Named.SRGB))
        picture.eraseColor(red)
        val expected = Color.toArgb(red)
        for (format in listOf(Bitmap.CompressFormat.PNG, Bitmap.CompressFormat.JPEG)) {
            val found = read(encode(picture, format)).toPixels().rgb(4, 4)
            for (shift in listOf(0, 8, 16)) {
                val difference = abs((expected shr shift and 0xff) - (found shr shift and 0xff))
                assertTrue("$format: %06x, not %06x".format(found, expected), difference <= 2)
            }
        }
    }

    @Test
    fun whatIsNoPictureIsNone() {
        assertEquals(null, readPicture { "no picture".byteInputStream() })
        assertEquals(null, readPicture { null })
        assertEquals(null, readPicture { throw IOException("gone") })
        assertEquals(null, readPicture { throw SecurityException("not allowed") })
    }

    private fun quarters(
        width: Int,
        height: Int,
    ): Bitmap {
        val colours = listOf(Color.RED, Color.GREEN, Color.BLUE, Color.WHITE)
        val argb = IntArray(width * height) { colours[(it / width * 2 / height) * 2 + it % width * 2 / width] }
        return Bitmap.createBitmap(argb, width, height, Bitmap.Config.ARGB_8888)
    }

    private fun encode(
        bitmap: Bitmap,
        format: Bitmap.CompressFormat,
    ) = ByteArrayOutputStream().also { bitmap.compress(format, 100, it) }.toByteArray()

    /** Inserts an Exif segment after the start of the JPEG: big-endian, with the orientation as its only entry. */
    private fun withOrientation(
        jpeg: ByteArray,
        orientation: Int,
    ): ByteArray {
        val tiff = byteArrayOf(0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation.toByte())
        val body = "Exif".toByteArray() + ByteArray(2) + tiff + ByteArray(6)
        val head = byteArrayOf(0xff.toByte(), 0xe1.toByte(), 0, (body.size + 2).toByte())
        return jpeg.copyOf(2) + head + body + jpeg.copyOfRange(2, jpeg.size)
    }

    private fun read(bytes: ByteArray) = readPicture { bytes.inputStream() } ?: throw AssertionError("no picture")

    /** Initials of the colours of the four quarters. */
    private fun colours(bitmap: Bitmap): String {
        val pixels = bitmap.toPixels()
        return listOf(1 to 1, 3 to 1, 1 to 3, 3 to 3)
            .map { (x, y) -> pixels.rgb(bitmap.width * x / 4, bitmap.height * y / 4) }
            .joinToString("") { rgb ->
                val (r, g, b) = listOf(16, 8, 0).map { rgb shr it and 0xff > 127 }
                when {
                    r && g && b -> "w"
                    r -> "r"
                    g -> "g"
                    else -> "b"
                }
            }
    }
}
