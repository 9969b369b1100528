package fomm.demo.frames

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import java.nio.ByteBuffer
import kotlin.math.abs

class FitTest {
    // a b c
    // d e f
    private val a = grey(10)
    private val b = grey(20)
    private val c = grey(30)
    private val d = grey(40)
    private val e = grey(50)
    private val f = grey(60)
    private val letters = ArgbPixels(3, 2, intArrayOf(a, b, c, d, e, f))

    @Test
    fun turnsClockwiseThenMirrors() {
        assertArrayEquals(intArrayOf(a, b, c, d, e, f), fit(letters, Orientation(), 3, 2))
        assertArrayEquals(intArrayOf(d, a, e, b, f, c), fit(letters, Orientation(90), 2, 3))
        assertArrayEquals(intArrayOf(f, e, d, c, b, a), fit(letters, Orientation(180), 3, 2))
        assertArrayEquals(intArrayOf(c, f, b, e, a, d), fit(letters, Orientation(270), 2, 3))
        assertArrayEquals(intArrayOf(c, b, a, f, e, d), fit(letters, Orientation(0, true), 3, 2))
        assertArrayEquals(intArrayOf(a, d, b, e, c, f), fit(letters, Orientation(90, true), 2, 3))
    }

    @Test
    fun takesTheMiddleAndAverages() {
        // The middle 2 x 2 of 4 x 2.
        val wide = ArgbPixels(4, 2, intArrayOf(a, b, c, d, a, b, c, d))
        assertArrayEquals(intArrayOf(b, c, b, c), fit(wide, Orientation(), 2, 2))
        assertArrayEquals(intArrayOf(grey(25)), fit(wide, Orientation(), 1, 1))
        // 3 to 2: each takes one pixel and half of the next.
        val three = ArgbPixels(3, 1, intArrayOf(grey(0), grey(90), grey(240)))
        assertArrayEquals(
            intArrayOf(grey(30), grey(190)),
            fit(ArgbPixels(3, 3, repeated(three)), Orientation(), 2, 2).copyOf(2),
        )
    }

    @Test
    fun makesLargerWithoutBlocks() {
        val two = ArgbPixels(2, 2, intArrayOf(grey(0), grey(100), grey(0), grey(100)))
        assertArrayEquals(intArrayOf(grey(0), grey(25), grey(75), grey(100)), fit(two, Orientation(), 4, 4).copyOf(4))
    }

    @Test
    fun anySizesGiveColoursBetweenThoseThatAreThere() {
        for ((w, h) in listOf(1 to 1, 7 to 3, 640 to 480, 129 to 128)) {
            val pixels = ArgbPixels(w, h, IntArray(w * h) { if (it % 2 == 0) grey(100) else grey(140) })
            for (rotation in listOf(0, 90, 180, 270)) {
                val result = fit(pixels, Orientation(rotation, true), 32, 48)
                assertTrue("$w x $h turned $rotation", result.all { it and 0xff in 100..140 && it ushr 24 == 0xff })
            }
        }
    }

    @Test
    fun whatIsTransparentIsWhite() {
        assertEquals(0xffffff, ArgbPixels(1, 1, intArrayOf(0)).rgb(0, 0))
        assertEquals(0xff7f7f, ArgbPixels(1, 1, intArrayOf(0x80ff0000.toInt())).rgb(0, 0))
    }

    @Test
    fun cameraIsUprightInEveryPosture() {
        // A phone's front camera, sensor orientation 270: upright, on its left side (display 90), upside down, on its right.
        val front = listOf(0, 90, 180, 270).map { Orientation.ofCamera(270, it, true) }
        assertEquals(listOf(270, 0, 90, 180), front.map { it.rotation })
        assertTrue(front.all { it.mirror })
        val back = listOf(0, 90, 180, 270).map { Orientation.ofCamera(90, it, false) }
        assertEquals(listOf(90, 0, 270, 180), back.map { it.rotation })
        assertTrue(back.none { it.mirror })
    }

    @Test
    fun yuvOfPlanarAndInterleavedLayouts() {
        // BT.601 full range: red is Y 76, U 85, V 255.
        val planar = yuv(4, 2, 76, 85, 255, YuvCoding.BT601_FULL, 1)
        val interleaved = yuv(4, 2, 76, 85, 255, YuvCoding.BT601_FULL, 2)
        for (pixels in listOf(planar, interleaved)) near(0xff0000, pixels.rgb(3, 1), 2)
        // Limited range: white is 235, black 16; BT.709 green is Y 173, U 42, V 26.
        near(0xffffff, yuv(4, 2, 235, 128, 128, YuvCoding.BT601, 1).rgb(0, 0), 0)
        near(0x000000, yuv(4, 2, 16, 128, 128, YuvCoding.BT709, 1).rgb(0, 0), 0)
        near(0x00ff00, yuv(4, 2, 173, 42, 26, YuvCoding.BT709, 1).rgb(0, 0), 2)
    }

    @Test
    fun onlyTheNewestFrameIsTaken() {
        var told = 0
        val frames = FrameExchange(1, 1) { told++ }
        assertEquals(null, frames.take())
        for (level in 1..5) frames.put(ArgbPixels(1, 1, intArrayOf(grey(level))), Orientation())
        val taken = frames.take()!!
        assertEquals(grey(5), taken.argb[0])
        assertEquals(null, frames.take())
        assertEquals(5, told)
        for (level in 6..8) frames.put(ArgbPixels(1, 1, intArrayOf(grey(level))), Orientation())
        assertEquals("a taken frame stays as it is", grey(5), taken.argb[0])
        assertEquals(grey(8), frames.take()!!.argb[0])
    }

    @Test
    fun sizeAndTurnMayChangeFromFrameToFrame() {
        val frames = FrameExchange(2, 2) {}
        val wide = ArgbPixels(4, 2, intArrayOf(a, b, c, d, a, b, c, d))
        val high = ArgbPixels(2, 4, intArrayOf(a, a, b, b, c, c, d, d))
        val puts = listOf(wide to 0, high to 0, high to 90, wide to 90, wide to 0)
        val expected =
            listOf(
                intArrayOf(b, c, b, c),
                intArrayOf(b, b, c, c),
                intArrayOf(c, b, c, b),
                intArrayOf(b, b, c, c),
                intArrayOf(b, c, b, c),
            )
        for ((put, pixels) in puts.zip(expected)) {
            frames.put(put.first, Orientation(put.second))
            assertArrayEquals(pixels, frames.take()!!.argb)
        }
    }

    @Test
    fun hdrIsToneMapped() {
        val frames = FrameExchange(1, 1) {}
        val white = ArgbPixels(1, 1, intArrayOf(grey(191)))
        frames.put(white, Orientation(), Hdr.HLG)
        near(0xf7f7f7, frames.take()!!.argb[0], 2)
        frames.put(white, Orientation())
        assertEquals(grey(191), frames.take()!!.argb[0])
    }

    private fun fit(
        pixels: Pixels,
        orientation: Orientation,
        width: Int,
        height: Int,
    ) = IntArray(width * height).also { Fit(pixels.width, pixels.height, orientation, width, height).apply(pixels, it) }

    private fun grey(level: Int) = (0xff shl 24) or level * 0x010101

    private fun repeated(row: Pixels) = IntArray(9) { row.rgb(it % 3, 0) or (0xff shl 24) }

    private fun yuv(
        width: Int,
        height: Int,
        y: Int,
        u: Int,
        v: Int,
        coding: YuvCoding,
        pixelStride: Int,
    ): Pixels {
        // Rows are padded, as decoders do.
        val stride = width + 8
        val planes =
            listOf(y to 1, u to pixelStride, v to pixelStride).map { (level, step) ->
                Plane(
                    ByteBuffer.wrap(
                        ByteArray(stride * height) {
                            if (it % step ==
                                0
                            ) {
                                level.toByte()
                            } else {
                                0
                            }
                        },
                    ),
                    stride,
                    step,
                )
            }
        return YuvPixels(width, height, planes[0], planes[1], planes[2], coding)
    }

    private fun near(
        expected: Int,
        found: Int,
        tolerance: Int,
    ) {
        for (shift in listOf(0, 8, 16)) {
            val difference = abs((expected shr shift and 0xff) - (found shr shift and 0xff))
            assertTrue("%06x, not %06x".format(found, expected), difference <= tolerance)
        }
    }
}
