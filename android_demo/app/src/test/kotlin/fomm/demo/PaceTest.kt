package fomm.demo

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

class PaceTest {
    @Test
    fun steadyTimesAreShownAsTheyAre() {
        val pace = Pace()
        assertNull(pace.add(1, 1, 1, 0))
        var readout: Readout? = null
        for (i in 1..50) readout = pace.add(1_000_000, 2_000_000, 5_000_000, i * 40_000_000L)
        assertEquals(Readout(1f, 2f, 5f, 25f), readout)
    }
}
