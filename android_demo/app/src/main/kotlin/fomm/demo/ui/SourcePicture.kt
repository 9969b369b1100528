package fomm.demo.ui

import android.content.Context
import android.graphics.Bitmap
import fomm.demo.frames.readPicture
import java.io.File
import java.io.IOException
import java.io.InputStream

/** The source picture: the bundled one, or a copy of the user's, since the permission to read that does not last. */
class SourcePicture(
    private val context: Context,
) {
    private val file = File(context.filesDir, "source.png")

    val isBundled get() = !file.isFile

    fun read(): Bitmap? = readPicture { if (isBundled) context.assets.open(BUNDLED) else file.inputStream() }

    /** False, with nothing changed, if it cannot be decoded. */
    fun replace(open: () -> InputStream?): Boolean {
        val bitmap = readPicture(open) ?: return false
        val unfinished = File(context.filesDir, "source.new")
        return try {
            unfinished.outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 0, it) } &&
                unfinished.renameTo(file)
        } catch (_: IOException) {
            false
        } finally {
            unfinished.delete()
        }
    }

    fun useBundled() {
        file.delete()
    }

    private companion object {
        const val BUNDLED = "source.png"
    }
}
