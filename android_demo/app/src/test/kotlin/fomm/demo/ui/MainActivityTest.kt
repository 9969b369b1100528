package fomm.demo.ui

import android.content.Intent
import android.content.pm.PackageManager
import android.content.res.Configuration
import android.graphics.Bitmap
import android.net.Uri
import android.view.View
import android.widget.Switch
import android.widget.TextView
import fomm.demo.R
import fomm.demo.Runtime
import fomm.demo.TestModel
import fomm.demo.frames.SourceProblem
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import java.io.ByteArrayOutputStream
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

/**
 * The real activity with real inference; writes screenshots to target/screenshots.
 *
 * The bundled model is float32 here: on the JVM the int8 one is twenty times slower.
 */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], application = TestApplication::class, qualifiers = "w411dp-h891dp-xhdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class MainActivityTest : ActivityFixture() {
    private val app get() = RuntimeEnvironment.getApplication() as TestApplication

    @Test
    fun animatesThePicture() {
        controller.setup()
        screenshot("start")
        val still = shown(R.id.result)
        assertFalse(button(R.id.freeze).isEnabled)
        button(R.id.animate).performClick()
        await("a result") { text(R.id.rate) != "–" && shown(R.id.result) != still }
        assertNotEquals(null, shown(R.id.driving))
        assertTrue(text(R.id.detect_time).endsWith(" ms"))
        assertEquals(activity.getString(R.string.stop), text(R.id.animate))
        screenshot("running")

        button(R.id.freeze).performClick()
        idle(500)
        val frozen = shown(R.id.result)
        idle(500)
        assertEquals(frozen, shown(R.id.result))
        button(R.id.freeze).performClick()
        await("another result") { shown(R.id.result) != frozen }
        button(R.id.reset).performClick()
        button(R.id.animate).performClick()
        assertEquals(emptyList<String>(), app.open)
        controller.pause().stop().destroy()
    }

    @Test
    fun turningThePhoneKeepsWhatGoesOn() {
        controller.setup()
        find<Switch>(R.id.relative).performClick()
        button(R.id.animate).performClick()
        await("a result") { text(R.id.rate) != "–" }
        // Otherwise the next result may arrive before the screen has turned.
        button(R.id.freeze).performClick()
        idle(500)
        val before = shown(R.id.result)
        RuntimeEnvironment.setQualifiers("+land")
        val configuration = Configuration(activity.resources.configuration)
        controller.configurationChange(configuration)
        assertEquals(Configuration.ORIENTATION_LANDSCAPE, activity.resources.configuration.orientation)
        assertEquals(activity.getString(R.string.stop), text(R.id.animate))
        assertFalse(find<Switch>(R.id.relative).isChecked)
        assertNotEquals(null, before)
        assertEquals("the last result is there at once", before, shown(R.id.result))
        assertEquals(listOf("clip"), app.open)
        button(R.id.freeze).performClick()
        await("another result") { shown(R.id.result) != before }
        screenshot("landscape")
        controller.pause().stop()
        assertEquals("nothing is held in the background", emptyList<String>(), app.open)
        controller.restart().resume()
        assertEquals(listOf("clip"), app.open)
        controller.pause().stop().destroy()
    }

    @Test
    fun refusedCameraIsToldAndNothingBreaks() {
        controller.setup()
        button(R.id.change_driving).performClick()
        choose(R.string.driving_camera)
        assertEquals(emptyList<String>(), app.open)
        activity.onRequestPermissionsResult(
            1,
            arrayOf("android.permission.CAMERA"),
            intArrayOf(PackageManager.PERMISSION_DENIED),
        )
        assertEquals(activity.getString(R.string.problem_camera_refused), text(R.id.message))
        assertEquals(activity.getString(R.string.driving_clip), text(R.id.driving_name))
        screenshot("camera-refused")

        shadowOf(app).grantPermissions("android.permission.CAMERA")
        activity.onRequestPermissionsResult(
            1,
            arrayOf("android.permission.CAMERA"),
            intArrayOf(PackageManager.PERMISSION_GRANTED),
        )
        assertEquals(activity.getString(R.string.driving_camera), text(R.id.driving_name))
        button(R.id.animate).performClick()
        assertEquals(listOf("camera"), app.open)
        // The permission is revoked in the settings while the app is in the background.
        controller.pause().stop()
        shadowOf(app).denyPermissions("android.permission.CAMERA")
        controller.restart().resume()
        assertEquals(activity.getString(R.string.problem_camera_refused), text(R.id.message))
        assertEquals(activity.getString(R.string.animate), text(R.id.animate))
        controller.pause().stop().destroy()
    }

    @Test
    fun brokenVideoIsTold() {
        app.problem = SourceProblem.VIDEO_FAILED
        controller.setup()
        button(R.id.animate).performClick()
        await("a message") { find<View>(R.id.message).visibility == View.VISIBLE }
        assertEquals(activity.getString(R.string.problem_video_failed), text(R.id.message))
        assertEquals(activity.getString(R.string.animate), text(R.id.animate))
        controller.pause().stop().destroy()
    }

    @Test
    fun gpuFallsBackToTheCpuAndSaysWhy() {
        Settings(app).runtime = Runtime(true, 2)
        controller.setup()
        button(R.id.animate).performClick()
        await("a result") { text(R.id.rate) != "–" }
        assertTrue(
            text(R.id.runtime),
            text(R.id.runtime).startsWith("CPU (XNNPACK), 2 threads; the GPU cannot be used: "),
        )
        screenshot("gpu-refused", scrollTo = R.id.rate)
        controller.pause().stop().destroy()
    }

    @Test
    fun importsModelsAndRefusesBadOnes() {
        controller.setup()
        val uri = Uri.parse("content://other.app/model.zip")
        val model = TestModel("plain")
        register(uri, zip(model, "manifest.json"))
        activity.onActivityResult(3, -1, Intent().setData(uri))
        await("a refusal") { !app.isImporting }
        assertEquals(activity.getString(R.string.problem_missing_file, "keypoint_detector.tflite"), text(R.id.message))
        assertEquals("cartoon-faces", text(R.id.model_name))

        register(uri, zip(model, "manifest.json", "keypoint_detector.tflite", "generator.tflite"))
        activity.onActivityResult(3, -1, Intent().setData(uri))
        await("the model") { !app.isImporting }
        assertEquals("plain", text(R.id.model_name))
        button(R.id.animate).performClick()
        await("a result") { text(R.id.rate) != "–" }
        screenshot("imported")
        button(R.id.change_model).performClick()
        choose(activity.getString(R.string.model_remove, "plain (float32, 96 × 64)"))
        assertEquals("cartoon-faces", text(R.id.model_name))
        controller.pause().stop().destroy()
    }

    @Test
    fun ownPicturesReplaceTheBundledOneAndOtherFilesDoNot() {
        controller.setup()
        val bundled = shown(R.id.source)
        val uri = Uri.parse("content://other.app/picture")
        register(uri, "no picture".toByteArray())
        activity.onActivityResult(1, -1, Intent().setData(uri))
        assertEquals(activity.getString(R.string.problem_picture), text(R.id.message))
        assertEquals(bundled, shown(R.id.source))
        val picture = Bitmap.createBitmap(300, 200, Bitmap.Config.ARGB_8888).apply { eraseColor(0xff336699.toInt()) }
        register(uri, ByteArrayOutputStream().also { picture.compress(Bitmap.CompressFormat.PNG, 0, it) }.toByteArray())
        activity.onActivityResult(1, -1, Intent().setData(uri))
        assertEquals(activity.getString(R.string.source_own), text(R.id.source_name))
        assertNotEquals(bundled, shown(R.id.source))
        controller.pause().stop().destroy()
    }

    @Test
    @Config(qualifiers = "+night")
    fun dark() = look("dark")

    @Test
    @Config(qualifiers = "+ko")
    fun korean() = look("korean")

    @Test
    fun largeText() {
        RuntimeEnvironment.setFontScale(2f)
        look("large-text")
    }

    @Test
    fun everythingHasALabelAndIsLargeEnoughToTouch() {
        controller.setup()
        layOut()
        val all = views(activity.window.decorView)
        for (view in all.filter { it.isClickable && it.isShown }) {
            val name = activity.resources.getResourceEntryName(view.id)
            val label = view.contentDescription ?: (view as? TextView)?.text
            assertFalse(name, label.isNullOrBlank())
            val density = activity.resources.displayMetrics.density
            assertTrue("$name is ${view.height / density} dp high", view.height >= 48 * density)
        }
        for (view in all.filterIsInstance<PictureView>()) assertFalse(view.contentDescription.isNullOrBlank())
        controller.pause().stop().destroy()
    }

    private fun look(name: String) {
        controller.setup()
        button(R.id.animate).performClick()
        await("a result") { text(R.id.rate) != "–" }
        screenshot(name)
        screenshot("$name-below", scrollTo = R.id.rate)
        controller.pause().stop().destroy()
    }

    private fun register(
        uri: Uri,
        bytes: ByteArray,
    ) = shadowOf(app.contentResolver).registerInputStreamSupplier(uri) { bytes.inputStream() }

    private fun zip(
        model: TestModel,
        vararg names: String,
    ): ByteArray {
        val bytes = ByteArrayOutputStream()
        ZipOutputStream(bytes).use { zip ->
            for (name in names) {
                zip.putNextEntry(ZipEntry(name))
                zip.write(model.modelFolder.resolve(name).readBytes())
            }
        }
        return bytes.toByteArray()
    }
}
