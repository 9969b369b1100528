package fomm.demo.ui

import android.app.AlertDialog
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Rect
import android.graphics.drawable.BitmapDrawable
import android.os.Looper
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.ImageView
import android.widget.TextView
import fomm.demo.R
import fomm.demo.TestModel
import org.junit.Assert.assertTrue
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.shadows.ShadowAlertDialog
import java.io.File

/** The activity and what a user does with it: views, dialogs, screenshots. */
abstract class ActivityFixture {
    protected val controller: ActivityController<MainActivity> = Robolectric.buildActivity(MainActivity::class.java)
    protected val activity: MainActivity get() = controller.get()

    protected fun <T : View> find(id: Int): T = activity.findViewById(id)

    protected fun button(id: Int): Button = find(id)

    protected fun text(id: Int) = find<TextView>(id).text.toString()

    /** The pixels of the bitmap that a view shows, for comparison. */
    protected fun shown(id: Int): List<Int>? {
        val bitmap = (find<ImageView>(id).drawable as? BitmapDrawable)?.bitmap ?: return null
        val pixels = IntArray(bitmap.width * bitmap.height)
        bitmap.getPixels(pixels, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
        return pixels.toList()
    }

    protected fun await(
        what: String,
        condition: () -> Boolean,
    ) {
        val end = System.nanoTime() + 120_000_000_000
        while (!condition()) {
            assertTrue("$what does not come; message: ${text(R.id.message)}", System.nanoTime() < end)
            idle(20)
        }
    }

    protected fun idle(millis: Long) {
        Thread.sleep(millis)
        shadowOf(Looper.getMainLooper()).idle()
    }

    protected fun choose(text: Int) = choose(activity.getString(text))

    protected fun choose(text: String) {
        val dialog = ShadowAlertDialog.getLatestDialog() as AlertDialog
        val items = dialog.listView
        val index = (0 until items.count).first { items.adapter.getItem(it).toString() == text }
        items.performItemClick(null, index, index.toLong())
        idle(0)
    }

    /** The view and its descendants. */
    protected fun views(view: View): List<View> {
        val children = (view as? ViewGroup)?.run { (0 until childCount).map(::getChildAt) }.orEmpty()
        return listOf(view) + children.flatMap(::views)
    }

    protected fun layOut() {
        val metrics = activity.resources.displayMetrics
        activity.window.decorView.run {
            measure(exactly(metrics.widthPixels), exactly(metrics.heightPixels))
            layout(0, 0, metrics.widthPixels, metrics.heightPixels)
        }
    }

    /** Writes the window to target/screenshots. */
    protected fun screenshot(
        name: String,
        scrollTo: Int? = null,
    ) {
        layOut()
        scrollTo?.let { id -> find<View>(id).run { requestRectangleOnScreen(Rect(0, 0, width, height * 2), true) } }
        val view = activity.window.decorView
        val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
        view.draw(Canvas(bitmap))
        val file = File(TestModel.buildFolder, "screenshots/$name.png")
        file.parentFile.mkdirs()
        file.outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 0, it) }
    }

    private fun exactly(pixels: Int) = View.MeasureSpec.makeMeasureSpec(pixels, View.MeasureSpec.EXACTLY)
}
