package fomm.demo

/** Milliseconds per frame for each part, and frames per second, smoothed for reading. */
data class Readout(
    val convert: Float,
    val detect: Float,
    val generate: Float,
    val framesPerSecond: Float,
)

/** Smooths the times of single frames to a [Readout]. */
class Pace {
    private var smooth: FloatArray? = null
    private var lastNanos: Long? = null

    /** Durations, and the time of completion, in nanoseconds. Null for the first frame, which has no interval yet. */
    fun add(
        convert: Long,
        detect: Long,
        generate: Long,
        now: Long,
    ): Readout? {
        val last = lastNanos
        lastNanos = now
        if (last == null) return null
        val times = longArrayOf(convert, detect, generate, now - last)
        val sample = FloatArray(times.size) { times[it] / NANOS_PER_MILLI }
        val before = smooth ?: sample
        val after = FloatArray(sample.size) { before[it] + (sample[it] - before[it]) * WEIGHT }
        smooth = after
        return Readout(after[0], after[1], after[2], MILLIS / maxOf(after[after.lastIndex], LEAST))
    }

    private companion object {
        const val WEIGHT = 0.1f
        const val NANOS_PER_MILLI = 1e6f
        const val MILLIS = 1000f
        const val LEAST = 0.001f
    }
}
