package fomm.demo.frames

/**
 * When the frames of a video are due, at its own speed: the first at once, whatever its time in the file.
 *
 * All times are microseconds; [now] is any clock that only goes forward.
 */
internal class VideoClock(
    private val now: () -> Long,
) {
    /** The clock's time at the file's time 0; null before the first frame of a pass. */
    private var origin: Long? = null
    private var last = 0L
    private var interval = STILL

    /** How long to wait before a frame is shown. A jump in the file's times is no pause: the frame is due at once. */
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

    /** How long the last frame stays before the next pass: as long as the one before it did. */
    fun waitAtEnd(): Long {
        val begin = origin ?: return 0
        origin = null
        return (begin + last + interval - now()).coerceIn(0, LONGEST)
    }

    private companion object {
        /** A longer pause is not believed. */
        const val LONGEST = 10_000_000L

        /** For a file of one picture, which is decoded again and again. */
        const val STILL = 100_000L
    }
}
