package fomm.demo.models

import fomm.demo.animator.GraphSpec
import fomm.demo.animator.MAX_MANIFEST_BYTES
import fomm.demo.animator.Manifest
import fomm.demo.animator.ModelException
import fomm.demo.animator.ModelProblem
import fomm.demo.animator.readManifest
import java.io.InputStream
import java.nio.ByteBuffer
import java.security.MessageDigest

/** The three files of an exported model, in the app's assets or in a folder. */
interface ModelFiles {
    /** Null if there is no such file. */
    fun read(name: String): InputStream?

    /** The whole file as a direct buffer, memory-mapped if possible; null if there is no such file. */
    fun map(name: String): ByteBuffer?
}

/** The manifest of a model. Throws ModelException. */
fun ModelFiles.manifest(): Manifest {
    val bytes = read(Manifest.FILE)?.use { it.readUpTo(MAX_MANIFEST_BYTES + 1) } ?: throw missing(Manifest.FILE)
    if (bytes.size > MAX_MANIFEST_BYTES) throw ModelException(ModelProblem.TOO_LARGE, Manifest.FILE)
    return readManifest(bytes.toString(Charsets.UTF_8))
}

/** The graphs of a model, verified by the manifest's sizes and checksums. Throws ModelException. */
fun ModelFiles.graphs(manifest: Manifest): Map<String, ByteBuffer> =
    manifest.graphs.associate { graph ->
        val content = map(graph.file) ?: throw missing(graph.file)
        check(graph, content)
        graph.file to content
    }

private fun check(
    graph: GraphSpec,
    content: ByteBuffer,
) {
    val digest = MessageDigest.getInstance("SHA-256").apply { update(content.duplicate()) }.digest()
    val sha256 = digest.joinToString("") { "%02x".format(it) }
    if (content.remaining().toLong() != graph.bytes || sha256 != graph.sha256) {
        throw ModelException(ModelProblem.WRONG_BYTES, graph.file)
    }
}

internal fun missing(name: String) = ModelException(ModelProblem.MISSING_FILE, name)

/** Reads at most [limit] bytes. */
internal fun InputStream.readUpTo(limit: Int): ByteArray {
    val bytes = ByteArray(limit)
    var size = 0
    while (size < limit) {
        val count = read(bytes, size, limit - size)
        if (count < 0) break
        size += count
    }
    return bytes.copyOf(size)
}
