package fomm.demo.models

import android.content.res.AssetManager
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.channels.FileChannel

/** The bundled model, in the app's assets. Its graphs are stored uncompressed, so that they can be memory-mapped. */
class AssetModel(
    private val assets: AssetManager,
    private val folder: String,
) : ModelFiles {
    override fun read(name: String): InputStream? =
        try {
            assets.open("$folder/$name")
        } catch (_: FileNotFoundException) {
            null
        }

    override fun map(name: String): ByteBuffer? =
        try {
            assets.openFd("$folder/$name").use { file ->
                file.createInputStream().use { stream ->
                    stream.channel
                        .map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.declaredLength)
                        .order(ByteOrder.nativeOrder())
                }
            }
        } catch (_: IOException) {
            null
        }
}
