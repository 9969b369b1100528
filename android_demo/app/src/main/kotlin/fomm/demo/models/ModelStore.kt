package fomm.demo.models

import fomm.demo.animator.Manifest
import fomm.demo.animator.ModelException
import fomm.demo.animator.ModelProblem
import java.io.File
import java.io.IOException
import java.io.InputStream

/** A model that can be chosen. [id] is null for the bundled one, otherwise the name of its folder. */
class StoredModel(
    val id: String?,
    val manifest: Manifest,
    val files: ModelFiles,
)

/**
 * The bundled model and the imported ones, each in its own folder under [root].
 *
 * [tryOut] runs a model once and throws ModelException if that fails; no model is kept that did not pass.
 */
class ModelStore(
    private val root: File,
    private val bundled: ModelFiles,
    private val tryOut: (Manifest, ModelFiles) -> Unit,
) {
    /** The bundled model. Throws ModelException if the app was built without one. */
    fun bundled() = StoredModel(null, bundled.manifest(), bundled)

    /** All models, the bundled one first. Folders without a readable manifest are skipped. */
    fun list(): List<StoredModel> = listOf(bundled()) + folders().mapNotNull(::stored)

    /** The model with this id, or the bundled one if it no longer exists. */
    fun find(id: String?): StoredModel = folders().firstOrNull { it.name == id }?.let(::stored) ?: bundled()

    /** Imports a zipped model. Throws ModelException, and keeps nothing, unless it passes all checks. */
    fun import(zip: () -> InputStream): StoredModel {
        // The remains of an import that was killed.
        root
            .listFiles()
            .orEmpty()
            .filter { it.name.startsWith(INCOMING) }
            .forEach { it.deleteRecursively() }
        val incoming = File(root, INCOMING + System.nanoTime())
        try {
            if (!incoming.mkdirs()) throw ModelException(ModelProblem.NO_SPACE, root.name)
            ModelZip(zip).unpack(incoming)
            val files = ModelFolder(incoming)
            val manifest = files.manifest()
            tryOut(manifest, files)
            val folder = File(root, folderName(manifest))
            if (!folder.isDirectory && !incoming.renameTo(folder)) {
                throw ModelException(ModelProblem.NO_SPACE, folder.name)
            }
            return StoredModel(folder.name, manifest, ModelFolder(folder))
        } catch (error: IOException) {
            throw ModelException(ModelProblem.NO_SPACE, error.message.orEmpty(), error)
        } finally {
            incoming.deleteRecursively()
        }
    }

    /** Removes an imported model. */
    fun remove(id: String) {
        folders().firstOrNull { it.name == id }?.deleteRecursively()
    }

    private fun folders() =
        root
            .listFiles()
            .orEmpty()
            .filter { it.isDirectory && !it.name.startsWith(INCOMING) }
            .sorted()

    private fun stored(folder: File): StoredModel? =
        try {
            val files = ModelFolder(folder)
            StoredModel(folder.name, files.manifest(), files)
        } catch (_: ModelException) {
            null
        }

    companion object {
        private const val INCOMING = ".incoming-"
        private const val CHECKSUM = 12

        /** Importing the same model twice gives one model. */
        private fun folderName(manifest: Manifest) =
            manifest.name.replace(Regex("[^A-Za-z0-9-]"), "_") + "-" +
                manifest.graphs.joinToString("-") { it.sha256.take(CHECKSUM) }
    }
}
