package fomm.demo.ui

import android.app.Activity
import android.app.AlertDialog
import android.content.ActivityNotFoundException
import android.content.ClipData
import android.content.Intent
import android.net.Uri
import android.provider.MediaStore
import fomm.demo.R

/** Dialogs and the system's pickers, whose results arrive in the activity's onActivityResult. */
class Pickers(
    private val activity: Activity,
) {
    /** A dialog with a list of choices: each a label and its action. */
    fun choose(
        title: Int,
        choices: List<Pair<String, () -> Unit>>,
    ) {
        AlertDialog
            .Builder(activity)
            .setTitle(title)
            .setItems(choices.map { it.first }.toTypedArray()) { _, which -> choices[which].second() }
            .setNegativeButton(android.R.string.cancel, null)
            .show()
    }

    /** False if no app can handle it. */
    fun document(
        request: Int,
        vararg types: String,
    ): Boolean {
        val intent =
            Intent(Intent.ACTION_OPEN_DOCUMENT)
                .addCategory(Intent.CATEGORY_OPENABLE)
                .setType(types.singleOrNull() ?: "*/*")
                .putExtra(Intent.EXTRA_MIME_TYPES, types)
        return start(intent, request)
    }

    /** The camera app writes its picture to [to]. */
    fun photo(
        request: Int,
        to: Uri,
    ): Boolean {
        val intent =
            Intent(MediaStore.ACTION_IMAGE_CAPTURE)
                .putExtra(MediaStore.EXTRA_OUTPUT, to)
                .addFlags(Intent.FLAG_GRANT_WRITE_URI_PERMISSION or Intent.FLAG_GRANT_READ_URI_PERMISSION)
        intent.clipData = ClipData.newRawUri(null, to)
        return start(intent, request)
    }

    fun share(video: Uri): Boolean {
        val intent =
            Intent(Intent.ACTION_SEND)
                .setType("video/mp4")
                .putExtra(Intent.EXTRA_STREAM, video)
                .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
        intent.clipData = ClipData.newRawUri(null, video)
        return try {
            activity.startActivity(Intent.createChooser(intent, activity.getString(R.string.share)))
            true
        } catch (_: ActivityNotFoundException) {
            false
        }
    }

    @Suppress("DEPRECATION")
    private fun start(
        intent: Intent,
        request: Int,
    ) = try {
        activity.startActivityForResult(intent, request)
        true
    } catch (_: ActivityNotFoundException) {
        false
    }
}
