package fomm.demo.record

import android.content.ContentResolver
import android.content.ContentValues
import android.content.Context
import android.net.Uri
import android.os.Build
import android.os.Environment
import android.provider.MediaStore
import java.io.File
import java.io.IOException

/** Where recordings are stored: in the cache until complete, then in the gallery or the app's own folder. */
class Recordings(
    private val context: Context,
) {
    /** A new file to record to. Deletes the remains of a recording that was killed. */
    fun newFile(): File {
        val folder = File(context.cacheDir, "recording")
        folder.deleteRecursively()
        folder.mkdirs()
        return File(folder, "fomm-${System.currentTimeMillis()}.mp4")
    }

    /** Publishes a complete recording, all or nothing, and returns its content URI. */
    @Throws(IOException::class)
    fun publish(file: File): Uri =
        try {
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) toGallery(file) else toOwnFolder(file)
        } finally {
            file.delete()
        }

    /** A pending entry is invisible to other apps. */
    private fun toGallery(file: File): Uri {
        val resolver = context.contentResolver
        val values =
            ContentValues().apply {
                put(MediaStore.Video.Media.DISPLAY_NAME, file.name)
                put(MediaStore.Video.Media.MIME_TYPE, "video/mp4")
                put(MediaStore.Video.Media.RELATIVE_PATH, Environment.DIRECTORY_MOVIES)
                put(MediaStore.Video.Media.IS_PENDING, 1)
            }
        val uri =
            resolver.insert(MediaStore.Video.Media.EXTERNAL_CONTENT_URI, values)
                ?: throw IOException("the gallery rejected the video")
        try {
            copy(file, resolver, uri)
            val done = ContentValues().apply { put(MediaStore.Video.Media.IS_PENDING, 0) }
            resolver.update(uri, done, null, null)
            return uri
        } catch (error: IOException) {
            resolver.delete(uri, null, null)
            throw error
        }
    }

    private fun copy(
        file: File,
        resolver: ContentResolver,
        uri: Uri,
    ) {
        val output = resolver.openOutputStream(uri) ?: throw IOException("the gallery rejected the video")
        output.use { out -> file.inputStream().use { it.copyTo(out) } }
    }

    /** Before Android 10, writing to the gallery needs a permission; sharing from the app's own folder does not. */
    private fun toOwnFolder(file: File): Uri {
        val folder = File(context.filesDir, SharedFiles.RECORDINGS).apply { mkdirs() }
        if (!file.renameTo(File(folder, file.name))) throw IOException("cannot move ${file.name}")
        return SharedFiles.uri(SharedFiles.RECORDINGS, file.name)
    }
}
