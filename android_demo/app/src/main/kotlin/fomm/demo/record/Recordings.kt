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

/** Where recordings go: unfinished ones to the cache, whole ones to where others can see them. */
class Recordings(
    private val context: Context,
) {
    /** A file to record into. What an earlier recording left that was killed midway is gone. */
    fun newFile(): File {
        val folder = File(context.cacheDir, "recording")
        folder.deleteRecursively()
        folder.mkdirs()
        return File(folder, "fomm-${System.currentTimeMillis()}.mp4")
    }

    /** Moves a finished recording, and returns its content URI. It appears whole or not at all. */
    @Throws(IOException::class)
    fun publish(file: File): Uri =
        try {
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) toGallery(file) else toOwnFolder(file)
        } finally {
            file.delete()
        }

    /** Others do not see it while it is pending. */
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
                ?: throw IOException("the gallery takes no video")
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
        val output = resolver.openOutputStream(uri) ?: throw IOException("the gallery takes no video")
        output.use { out -> file.inputStream().use { it.copyTo(out) } }
    }

    /** Before Android 10 the gallery needs a permission; the app's own folder and sharing do not. */
    private fun toOwnFolder(file: File): Uri {
        val folder = File(context.filesDir, SharedFiles.RECORDINGS).apply { mkdirs() }
        if (!file.renameTo(File(folder, file.name))) throw IOException("cannot move ${file.name}")
        return SharedFiles.uri(SharedFiles.RECORDINGS, file.name)
    }
}
