package fomm.demo.frames

/**
 * Paces a video by its presentation times, relative to the first frame, which is due at once.
 *
 * All times are in microseconds; [now] is a monotonic clock.
 */
internal class VideoClock(
    private val now: () -> Long,
) {
    /** The clock's time at presentation time 0; null before the first frame of a pass. */
    private var origin: Long? = null
    private var last = 0L
    private var interval = STILL

    /** How long to wait before showing a frame. After a discontinuity in the times the frame is due at once. */
    fun wait(time: Long): Long {
        val begin = origin
        if (begin != null) interval = (time - last).coerceIn(0, LONGEST)
        last = time
        val due = if (begin == null) 0 else begin + time - now()
        if (begin == null || due !in -LONGEST..LONGEST) {
            origin = now() - time
            return 0
        }
        return maxOf(due, 0)
    }

    /** How long to wait before the next pass: the last frame is shown for as long as the one before it. */
    fun waitAtEnd(): Long {
        val begin = origin ?: return 0
        origin = null
        return (begin + last + interval - now()).coerceIn(0, LONGEST)
    }

    private companion object {
        /** A longer gap is taken as a discontinuity. */
        const val LONGEST = 10_000_000L

        /** For a video of one frame, which is decoded in every pass. */
        const val STILL = 100_000L
    }
}
