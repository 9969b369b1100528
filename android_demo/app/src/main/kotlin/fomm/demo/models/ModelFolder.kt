package fomm.demo.models

import java.io.File
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.channels.FileChannel

/** A model in a folder of the file system. */
class ModelFolder(
    private val folder: File,
) : ModelFiles {
    override fun read(name: String): InputStream? = file(name)?.inputStream()

    override fun map(name: String): ByteBuffer? =
        file(name)?.inputStream()?.use { stream ->
            val channel = stream.channel
            channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size()).order(ByteOrder.nativeOrder())
        }

    private fun file(name: String) = File(folder, name).takeIf { it.isFile }
}
