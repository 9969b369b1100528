package fomm.demo.animator

import org.tensorflow.lite.Interpreter
import java.nio.ByteBuffer

/** Durations of the last call of each part, in nanoseconds. */
class Timings {
    var convert = 0L
    var detect = 0L
    var encode = 0L
    var generate = 0L
}

/**
 * Animates one source picture by driving frames, with the graphs of an exported model.
 *
 * Pictures are IntArrays of 0xAARRGGBB, row-major, of the manifest's size. All buffers are allocated once, here.
 * For use by one thread, which also closes it.
 */
class Animator(
    val manifest: Manifest,
    private val detector: Graph,
    private val generator: Graph,
) : AutoCloseable {
    val timings = Timings()

    private val detect = manifest.detector.signature("detect")
    private val encode = manifest.generator.signature("encode")
    private val animate = manifest.generator.signature("animate")

    private val pixels = FloatArray(manifest.height * manifest.width * Manifest.CHANNELS)
    private val picture = detect.inputs.associate { it.name to Graph.buffer(it) }
    private val keypoints = detect.outputs.associate { it.name to Graph.buffer(it) }
    private val encoded = encode.outputs.associate { it.name to Graph.buffer(it) }
    private val motion = animate.inputs.filter { it.name !in encoded }.associate { it.name to Graph.buffer(it) }
    private val animateInputs = (encoded + motion).filterKeys { name -> animate.inputs.any { it.name == name } }
    private val frame = animate.outputs.associate { it.name to Graph.buffer(it) }

    /** Detects the keypoints of a picture. */
    fun detect(argb: IntArray): Keypoints {
        timings.convert = nanos { write(argb) }
        timings.detect = nanos { detector.run("detect", picture, keypoints) }
        return Keypoints(numbers("value")!!, numbers("jacobian"))
    }

    /** Encodes the source picture for the calls of [animate] that follow, and returns its keypoints. */
    fun setSource(argb: IntArray): Keypoints {
        val source = detect(argb)
        timings.encode = nanos { generator.run("encode", picture, encoded) }
        put("kp_source_", source)
        return source
    }

    /** Generates the source with the keypoints [driving], into [argb]. Call [setSource] first. */
    fun animate(
        driving: Keypoints,
        argb: IntArray,
    ) {
        put("kp_driving_", driving)
        timings.generate = nanos { generator.run("animate", animateInputs, frame) }
        timings.convert += nanos { read(argb) }
    }

    override fun close() {
        detector.close()
        generator.close()
    }

    private fun write(argb: IntArray) {
        var at = 0
        for (pixel in argb) {
            pixels[at++] = LEVELS[pixel shr RED and BYTE]
            pixels[at++] = LEVELS[pixel shr GREEN and BYTE]
            pixels[at++] = LEVELS[pixel and BYTE]
        }
        picture.values
            .single()
            .floats()
            .put(pixels)
    }

    private fun read(argb: IntArray) {
        frame.values
            .single()
            .floats()
            .get(pixels)
        var at = 0
        for (i in argb.indices) {
            argb[i] =
                OPAQUE or (level(pixels[at]) shl RED) or (level(pixels[at + 1]) shl GREEN) or level(pixels[at + 2])
            at += Manifest.CHANNELS
        }
    }

    private fun put(
        prefix: String,
        keypoints: Keypoints,
    ) {
        motion["${prefix}value"]?.floats()?.put(keypoints.value)
        keypoints.jacobian?.let { motion["${prefix}jacobian"]?.floats()?.put(it) }
    }

    private fun numbers(name: String): FloatArray? =
        keypoints[name]?.floats()?.let { buffer -> FloatArray(buffer.remaining()).also(buffer::get) }

    private fun ByteBuffer.floats() = apply { rewind() }.asFloatBuffer()

    private inline fun nanos(block: () -> Unit): Long {
        val start = System.nanoTime()
        block()
        return System.nanoTime() - start
    }

    companion object {
        /** Opens both graphs or neither; [open] makes an interpreter from a graph. Throws ModelException. */
        fun open(
            manifest: Manifest,
            files: Map<String, ByteBuffer>,
            open: (ByteBuffer) -> Interpreter,
        ): Animator {
            val detector = graph(manifest.detector, files, open)
            try {
                return Animator(manifest, detector, graph(manifest.generator, files, open))
            } catch (error: ModelException) {
                detector.close()
                throw error
            }
        }

        private fun graph(
            spec: GraphSpec,
            files: Map<String, ByteBuffer>,
            open: (ByteBuffer) -> Interpreter,
        ): Graph {
            val interpreter =
                try {
                    open(files.getValue(spec.file))
                } catch (error: IllegalArgumentException) {
                    throw ModelException(ModelProblem.DOES_NOT_RUN, "${spec.file}: ${error.message}", error)
                } catch (error: IllegalStateException) {
                    throw ModelException(ModelProblem.DOES_NOT_RUN, "${spec.file}: ${error.message}", error)
                }
            return Graph(spec, interpreter)
        }

        private fun level(value: Float) = (value.coerceIn(0f, 1f) * BYTE + HALF).toInt()

        private const val RED = 16
        private const val GREEN = 8
        private const val BYTE = 0xff
        private const val HALF = 0.5f
        private const val OPAQUE = 0xff shl 24
        private val LEVELS = FloatArray(BYTE + 1) { it / BYTE.toFloat() }
    }
}
