package fomm.demo.frames

import org.junit.Assert.assertEquals
import org.junit.Test

class VideoClockTest {
    private var now = 5_000_000L
    private val clock = VideoClock { now }

    @Test
    fun framesComeAtTheirOwnSpeedFromTheFirstOn() {
        // The file begins at 100 s; after the second frame it is slower.
        assertEquals(listOf(0L, 40_000L, 500_000L), play(100_000_000, 100_040_000, 100_540_000))
        assertEquals("as long as the one before", 500_000L, clock.waitAtEnd())
        now += 500_000
        assertEquals("the next pass", listOf(0L, 40_000L), play(100_000_000, 100_040_000))
    }

    @Test
    fun lateFramesAreNotWaitedForButTheNextOnesAre() {
        play(0, 40_000)
        now += 60_000
        assertEquals(0L, clock.wait(80_000))
        assertEquals(20_000L, clock.wait(120_000))
    }

    @Test
    fun jumpsInTheTimesAreNotWaitedFor() {
        assertEquals(listOf(0L, 0L, 40_000L), play(0, 3_600_000_000, 3_600_040_000))
        assertEquals("back to the beginning", listOf(0L, 40_000L), play(0, 40_000))
        assertEquals("a pause of the screen that was recorded", listOf(5_000_000L), play(5_040_000))
    }

    @Test
    fun aFileOfOnePictureIsNotDecodedWithoutEnd() {
        assertEquals(listOf(0L), play(0))
        assertEquals(100_000L, clock.waitAtEnd())
    }

    /** The waits for frames at these times, if every wait is exact. */
    private fun play(vararg times: Long) = times.map { time -> clock.wait(time).also { now += it } }
}
