package fomm.demo.animator

import fomm.demo.TestModel
import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class ManifestTest {
    private val text = TestModel("float32").modelFolder.resolve(Manifest.FILE).readText()

    @Test
    fun readsWhatTheExporterWrites() {
        val manifest = readManifest(text)
        assertEquals("cartoon-faces", manifest.name)
        assertEquals("float32", manifest.precision)
        assertEquals(listOf("detect"), manifest.detector.signatures.map { it.name })
        assertEquals(
            setOf("encode", "animate"),
            manifest.generator.signatures
                .map { it.name }
                .toSet(),
        )
    }

    @Test
    fun doesNotMindWhatItDoesNotKnow() {
        val data = JSONObject(text).put("later", JSONArray(listOf(1, 2)))
        data.remove("difference")
        data.remove("config")
        assertEquals("cartoon-faces", readManifest(data.toString()).name)
    }

    @Test
    fun refusesWhatIsNoManifest() {
        for (wrong in listOf(
            "",
            "[]",
            "{",
            "null",
            "{}",
            "\u0000",
            "[".repeat(100_000),
            text.dropLast(100),
        )) {
            refused(wrong)
        }
    }

    @Test
    fun refusesContradictions() {
        refusedWith("format") { put("format", 2) }
        refusedWith("one side") { put("size", JSONArray(listOf(128))) }
        refusedWith("another size") { put("size", JSONArray(listOf(128, 256))) }
        refusedWith("negative size") { put("size", JSONArray(listOf(-128, 128))) }
        refusedWith("huge size") { put("size", JSONArray(listOf(1 shl 30, 1 shl 30))) }
        refusedWith("text as a side") { put("size", JSONArray(listOf("128", "128"))) }
        refusedWith("one graph") { getJSONArray("graphs").remove(1) }
        refusedWith("path in a name") { graph(0).put("file", "../keypoint_detector.tflite") }
        refusedWith("no bytes") { graph(0).put("bytes", 0) }
        refusedWith("too many bytes") { graph(0).put("bytes", 1L shl 40) }
        refusedWith("no checksum") { graph(0).put("sha256", "abc") }
        refusedWith("no animate") { signature(1, "animate").put("name", "run") }
        refusedWith("no value") { signature(0, "detect").getJSONArray("outputs").remove(0) }
        refusedWith("keypoints of two kinds") { input("kp_driving_value").put("shape", JSONArray(listOf(1, 11, 2))) }
        refusedWith("features of two kinds") { input("features").put("shape", JSONArray(listOf(1, 1, 1, 1))) }
        refusedWith("an unknown input") { input("features").put("name", "noise") }
        refusedWith("bytes for floats") { input("features").put("type", "uint8") }
        refusedWith("an overflowing shape") { input("features").put("shape", JSONArray(List(6) { 4096 })) }
        refusedWith("an input twice") {
            signature(1, "animate").getJSONArray("inputs").run { put(getJSONObject(0)) }
        }
    }

    private fun JSONObject.graph(index: Int) = getJSONArray("graphs").getJSONObject(index)

    private fun JSONObject.signature(
        graph: Int,
        name: String,
    ) = graph(graph).getJSONArray("signatures").objects().first { it.getString("name") == name }

    private fun JSONObject.input(name: String) =
        signature(1, "animate").getJSONArray("inputs").objects().first { it.getString("name") == name }

    private fun JSONArray.objects() = (0 until length()).map { getJSONObject(it) }

    private fun refusedWith(
        what: String,
        change: JSONObject.() -> Unit,
    ) = refused(JSONObject(text).apply(change).toString(), what)

    private fun refused(
        wrong: String,
        what: String = wrong.take(20),
    ) {
        val error = assertThrows(what, ModelException::class.java) { readManifest(wrong) }
        assertEquals(what, ModelProblem.BAD_MANIFEST, error.problem)
    }
}
