package fomm.demo.ui

import android.app.Activity
import android.graphics.Bitmap
import android.view.View
import android.widget.Button
import android.widget.ImageView
import android.widget.Switch
import android.widget.TextView
import fomm.demo.Pictures
import fomm.demo.R
import fomm.demo.Readout
import fomm.demo.animator.MotionSettings

/** The user's actions on the screen. */
interface Actions {
    fun onAnimate()

    fun onFreeze()

    fun onReset()

    fun onRecord()

    fun onShare()

    fun onChangeSource()

    fun onChangeDriving()

    fun onChangeModel()

    fun onChangeRuntime()

    fun onMotion(motion: MotionSettings)
}

/** What the buttons depend on. */
data class ScreenState(
    val running: Boolean,
    val frozen: Boolean,
    val recording: Boolean,
    val canShare: Boolean,
)

/** The views of the one screen. */
class Screen(
    private val activity: Activity,
    actions: Actions,
    motion: MotionSettings,
) {
    private val driving: PictureView = find(R.id.driving)
    private val result: PictureView = find(R.id.result)
    private val message: TextView = find(R.id.message)
    private val animate: Button = find(R.id.animate)
    private val freeze: Button = find(R.id.freeze)
    private val reset: Button = find(R.id.reset)
    private val record: Button = find(R.id.record)
    private val share: Button = find(R.id.share)

    init {
        animate.setOnClickListener { actions.onAnimate() }
        freeze.setOnClickListener { actions.onFreeze() }
        reset.setOnClickListener { actions.onReset() }
        record.setOnClickListener { actions.onRecord() }
        share.setOnClickListener { actions.onShare() }
        find<View>(R.id.change_source).setOnClickListener { actions.onChangeSource() }
        find<View>(R.id.change_driving).setOnClickListener { actions.onChangeDriving() }
        find<View>(R.id.change_model).setOnClickListener { actions.onChangeModel() }
        find<View>(R.id.change_runtime).setOnClickListener { actions.onChangeRuntime() }
        val relative: Switch = find(R.id.relative)
        val adaptScale: Switch = find(R.id.adapt_scale)
        relative.isChecked = motion.relative
        adaptScale.isChecked = motion.adaptScale
        adaptScale.isEnabled = motion.relative
        val changed = {
            adaptScale.isEnabled = relative.isChecked
            actions.onMotion(MotionSettings(relative = relative.isChecked, adaptScale = adaptScale.isChecked))
        }
        relative.setOnCheckedChangeListener { _, _ -> changed() }
        adaptScale.setOnCheckedChangeListener { _, _ -> changed() }
    }

    fun showState(state: ScreenState) {
        animate.setText(if (state.running) R.string.stop else R.string.animate)
        freeze.setText(if (state.frozen) R.string.unfreeze else R.string.freeze)
        record.setText(if (state.recording) R.string.stop_recording else R.string.record)
        freeze.isEnabled = state.running
        reset.isEnabled = state.running && !state.frozen
        record.isEnabled = state.running
        share.isEnabled = state.canShare
    }

    fun showSource(
        bitmap: Bitmap,
        name: String,
    ) {
        find<ImageView>(R.id.source).setImageBitmap(bitmap)
        find<TextView>(R.id.source_name).text = name
    }

    /** What the result shows before there is one. */
    fun showStill(source: Bitmap) {
        driving.setImageDrawable(null)
        driving.foreground = activity.getDrawable(R.drawable.waiting)
        result.setImageBitmap(source)
        showReadout(null)
    }

    fun showPictures(pictures: Pictures) {
        driving.setImageBitmap(pictures.driving)
        driving.foreground = null
        result.setImageBitmap(pictures.result)
    }

    fun showDriving(name: String) {
        find<TextView>(R.id.driving_name).text = name
    }

    fun showModel(
        name: String,
        summary: String,
        width: Int,
        height: Int,
    ) {
        find<TextView>(R.id.model_name).text = name
        find<TextView>(R.id.model_summary).text = summary
        driving.setAspect(width, height)
        result.setAspect(width, height)
    }

    fun showRuntime(text: String) {
        find<TextView>(R.id.runtime).text = text
    }

    fun showReadout(readout: Readout?) {
        val ids = listOf(R.id.detect_time, R.id.generate_time, R.id.convert_time, R.id.rate)
        val values = readout?.run { listOf(detect, generate, convert, framesPerSecond) }
        ids.forEachIndexed { i, id ->
            val format = if (id == R.id.rate) R.string.per_second else R.string.milliseconds
            find<TextView>(id).text =
                values?.let { activity.getString(format, it[i]) } ?: activity.getString(R.string.no_value)
        }
    }

    /** Is read aloud by TalkBack when it changes. Null takes it away. */
    fun showMessage(text: String?) {
        message.visibility = if (text == null) View.GONE else View.VISIBLE
        message.text = text
    }

    private fun <T : View> find(id: Int): T = activity.findViewById(id)
}
