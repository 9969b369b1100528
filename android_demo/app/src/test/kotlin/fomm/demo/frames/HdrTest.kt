package fomm.demo.frames

import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import kotlin.math.abs

class HdrTest {
    @Test
    fun referenceWhiteIsNearlyWhiteAndBlackIsBlack() {
        // ITU-R BT.2408: reference white is 75 % HLG and 58 % PQ.
        for ((hdr, white) in listOf(Hdr.HLG to 191, Hdr.PQ to 148)) {
            near(247, 247, 247, toSdr(hdr, white, white, white), 2)
            assertEquals(0xff000000.toInt(), toSdr(hdr, 0, 0, 0))
            assertEquals(0xffffffff.toInt(), toSdr(hdr, 255, 255, 255))
        }
    }

    @Test
    fun greyBelowTheKneeKeepsItsLight() {
        // 18 % of reference white, 36.5 cd/m2: sRGB 118, PQ 41 %, HLG 43 %.
        near(118, 118, 118, toSdr(Hdr.PQ, 104, 104, 104), 3)
        near(118, 118, 118, toSdr(Hdr.HLG, 109, 109, 109), 3)
    }

    @Test
    fun coloursAreThoseOfBt709() {
        // BT.709's red at 0.5 of reference white, in BT.2020: .3137, .0346, .0082; sRGB 188, 0, 0.
        near(188, 0, 0, toSdr(Hdr.PQ, pq(0.3137), pq(0.0346), pq(0.0082)), 12)
    }

    @Test
    fun brighterStaysBrighter() {
        for (hdr in Hdr.entries) {
            val levels = (0..255).map { toSdr(hdr, it, it, it) and 0xff }
            assertEquals(levels.sorted(), levels)
            assertTrue(levels.distinct().size > 100)
        }
    }

    @Test
    fun transparencyIsKept() {
        assertEquals(0x12, IntArray(1) { 0x12345678 }.also(Hdr.HLG::toSdr)[0] ushr 24)
    }

    /** The nearest 8-bit code of PQ. */
    private fun pq(light: Double): Int {
        val root = Math.pow(light * 203 / 10_000, 0.1593017578125)
        return Math.round(255 * Math.pow((0.8359375 + 18.8515625 * root) / (1 + 18.6875 * root), 78.84375)).toInt()
    }

    private fun toSdr(
        hdr: Hdr,
        red: Int,
        green: Int,
        blue: Int,
    ) = intArrayOf((0xff shl 24) or (red shl 16) or (green shl 8) or blue).also(hdr::toSdr)[0]

    private fun near(
        red: Int,
        green: Int,
        blue: Int,
        found: Int,
        tolerance: Int,
    ) {
        for ((expected, shift) in listOf(red to 16, green to 8, blue to 0)) {
            val difference = abs(expected - (found shr shift and 0xff))
            assertTrue("%06x, not %02x%02x%02x".format(found, red, green, blue), difference <= tolerance)
        }
    }
}
