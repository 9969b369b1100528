package fomm.demo.animator

import fomm.demo.TestModel
import fomm.demo.models.ModelFolder
import fomm.demo.models.graphs
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.tensorflow.lite.Interpreter
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import kotlin.math.log10
import kotlin.math.roundToInt
import kotlin.math.sqrt

/** The app's animator on the real runtime, against the results of Python's runtime for the same pictures. */
class AnimatorTest {
    @Test
    fun float32EqualsPython() {
        val model = TestModel("float32")
        val differences = differences(animated(model), model)
        assertTrue("keypoints differ by ${differences.keypoints}", differences.keypoints < 1e-4)
        // Rounding to 8 bits may go either way.
        assertTrue("frames differ by ${differences.levels} levels", differences.levels <= 1)
    }

    @Test
    fun worksWithoutJacobiansNotSquareAndWithoutBlending() {
        val model = TestModel("plain")
        assertNotEquals(model.manifest.width, model.manifest.height)
        assertNull(model.keypoints.first().jacobian)
        val differences = differences(animated(model), model)
        assertTrue("keypoints differ by ${differences.keypoints}", differences.keypoints < 1e-4)
        assertTrue("frames differ by ${differences.levels} levels", differences.levels <= 1)
    }

    /**
     * Runtimes round int8 differently. The result must reach what is required in Python, 38 dB to the float model
     * (export/bars.py), and must be nearer to Python's int8 result than to the float one.
     */
    @Test
    fun bundledModelIsAsGoodAsInPython() {
        val model = TestModel("bundled")
        val results = animated(model)
        val toPython = differences(results, model)
        val toFloat = differences(results, TestModel("float32"))
        println("bundled ${model.manifest.precision}: to Python $toPython, to float32 $toFloat")
        assertTrue("keypoints differ by ${toPython.keypoints}", toPython.keypoints < 0.02)
        assertTrue("$toFloat", toFloat.decibels >= 38)
        assertTrue("$toPython", toPython.decibels >= toFloat.decibels)
        assertTrue("$toPython", toPython.meanLevels < 0.4 && toPython.withinTwo > 0.97)
    }

    @Test
    fun graphsEqualPythonBeforeRounding() {
        val model = TestModel("float32")
        val files = model.files.graphs(model.manifest)
        val generator = Graph(model.manifest.generator, Interpreter(files.getValue(Manifest.GENERATOR)))
        val encode = model.manifest.generator.signature("encode")
        val animate = model.manifest.generator.signature("animate")
        val picture = Graph.buffer(encode.inputs.single())
        model.pictures[0].forEach { argb ->
            for (shift in listOf(16, 8, 0)) picture.putFloat((argb shr shift and 0xff) / 255f)
        }
        val encoded = encode.outputs.associate { it.name to Graph.buffer(it) }
        generator.run("encode", mapOf("picture" to picture), encoded)
        val source = model.keypoints[0]
        val initial = model.keypoints[1]
        for (i in listOf(1, model.frames.lastIndex)) {
            val kp = transferMotion(source, model.keypoints[i + 1], initial, MotionSettings())
            val inputs = encoded + keypoints("kp_source_", source) + keypoints("kp_driving_", kp)
            val frame = Graph.buffer(animate.outputs.single())
            generator.run("animate", inputs, mapOf("frame" to frame))
            frame.rewind()
            model.frames[i].forEach { assertEquals(it, frame.float, 1e-4f) }
        }
        generator.close()
    }

    @Test
    fun anotherSourceGivesAnotherResultAndTheFirstAgain() {
        val model = TestModel("float32")
        model.open().use { animator ->
            val results =
                listOf(0, 1, 0).map { source ->
                    animator.setSource(model.pictures[source])
                    IntArray(model.pictures[0].size).also { animator.animate(model.keypoints[5], it) }
                }
            assertTrue(results[0].contentEquals(results[2]))
            assertTrue(!results[0].contentEquals(results[1]))
        }
    }

    @Test
    fun refusesADamagedGraph() {
        val model = TestModel("float32")
        val files = model.files.graphs(model.manifest)
        val whole = files.getValue(Manifest.GENERATOR)
        val bytes = ByteArray(whole.remaining()).also { whole.duplicate().get(it) }
        val damages =
            mapOf(
                "empty" to ByteArray(0),
                "no flatbuffer" to ByteArray(4096) { 7 },
                "cut" to bytes.copyOf(bytes.size / 2),
                "the other graph" to
                    files.getValue(Manifest.DETECTOR).let { d ->
                        ByteArray(d.remaining()).also { d.duplicate().get(it) }
                    },
            )
        for ((name, damaged) in damages) {
            val buffer = ByteBuffer.allocateDirect(damaged.size).order(ByteOrder.nativeOrder()).put(damaged)
            buffer.rewind()
            val error =
                assertThrows(name, ModelException::class.java) {
                    Animator.open(model.manifest, files + (Manifest.GENERATOR to buffer)) { Interpreter(it) }
                }
            val expected = if (name == "the other graph") ModelProblem.WRONG_TENSORS else ModelProblem.DOES_NOT_RUN
            assertEquals(name, expected, error.problem)
        }
    }

    @Test
    fun refusesAManifestThatLiesAboutShapes() {
        val model = TestModel("float32")
        val animate = model.manifest.generator.signature("animate")
        val lie =
            animate.copy(
                inputs =
                    animate.inputs.map {
                        if (it.name ==
                            "features"
                        ) {
                            it.copy(shape = listOf(1, 64, 64, 64))
                        } else {
                            it
                        }
                    },
            )
        val generator =
            model.manifest.generator.run { copy(signatures = signatures.map { if (it.name == "animate") lie else it }) }
        val error =
            assertThrows(ModelException::class.java) {
                Animator.open(
                    model.manifest.copy(generator = generator),
                    model.files.graphs(model.manifest),
                ) { Interpreter(it) }
            }
        assertEquals(ModelProblem.WRONG_TENSORS, error.problem)
    }

    @Test
    fun missingAndChangedFilesAreFoundBeforeUse() {
        val model = TestModel("float32")
        val folder = createTempDir()
        try {
            model.modelFolder.copyRecursively(folder)
            val generator = folder.resolve(Manifest.GENERATOR)
            generator.writeBytes(generator.readBytes().also { it[it.size / 2] = (it[it.size / 2] + 1).toByte() })
            val files = ModelFolder(folder)
            assertEquals(
                ModelProblem.WRONG_BYTES,
                assertThrows(ModelException::class.java) { files.graphs(model.manifest) }.problem,
            )
            generator.delete()
            assertEquals(
                ModelProblem.MISSING_FILE,
                assertThrows(ModelException::class.java) { files.graphs(model.manifest) }.problem,
            )
        } finally {
            folder.deleteRecursively()
        }
    }

    private data class Differences(
        val keypoints: Float,
        val levels: Int,
        val meanLevels: Double,
        val withinTwo: Double,
        val decibels: Double,
    )

    private class Results(
        val keypoints: List<Keypoints>,
        val frames: List<IntArray>,
    )

    /** The app's results for a model's pictures; the first keypoints are the source's. */
    private fun animated(model: TestModel): Results =
        model.open().use { animator ->
            val source = animator.setSource(model.pictures[0])
            val driving = model.pictures.drop(1).map(animator::detect)
            val frames =
                driving.map { kp ->
                    IntArray(model.pictures[0].size).also {
                        animator.animate(transferMotion(source, kp, driving[0], MotionSettings()), it)
                    }
                }
            Results(listOf(source) + driving, frames)
        }

    private fun differences(
        results: Results,
        expected: TestModel,
    ): Differences {
        assertTrue(expected.frames.size >= 20)
        assertEquals(expected.frames.size, results.frames.size)
        val keypoints = results.keypoints.indices.maxOf { difference(expected.keypoints[it], results.keypoints[it]) }
        val levels = ArrayList<Int>()
        results.frames.forEachIndexed { i, frame ->
            for (pixel in frame.indices) {
                for (channel in 0..2) {
                    val found = frame[pixel] shr (16 - 8 * channel) and 0xff
                    val wanted = expected.frames[i][pixel * 3 + channel].coerceIn(0f, 1f) * 255
                    levels += abs(found - wanted.roundToInt())
                }
            }
        }
        return Differences(
            keypoints,
            levels.max(),
            levels.average(),
            levels.count { it <= 2 } / levels.size.toDouble(),
            20 * log10(255 / sqrt(levels.map { it.toDouble() * it }.average())),
        )
    }

    private fun difference(
        expected: Keypoints,
        found: Keypoints,
    ): Float {
        assertEquals(expected.jacobian == null, found.jacobian == null)
        val a = expected.value + (expected.jacobian ?: FloatArray(0))
        val b = found.value + (found.jacobian ?: FloatArray(0))
        return a.indices.maxOf { abs(a[it] - b[it]) }
    }

    private fun keypoints(
        prefix: String,
        keypoints: Keypoints,
    ) = mapOf("${prefix}value" to buffer(keypoints.value), "${prefix}jacobian" to buffer(keypoints.jacobian!!))

    private fun buffer(numbers: FloatArray): ByteBuffer =
        ByteBuffer
            .allocateDirect(
                numbers.size * 4,
            ).order(ByteOrder.nativeOrder())
            .apply { asFloatBuffer().put(numbers) }
}
