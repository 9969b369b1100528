package fomm.demo.frames

import android.util.Size
import org.junit.Assert.assertEquals
import org.junit.Test

class CameraSourceTest {
    private val sizes = listOf(Size(4000, 3000), Size(320, 240), Size(1280, 720), Size(640, 480), Size(176, 144))

    @Test
    fun theSmallestSizeThatIsLargeEnough() {
        assertEquals(Size(320, 240), CameraSource.smallestNotBelow(sizes, 128 + 64))
        assertEquals("both sides count", Size(640, 480), CameraSource.smallestNotBelow(sizes, 256))
        assertEquals("the largest, if all are too small", Size(4000, 3000), CameraSource.smallestNotBelow(sizes, 8000))
        assertEquals(null, CameraSource.smallestNotBelow(emptyList(), 128))
    }
}
