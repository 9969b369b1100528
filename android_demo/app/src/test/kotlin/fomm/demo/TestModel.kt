package fomm.demo

import fomm.demo.animator.Animator
import fomm.demo.animator.Keypoints
import fomm.demo.models.ModelFolder
import fomm.demo.models.graphs
import fomm.demo.models.manifest
import org.tensorflow.lite.Interpreter
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A model from tools/test_data.py with its pictures, and the results of Python's runtime for them. */
class TestModel(
    name: String,
) {
    private val folder = File(buildFolder, "test-models/$name")
    val modelFolder = File(folder, "model")
    val files = ModelFolder(modelFolder)
    val manifest = files.manifest()
    private val hasJacobian = manifest.detector.signature("detect").output("jacobian") != null
    private val count =
        manifest.detector
            .signature("detect")
            .output("value")!!
            .shape[1]

    /** The source, then the driving frames. */
    val pictures: List<IntArray> = readPictures()

    /** Of all pictures. */
    val keypoints: List<Keypoints> = readKeypoints()

    /** Of the driving frames: red, green, blue in [0, 1]. */
    val frames: List<FloatArray> =
        floats("frames.f32").let { all ->
            val size = manifest.width * manifest.height * 3
            List(all.size / size) { all.copyOfRange(it * size, (it + 1) * size) }
        }

    fun open() = Animator.open(manifest, files.graphs(manifest)) { Interpreter(it) }

    private fun readPictures(): List<IntArray> {
        val bytes = File(folder, "pictures.rgb").readBytes()
        val size = manifest.width * manifest.height
        return List(bytes.size / size / 3) { picture ->
            IntArray(size) { pixel ->
                val at = (picture * size + pixel) * 3
                (0xff shl 24) or (bytes.level(at) shl 16) or (bytes.level(at + 1) shl 8) or bytes.level(at + 2)
            }
        }
    }

    private fun readKeypoints(): List<Keypoints> {
        val numbers = floats("keypoints.f32")
        val perPicture = count * if (hasJacobian) 6 else 2
        return List(numbers.size / perPicture) {
            val start = it * perPicture
            val value = numbers.copyOfRange(start, start + count * 2)
            Keypoints(value, if (hasJacobian) numbers.copyOfRange(start + count * 2, start + perPicture) else null)
        }
    }

    private fun floats(name: String): FloatArray {
        val buffer = ByteBuffer.wrap(File(folder, name).readBytes()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        return FloatArray(buffer.remaining()).also(buffer::get)
    }

    private fun ByteArray.level(at: Int) = this[at].toInt() and 0xff

    companion object {
        val buildFolder = File(System.getProperty("build")!!)
    }
}
