package fomm.demo.frames

/** Why there are no frames. The screen has a message for each. */
enum class SourceProblem { NO_CAMERA, CAMERA_FAILED, VIDEO_FAILED }

/** Puts driving frames into an exchange from its own thread until it is closed. */
interface FrameSource : AutoCloseable {
    /** Returns at once. [onProblem] is called from any thread, at most once; no frames come after it. */
    fun start(
        frames: FrameExchange,
        onProblem: (SourceProblem) -> Unit,
    )

    /** Releases the camera or decoder. No frame is put after it returns. */
    override fun close()
}
