package fomm.demo.models

import fomm.demo.TestModel
import fomm.demo.animator.Manifest
import fomm.demo.animator.ModelException
import fomm.demo.animator.ModelProblem
import fomm.demo.tryOut
import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.security.MessageDigest
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

/** Imports, most of them hostile: each of those ends in a ModelException and leaves nothing behind. */
class ModelStoreTest {
    @get:Rule val temporary = TemporaryFolder()

    private val model = TestModel("plain")
    private val names = listOf(Manifest.FILE, Manifest.DETECTOR, Manifest.GENERATOR)
    private val whole = names.associateWith { model.modelFolder.resolve(it).readBytes() }
    private val root by lazy { File(temporary.root, "models") }
    private val store by lazy { ModelStore(root, TestModel("bundled").files, ::tryOut) }

    @Test
    fun keepsAWholeModelAndFindsItAgain() {
        val imported = import(whole)
        assertEquals("plain", imported.manifest.name)
        assertEquals(listOf(null, imported.id), store.list().map { it.id })
        assertEquals("plain", ModelStore(root, model.files, ::tryOut).find(imported.id).manifest.name)
        assertEquals("the same model twice is one", imported.id, import(whole).id)
        assertEquals(listOf(imported.id), root.list()!!.toList())
        store.remove(imported.id!!)
        assertEquals(null, store.find(imported.id).id)
    }

    @Test
    fun takesAFolderInsideAndPassesOverOtherFiles() {
        val inside = whole.mapKeys { "exported/${it.key}" }
        val more = mapOf("__MACOSX/manifest.json" to ByteArray(9), "README" to ByteArray(99), "exported/" to null)
        assertEquals("plain", import(more + inside).manifest.name)
        assertEquals(
            names.toSet(),
            root
                .listFiles()!!
                .single()
                .list()!!
                .toSet(),
        )
    }

    @Test
    fun refusesPathsThatLeaveTheFolder() {
        for (path in listOf(
            "../evil",
            "a/../../evil",
            "/etc/evil",
            "..\\evil",
            "C:evil",
            "exported/../../manifest.json",
        )) {
            refused(ModelProblem.UNSAFE_PATH, whole + (path to ByteArray(1)))
        }
        assertEquals(emptyList<String>(), temporary.root.list()!!.filter { "evil" in it })
    }

    @Test
    fun refusesWhatIsMissing() {
        for (name in names) refused(ModelProblem.MISSING_FILE, whole - name)
        refused(ModelProblem.MISSING_FILE, mapOf("deep/er/manifest.json" to whole.getValue(Manifest.FILE)))
        // Graphs in another folder do not belong to this manifest.
        refused(
            ModelProblem.MISSING_FILE,
            whole.mapKeys {
                if (it.key ==
                    Manifest.GENERATOR
                ) {
                    "b/${it.key}"
                } else {
                    "a/${it.key}"
                }
            },
        )
    }

    @Test
    fun refusesOtherBytes() {
        val generator = whole.getValue(Manifest.GENERATOR)
        val changed = generator.copyOf().also { it[generator.size / 2] = 77 }
        refused(ModelProblem.WRONG_BYTES, whole + (Manifest.GENERATOR to changed))
        refused(ModelProblem.WRONG_BYTES, whole + (Manifest.GENERATOR to generator.copyOf(generator.size - 1)))
        refused(ModelProblem.WRONG_BYTES, whole + (Manifest.GENERATOR to generator + 0))
        refused(ModelProblem.WRONG_BYTES, whole + (Manifest.GENERATOR to ByteArray(0)))
    }

    @Test
    fun refusesBombs() {
        val zeros = ByteArray(1 shl 20)
        // A graph that unpacks to more than its manifest says is stopped there.
        refused(
            ModelProblem.WRONG_BYTES,
            whole - Manifest.GENERATOR,
            Manifest.GENERATOR to { repeat(64) { put(zeros) } },
        )
        // So is an endless manifest, and any other entry that is only there to be unpacked.
        refused(ModelProblem.TOO_LARGE, whole - Manifest.FILE, Manifest.FILE to { repeat(64) { put(zeros) } })
        refused(ModelProblem.TOO_LARGE, whole, "other" to { repeat(600) { put(zeros) } })
        refused(ModelProblem.TOO_LARGE, whole + (0..200).associate { "file$it" to ByteArray(0) })
    }

    @Test
    fun refusesWhatIsNoZip() {
        for (bytes in listOf(ByteArray(0), ByteArray(5000) { it.toByte() }, zip(whole).copyOf(1000))) {
            assertEquals(ModelProblem.NO_ZIP, importError { bytes.inputStream() }.problem)
        }
        assertEquals(ModelProblem.NO_ZIP, importError { throw IOException("gone") }.problem)
        nothingIsLeft()
    }

    @Test
    fun refusesManifestsThatLie() {
        refused(ModelProblem.BAD_MANIFEST, whole + (Manifest.FILE to "{}".toByteArray()))
        refused(ModelProblem.NO_SPACE, withManifest { graph(1).put("bytes", Int.MAX_VALUE.toLong()) }, room = 1L shl 30)
        // Shapes that match each other, but not the file.
        val lying =
            withManifest {
                for (signature in objects(graph(1).getJSONArray("signatures"))) {
                    for (side in listOf("inputs", "outputs")) {
                        objects(signature.getJSONArray(side))
                            .filter { it.getString("name") == "features" }
                            .forEach { it.put("shape", JSONArray(listOf(1, 512, 512, 64))) }
                    }
                }
            }
        refused(ModelProblem.WRONG_TENSORS, lying)
    }

    @Test
    fun refusesADamagedGraphWithTheRightChecksum() {
        val damaged = whole.getValue(Manifest.GENERATOR).copyOf(4000)
        val lying =
            withManifest {
                graph(1).put("bytes", damaged.size)
                graph(
                    1,
                ).put(
                    "sha256",
                    MessageDigest.getInstance("SHA-256").digest(damaged).joinToString("") { "%02x".format(it) },
                )
            }
        refused(ModelProblem.DOES_NOT_RUN, lying + (Manifest.GENERATOR to damaged))
    }

    @Test
    fun passesOverFoldersThatAreNoModels() {
        File(root, "broken").mkdirs()
        File(root, ".incoming-1").mkdirs()
        File(root, "file").writeText("")
        assertEquals(1, store.list().size)
        import(whole)
        assertTrue("an import clears what an earlier one left", !File(root, ".incoming-1").exists())
    }

    private fun import(files: Map<String, ByteArray?>) =
        zip(files).let { bytes -> store.import { bytes.inputStream() } }

    private fun refused(
        problem: ModelProblem,
        files: Map<String, ByteArray?>,
        vararg written: Pair<String, ZipOutputStream.() -> Unit>,
        room: Long? = null,
    ) {
        // With enough space for the claimed size, it is the size that is found to be wrong.
        if (room != null && temporary.root.usableSpace > room) {
            return refused(ModelProblem.WRONG_BYTES, files)
        }
        val bytes = zip(files, *written)
        assertEquals(problem, importError { bytes.inputStream() }.problem)
        nothingIsLeft()
    }

    private fun importError(open: () -> InputStream) = assertThrows(ModelException::class.java) { store.import(open) }

    private fun nothingIsLeft() = assertEquals(emptyList<String>(), root.list().orEmpty().toList())

    private fun zip(
        files: Map<String, ByteArray?>,
        vararg written: Pair<String, ZipOutputStream.() -> Unit>,
    ): ByteArray {
        val bytes = ByteArrayOutputStream()
        ZipOutputStream(bytes).use { zip ->
            for ((name, content) in files) {
                zip.putNextEntry(ZipEntry(name))
                content?.let { zip.put(it) }
            }
            for ((name, write) in written) {
                zip.putNextEntry(ZipEntry(name))
                zip.write()
            }
        }
        return bytes.toByteArray()
    }

    private fun ZipOutputStream.put(bytes: ByteArray) = write(bytes, 0, bytes.size)

    private fun withManifest(change: JSONObject.() -> Unit): Map<String, ByteArray> {
        val data = JSONObject(whole.getValue(Manifest.FILE).decodeToString()).apply(change)
        return whole + (Manifest.FILE to data.toString().toByteArray())
    }

    private fun JSONObject.graph(index: Int) = getJSONArray("graphs").getJSONObject(index)

    private fun objects(array: JSONArray) = (0 until array.length()).map { array.getJSONObject(it) }
}
