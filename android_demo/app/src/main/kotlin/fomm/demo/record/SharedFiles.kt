package fomm.demo.record

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException

/**
 * Shares files by URI permission: recordings, to be read by other apps, and the photo that a camera app is to write.
 */
class SharedFiles : ContentProvider() {
    override fun onCreate() = true

    override fun getType(uri: Uri) = if (uri.pathSegments.firstOrNull() == RECORDINGS) "video/mp4" else "image/jpeg"

    @Throws(FileNotFoundException::class)
    override fun openFile(
        uri: Uri,
        mode: String,
    ): ParcelFileDescriptor {
        val file = file(uri)
        val mayWrite = uri.pathSegments.first() == PHOTOS
        if (mode != "r" && !mayWrite) throw FileNotFoundException("$uri is read only")
        if (mayWrite) file.parentFile?.mkdirs()
        return ParcelFileDescriptor.open(file, ParcelFileDescriptor.parseMode(mode))
    }

    override fun query(
        uri: Uri,
        projection: Array<String>?,
        selection: String?,
        selectionArgs: Array<String>?,
        sortOrder: String?,
    ): Cursor {
        val file = file(uri)
        val known = mapOf<String, Any>(OpenableColumns.DISPLAY_NAME to file.name, OpenableColumns.SIZE to file.length())
        val columns = (projection?.filter { it in known } ?: known.keys).toTypedArray()
        return MatrixCursor(columns).apply { addRow(columns.map { known[it] }) }
    }

    override fun insert(
        uri: Uri,
        values: ContentValues?,
    ): Uri? = null

    override fun update(
        uri: Uri,
        values: ContentValues?,
        selection: String?,
        selectionArgs: Array<String>?,
    ) = 0

    override fun delete(
        uri: Uri,
        selection: String?,
        selectionArgs: Array<String>?,
    ) = 0

    /** Accepts only what [uri] creates: one of the two folders, and a file name without a path. */
    private fun file(uri: Uri): File {
        val context = context ?: throw FileNotFoundException("$uri")
        val (folder, name) = uri.pathSegments.takeIf { it.size == 2 } ?: throw FileNotFoundException("$uri")
        if (folder !in listOf(RECORDINGS, PHOTOS) || !name.matches(NAME)) throw FileNotFoundException("$uri")
        return file(context, folder, name)
    }

    companion object {
        const val RECORDINGS = "recordings"
        const val PHOTOS = "photos"
        private const val AUTHORITY = "fomm.demo.files"
        private val NAME = Regex("[a-z0-9-]+\\.(mp4|jpg)")

        fun file(
            context: Context,
            folder: String,
            name: String,
        ) = File(File(if (folder == PHOTOS) context.cacheDir else context.filesDir, folder), name)

        fun uri(
            folder: String,
            name: String,
        ): Uri =
            Uri
                .Builder()
                .scheme("content")
                .authority(AUTHORITY)
                .appendPath(folder)
                .appendPath(name)
                .build()
    }
}
