package fomm.demo.ui

import android.net.Uri
import fomm.demo.DemoApplication
import fomm.demo.TestModel
import fomm.demo.frames.ArgbPixels
import fomm.demo.frames.FrameExchange
import fomm.demo.frames.FrameSource
import fomm.demo.frames.Orientation
import fomm.demo.frames.SourceProblem
import kotlin.concurrent.thread

/** The app with driving frames that come from neither a camera nor a decoder. */
class TestApplication : DemoApplication() {
    private val model = TestModel("float32")

    /** The kinds of the sources that are open. */
    val open = ArrayList<String>()
    var problem: SourceProblem? = null

    override fun camera(displayDegrees: () -> Int) = source("camera")

    override fun bundledClip() = source("clip")

    override fun video(uri: Uri) = source("video $uri")

    private fun source(kind: String): FrameSource =
        object : FrameSource {
            private var worker: Thread? = null

            override fun start(
                frames: FrameExchange,
                onProblem: (SourceProblem) -> Unit,
            ) {
                open += kind
                problem?.let { return onProblem(it) }
                worker =
                    thread(isDaemon = true) {
                        var next = 1
                        while (!Thread.interrupted()) {
                            val argb = model.pictures[next]
                            frames.put(ArgbPixels(model.manifest.width, model.manifest.height, argb), Orientation())
                            next = next % model.frames.size + 1
                            if (runCatching { Thread.sleep(50) }.isFailure) break
                        }
                    }
            }

            override fun close() {
                worker?.interrupt()
                worker?.join()
                open -= kind
            }
        }
}
