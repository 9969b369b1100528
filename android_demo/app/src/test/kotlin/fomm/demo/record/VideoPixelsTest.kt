package fomm.demo.record

import fomm.demo.frames.Plane
import fomm.demo.frames.YuvCoding
import fomm.demo.frames.YuvPixels
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import java.nio.ByteBuffer
import kotlin.math.abs

class VideoPixelsTest {
    @Test
    fun sizesAreEvenAndNotTooSmall() {
        assertEquals(256 to 256, size(128, 128))
        assertEquals(384 to 256, size(96, 64))
        assertEquals(512 to 512, size(512, 512))
        assertEquals(300 to 400, size(301, 401))
    }

    @Test
    fun comesBackAsItWas() {
        val picture = IntArray(96 * 64) { (0xff shl 24) or (it % 96 * 2 shl 16) or (it / 96 * 4 shl 8) or 90 }
        for (step in listOf(1, 2)) {
            val video = VideoPixels(96, 64)
            val y = Plane(ByteBuffer.allocate(400 * video.height), 400, 1)
            val (u, v) = List(2) { Plane(ByteBuffer.allocate(400 * video.height), 400, step) }
            video.write(picture, y, u, v)
            val back = YuvPixels(video.width, video.height, y, u, v, YuvCoding.BT601)
            for (row in 0 until video.height step 7) {
                for (column in 0 until video.width step 5) {
                    val expected = picture[row / 4 * 96 + column / 4]
                    for (shift in listOf(0, 8, 16)) {
                        val difference = abs((expected shr shift and 0xff) - (back.rgb(column, row) shr shift and 0xff))
                        assertTrue("$difference at $column, $row", difference <= 4)
                    }
                }
            }
        }
    }

    private fun size(
        width: Int,
        height: Int,
    ) = VideoPixels(width, height).run { this.width to this.height }
}
