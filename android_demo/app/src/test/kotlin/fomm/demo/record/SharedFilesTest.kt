package fomm.demo.record

import android.content.ContentResolver
import android.net.Uri
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import java.io.FileNotFoundException

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34])
class SharedFilesTest {
    private val provider = Robolectric.setupContentProvider(SharedFiles::class.java, "fomm.demo.files")

    @Test
    fun givesARecordingToReadOnly() {
        val context = RuntimeEnvironment.getApplication()
        val file = SharedFiles.file(context, SharedFiles.RECORDINGS, "fomm-1.mp4")
        file.parentFile!!.mkdirs()
        file.writeText("video")
        val uri = SharedFiles.uri(SharedFiles.RECORDINGS, "fomm-1.mp4")
        assertEquals(ContentResolver.SCHEME_CONTENT, uri.scheme)
        assertEquals("video/mp4", provider.getType(uri))
        provider.query(uri, null, null, null, null).use {
            it.moveToFirst()
            assertEquals(listOf("fomm-1.mp4", "5"), listOf(it.getString(0), it.getString(1)))
        }
        assertEquals(5, provider.openFile(uri, "r").use { it.statSize })
        assertThrows(FileNotFoundException::class.java) { provider.openFile(uri, "w") }
    }

    @Test
    fun givesNothingElse() {
        val others =
            listOf(
                "",
                "recordings",
                "models/x.mp4",
                "recordings/..%2F..%2Fsecret.mp4",
                "recordings/a/b.mp4",
                "recordings/.mp4",
            )
        for (path in others) {
            val uri = Uri.parse("content://fomm.demo.files/$path")
            assertThrows(path, FileNotFoundException::class.java) { provider.openFile(uri, "r") }
        }
    }
}
