package fomm.demo.frames

import android.content.res.AssetFileDescriptor
import android.graphics.ImageFormat
import android.graphics.Rect
import android.media.MediaFormat
import android.os.ParcelFileDescriptor
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.io.File
import java.util.concurrent.CountDownLatch
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit

/** The player with the fake extractor and decoder of FakeVideo.kt. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], shadows = [FakeExtractor::class, FakeDecoder::class])
class VideoSourceTest {
    private val frames = LinkedBlockingQueue<List<Int>>()
    private val exchange: FrameExchange = FrameExchange(2, 2) { frames.add(newest()) }

    @Test
    fun turnsAndFitsFramesWhoseSizeChanges() {
        // Dark above, light below; after the rotation by 90 degrees the dark half is on the right.
        val wide = picture(Rect(2, 2, 34, 18)) { _, y -> if (y < 8) 16 else 235 }
        val high = picture(Rect(0, 0, 16, 32)) { _, y -> if (y < 16) 16 else 235 }
        val track = format(MediaFormat.KEY_ROTATION to 90)
        play(FakeVideo.Track(track, listOf(decoded(0, wide), decoded(1000, high)))) {
            assertEquals(listOf(WHITE, BLACK, WHITE, BLACK), next())
            assertEquals("another size", listOf(WHITE, BLACK, WHITE, BLACK), next())
            assertEquals("the next pass", listOf(WHITE, BLACK, WHITE, BLACK), next())
        }
    }

    @Test
    fun theStillOfAMotionPhotoIsNotPlayed() {
        val still = format(MediaFormat.KEY_DURATION to 33_000L)
        val moving = format(MediaFormat.KEY_DURATION to 3_000_000L)
        val black = decoded(0, picture { _, _ -> 16 })
        val white = decoded(0, picture { _, _ -> 235 })
        play(FakeVideo.Track(still, listOf(black)), FakeVideo.Track(moving, listOf(white))) {
            assertEquals(List(4) { WHITE }, next())
        }
    }

    @Test
    fun hdrOfTenBitsIsToneMapped() {
        val track =
            format(
                MediaFormat.KEY_COLOR_STANDARD to MediaFormat.COLOR_STANDARD_BT2020,
                MediaFormat.KEY_COLOR_TRANSFER to MediaFormat.COLOR_TRANSFER_HLG,
            )
        // HLG reference white, 75 %, in limited range.
        val white = picture(form = ImageFormat.YCBCR_P010) { _, _ -> 180 }
        play(FakeVideo.Track(track, listOf(decoded(0, white)))) {
            for (pixel in next()) assertTrue("%06x".format(pixel), pixel and 0xff in 245..249)
        }
    }

    @Test
    fun aLateStartIsNotWaitedFor() {
        val grey = picture { _, _ -> 100 }
        val begin = System.nanoTime()
        play(FakeVideo.Track(format(), List(20) { decoded(100_000_000L + it * 20_000, grey) })) {
            repeat(20) { next() }
            val millis = (System.nanoTime() - begin) / 1_000_000
            assertTrue("$millis ms", millis in 380..10_000)
        }
    }

    @Test
    fun aPictureThatCannotBeReadIsAProblemAndNoCrash() {
        val layouts =
            listOf<() -> FakeImage>(
                { throw UnsupportedOperationException("unsupported bit depth") },
                { throw IllegalStateException("the codec failed") },
                picture(form = ImageFormat.YUV_422_888) { _, _ -> 16 },
            )
        for (layout in layouts) {
            val failed = CountDownLatch(1)
            play(FakeVideo.Track(format(), listOf(decoded(0, layout))), onProblem = failed::countDown) {
                assertTrue(failed.await(20, TimeUnit.SECONDS))
            }
        }
    }

    @Test
    fun aFileWithoutPicturesIsAProblem() {
        val failed = CountDownLatch(1)
        val sound = MediaFormat().apply { setString(MediaFormat.KEY_MIME, "audio/opus") }
        play(FakeVideo.Track(sound, emptyList()), onProblem = failed::countDown) {
            assertTrue(failed.await(20, TimeUnit.SECONDS))
        }
    }

    private fun play(
        vararg tracks: FakeVideo.Track,
        onProblem: () -> Unit = { throw AssertionError("a problem") },
        check: () -> Unit,
    ) {
        FakeVideo.tracks = tracks.toList()
        val file = File.createTempFile("video", null)
        val descriptor = ParcelFileDescriptor.open(file, ParcelFileDescriptor.MODE_READ_ONLY)
        val source = VideoSource { AssetFileDescriptor(descriptor, 0, AssetFileDescriptor.UNKNOWN_LENGTH) }
        source.start(exchange) {
            assertEquals(SourceProblem.VIDEO_FAILED, it)
            onProblem()
        }
        try {
            check()
        } finally {
            source.close()
            file.delete()
        }
    }

    private fun next() = frames.poll(20, TimeUnit.SECONDS) ?: throw AssertionError("no frame comes")

    private fun newest() = exchange.take()!!.argb.toList()

    private fun picture(
        crop: Rect = Rect(0, 0, 4, 4),
        form: Int = ImageFormat.YUV_420_888,
        level: (x: Int, y: Int) -> Int,
    ): () -> FakeImage = { FakeImage(form, crop, level) }

    private fun decoded(
        time: Long,
        picture: () -> FakeImage,
    ) = FakeVideo.Decoded(time, picture = picture)

    private fun format(vararg values: Pair<String, Number>) =
        MediaFormat().apply {
            setString(MediaFormat.KEY_MIME, "video/avc")
            for ((key, value) in values) if (value is Long) setLong(key, value) else setInteger(key, value.toInt())
        }

    private companion object {
        const val BLACK = 0xff000000.toInt()
        const val WHITE = 0xffffffff.toInt()
    }
}
