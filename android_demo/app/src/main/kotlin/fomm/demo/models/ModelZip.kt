package fomm.demo.models

import fomm.demo.animator.MAX_MANIFEST_BYTES
import fomm.demo.animator.Manifest
import fomm.demo.animator.ModelException
import fomm.demo.animator.ModelProblem
import fomm.demo.animator.readManifest
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.util.zip.ZipEntry
import java.util.zip.ZipInputStream

/**
 * Unpacks the three files of a zipped model without trusting it.
 *
 * They may be at the top or together in one folder. Other entries are skipped; only the three names are ever written.
 * The archive is read twice, so that the manifest's sizes limit the graphs before any of them is unpacked.
 */
class ModelZip(
    private val open: () -> InputStream,
) {
    /** Unpacks into [folder], which the caller deletes. Throws ModelException. */
    fun unpack(folder: File) {
        var found: Pair<String, Manifest>? = null
        entries { entry, stream ->
            if (found == null && isManifest(entry.name)) {
                val bytes = stream.readUpTo(MAX_MANIFEST_BYTES + 1)
                if (bytes.size > MAX_MANIFEST_BYTES) throw ModelException(ModelProblem.TOO_LARGE, entry.name)
                found = entry.name.removeSuffix(Manifest.FILE) to readManifest(bytes.toString(Charsets.UTF_8))
                writing { File(folder, Manifest.FILE).writeBytes(bytes) }
            }
        }
        val (prefix, manifest) = found ?: throw missing(Manifest.FILE)
        if (manifest.graphs.sumOf { it.bytes } > folder.usableSpace) {
            throw ModelException(ModelProblem.NO_SPACE, manifest.name)
        }
        unpackGraphs(folder, prefix, manifest)
    }

    private fun unpackGraphs(
        folder: File,
        prefix: String,
        manifest: Manifest,
    ) {
        val left = manifest.graphs.associateBy { prefix + it.file }.toMutableMap()
        entries { entry, stream ->
            left.remove(entry.name)?.let { graph ->
                copy(stream, File(folder, graph.file), graph.bytes)
            }
        }
        left.values.firstOrNull()?.let { throw missing(it.file) }
    }

    /** Stops at the first excess byte: the checksum could not match any more. */
    private fun copy(
        stream: InputStream,
        file: File,
        limit: Long,
    ) {
        val buffer = ByteArray(DEFAULT_BUFFER_SIZE)
        var size = 0L
        file.outputStream().use { out ->
            while (true) {
                val count = stream.read(buffer)
                if (count < 0) break
                size += count
                if (size > limit) throw ModelException(ModelProblem.WRONG_BYTES, file.name)
                writing { out.write(buffer, 0, count) }
            }
        }
    }

    private fun entries(visit: (ZipEntry, InputStream) -> Unit) =
        try {
            ZipInputStream(open()).use { zip -> visitAll(zip, visit) }
        } catch (error: IOException) {
            throw ModelException(ModelProblem.NO_ZIP, error.message.orEmpty(), error)
        } catch (error: IllegalArgumentException) {
            // Entry names that are not UTF-8.
            throw ModelException(ModelProblem.NO_ZIP, error.message.orEmpty(), error)
        }

    private fun visitAll(
        zip: ZipInputStream,
        visit: (ZipEntry, InputStream) -> Unit,
    ) {
        val content = Limited(zip)
        var count = 0
        while (true) {
            val entry = zip.nextEntry ?: break
            if (++count > MAX_ENTRIES) throw ModelException(ModelProblem.TOO_LARGE, "$count files")
            if (isUnsafe(entry.name)) throw ModelException(ModelProblem.UNSAFE_PATH, entry.name.take(MAX_SHOWN))
            visit(entry, content)
            content.pass()
        }
        if (count == 0) throw ModelException(ModelProblem.NO_ZIP, "")
    }

    /** The limit on the unpacked size of all entries together, including skipped ones. */
    private class Limited(
        private val stream: InputStream,
    ) : InputStream() {
        private val buffer = ByteArray(DEFAULT_BUFFER_SIZE)
        private var left = MAX_UNPACKED_BYTES

        override fun read(): Int = throw UnsupportedOperationException()

        override fun read(
            bytes: ByteArray,
            offset: Int,
            length: Int,
        ): Int {
            val count = stream.read(bytes, offset, length)
            left -= maxOf(count, 0)
            if (left < 0) throw ModelException(ModelProblem.TOO_LARGE, "zip")
            return count
        }

        /** Skips the rest of an entry; ZipInputStream would do so without a limit. */
        fun pass() {
            while (read(buffer, 0, buffer.size) >= 0) Unit
        }
    }

    companion object {
        const val MAX_UNPACKED_BYTES = 512L shl 20
        const val MAX_ENTRIES = 100
        private const val MAX_SHOWN = 80

        private fun isUnsafe(name: String) =
            name.startsWith("/") || name.any { it in "\\:\u0000" } || ".." in name.split("/")

        /** At the top or one folder down, but not in the folder of metadata that macOS adds. */
        private fun isManifest(name: String) =
            name.substringAfterLast("/") == Manifest.FILE && name.count { it == '/' } <= 1 &&
                !name.startsWith("__MACOSX")

        private inline fun writing(block: () -> Unit) =
            try {
                block()
            } catch (error: IOException) {
                throw ModelException(ModelProblem.NO_SPACE, error.message.orEmpty(), error)
            }
    }
}
