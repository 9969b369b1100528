package fomm.demo.frames

/** A driving frame of the model's size, and how long it took to make it so. */
class Frame(
    size: Int,
) {
    val argb = IntArray(size)
    var convertNanos = 0L
}

/**
 * Hands frames from one source's thread to one inference thread. Keeps only the newest: what comes while inference
 * is at work replaces what waits. Three buffers, allocated once.
 */
class FrameExchange(
    val width: Int,
    val height: Int,
    private val onNew: () -> Unit,
) {
    private var filling = Frame(width * height)
    private var waiting = Frame(width * height)
    private var taken = Frame(width * height)
    private var hasNew = false
    private var fit: Fit? = null

    /** Called by the source for each of its frames, whose size may change. Those of [hdr] are tone-mapped. */
    fun put(
        pixels: Pixels,
        orientation: Orientation,
        hdr: Hdr? = null,
    ) {
        val start = System.nanoTime()
        val fit =
            fit?.takeIf { it.suits(pixels, orientation) }
                ?: Fit(pixels.width, pixels.height, orientation, width, height).also { fit = it }
        fit.apply(pixels, filling.argb)
        hdr?.toSdr(filling.argb)
        filling.convertNanos = System.nanoTime() - start
        synchronized(this) {
            filling = waiting.also { waiting = filling }
            hasNew = true
        }
        onNew()
    }

    /** Called by inference: the newest frame, its own until the next call, or null if there is none. */
    fun take(): Frame? =
        synchronized(this) {
            if (!hasNew) return null
            hasNew = false
            waiting = taken.also { taken = waiting }
            taken
        }
}
