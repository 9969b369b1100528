package fomm.demo.frames

/** A driving frame at the model's size, and how long the conversion took. */
class Frame(
    size: Int,
) {
    val argb = IntArray(size)
    var convertNanos = 0L
}

/**
 * Hands frames from a source's thread to the inference thread. Only the newest is kept: a frame that arrives during
 * inference replaces the one that waits. Triple buffering; the buffers are allocated once.
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

    /** Called by the source for each frame; sizes may differ. Frames with an [hdr] transfer are tone-mapped. */
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

    /** Called by the inference thread: the newest frame, valid until the next call, or null if there is none. */
    fun take(): Frame? =
        synchronized(this) {
            if (!hasNew) return null
            hasNew = false
            waiting = taken.also { taken = waiting }
            taken
        }
}
