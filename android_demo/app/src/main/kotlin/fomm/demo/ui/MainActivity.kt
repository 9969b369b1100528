package fomm.demo.ui

import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Bundle
import fomm.demo.ApplicationListener
import fomm.demo.DemoApplication
import fomm.demo.Engine
import fomm.demo.EngineListener
import fomm.demo.Opened
import fomm.demo.Pictures
import fomm.demo.R
import fomm.demo.Readout
import fomm.demo.animator.Keypoints
import fomm.demo.animator.ModelException
import fomm.demo.animator.MotionSettings
import fomm.demo.frames.FrameSource
import fomm.demo.frames.toPixels
import fomm.demo.models.StoredModel

/** The one screen: animates the chosen source by the chosen driving frames, and shows the result. */
class MainActivity :
    Activity(),
    Actions,
    ChoiceListener,
    EngineListener,
    ApplicationListener {
    private val app get() = application as DemoApplication
    private val settings by lazy { Settings(this) }
    private val choices by lazy { Choices(this, app, settings, this) }
    private lateinit var screen: Screen
    private var engine: Engine? = null
    private var frames: FrameSource? = null
    private var running = false
    private var frozen = false
    private var recording = false
    private var initial: Keypoints? = null
    private var shown: Pictures? = null

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.main)
        screen = Screen(this, this, settings.motion)
        savedInstanceState?.let {
            choices.restore(it)
            running = it.getBoolean(RUNNING)
            frozen = it.getBoolean(FROZEN)
        }
        @Suppress("DEPRECATION")
        (lastNonConfigurationInstance as? Kept)?.let {
            initial = it.initial
            shown = it.shown
        }
        screen.showDriving(choices.drivingName)
    }

    override fun onStart() {
        super.onStart()
        app.listener = this
        choices.loadModel()
        showModel()
        showSource()
        shown?.let(screen::showPictures)
        if (app.isImporting) screen.showMessage(getString(R.string.importing))
        if (running) start()
        showState()
    }

    /** In the background the app holds neither the camera nor interpreters. */
    override fun onStop() {
        initial = engine?.initial
        close()
        app.listener = null
        super.onStop()
    }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        choices.save(outState)
        outState.putBoolean(RUNNING, running)
        outState.putBoolean(FROZEN, frozen)
    }

    @Deprecated("The replacement is in AndroidX only")
    override fun onRetainNonConfigurationInstance(): Any = Kept(initial, shown)

    // User actions.

    override fun onAnimate() {
        screen.showMessage(null)
        running = !running
        if (running) {
            initial = null
            start()
        } else {
            frozen = false
            close()
        }
        showState()
    }

    override fun onFreeze() {
        frozen = !frozen
        engine?.frozen = frozen
        showState()
    }

    override fun onReset() {
        engine?.reset()
    }

    override fun onRecord() {
        recording = !recording
        if (recording) engine?.startRecording() else engine?.stopRecording()
        showState()
    }

    override fun onShare() {
        app.lastRecording?.let(choices::share)
    }

    override fun onMotion(motion: MotionSettings) {
        settings.motion = motion
        engine?.motion = motion
    }

    override fun onChangeSource() = choices.sourceMenu()

    override fun onChangeDriving() = choices.drivingMenu()

    override fun onChangeModel() = choices.modelMenu()

    override fun onChangeRuntime() = choices.runtimeMenu()

    @Deprecated("The replacement is in AndroidX only")
    public override fun onActivityResult(
        requestCode: Int,
        resultCode: Int,
        data: Intent?,
    ) {
        if (resultCode == RESULT_OK) choices.onPicked(requestCode, data)
    }

    override fun onRequestPermissionsResult(
        requestCode: Int,
        permissions: Array<String>,
        grantResults: IntArray,
    ) = choices.onPermission(requestCode, grantResults.firstOrNull() == PackageManager.PERMISSION_GRANTED)

    // Choices.

    override fun onSourceChosen() {
        shown = null
        showSource()
        restart()
    }

    override fun onDrivingChosen() {
        screen.showDriving(choices.drivingName)
        restart()
    }

    override fun onModelChosen() {
        showModel()
        onSourceChosen()
    }

    override fun onModelRemoval() = close()

    override fun onRuntimeChosen() {
        screen.showRuntime(describe(settings.runtime))
        restart()
    }

    override fun onChoiceMessage(text: String?) = screen.showMessage(text)

    // Callbacks of the engine and the application.

    override fun onOpened(opened: Opened) = screen.showRuntime(describe(opened, settings.runtime))

    override fun onFrame(
        pictures: Pictures,
        readout: Readout?,
    ) {
        shown = pictures
        screen.showPictures(pictures)
        readout?.let(screen::showReadout)
    }

    override fun onModelProblem(error: ModelException) = stopWith(message(error))

    override fun onSingularInitialFrame() = screen.showMessage(getString(R.string.problem_initial_frame))

    override fun onRecorded(uri: Uri?) {
        recording = false
        screen.showMessage(getString(if (uri == null) R.string.problem_recording else R.string.recorded))
        showState()
    }

    override fun onImported(model: StoredModel) {
        screen.showMessage(getString(R.string.imported, model.manifest.name))
        choices.use(model)
    }

    override fun onImportProblem(error: ModelException) = screen.showMessage(message(error))

    // Starting and stopping.

    private fun start() {
        if (!choices.canDrive) return stopWith(getString(R.string.problem_camera_refused))
        val still = choices.picture.read() ?: return stopWith(getString(R.string.problem_picture))
        val engine =
            Engine(choices.model, settings.runtime, still.toPixels(), initial, app.recordings, this, app::recorded)
        engine.motion = settings.motion
        engine.frozen = frozen
        this.engine = engine
        val source = choices.frameSource()
        frames = source
        source.start(engine.frames) { problem ->
            runOnUiThread { if (frames === source) stopWith(message(problem)) }
        }
    }

    private fun close() {
        frames?.close()
        engine?.close()
        frames = null
        engine = null
        recording = false
    }

    private fun restart() {
        initial = null
        close()
        if (running) start()
        showState()
    }

    private fun stopWith(message: String) {
        running = false
        frozen = false
        close()
        screen.showMessage(message)
        showState()
    }

    // Showing.

    private fun showState() = screen.showState(ScreenState(running, frozen, recording, app.lastRecording != null))

    private fun showModel() {
        val manifest = choices.model.manifest
        screen.showModel(manifest.name, describe(manifest), manifest.width, manifest.height)
        screen.showRuntime(describe(settings.runtime))
    }

    private fun showSource() {
        val picture = choices.picture
        val name = getString(if (picture.isBundled) R.string.source_bundled else R.string.source_own)
        val bitmap = picture.read() ?: return screen.showMessage(getString(R.string.problem_picture))
        screen.showSource(bitmap, name)
        if (shown == null) screen.showStill(bitmap)
    }

    /** Kept across configuration changes. */
    private class Kept(
        val initial: Keypoints?,
        val shown: Pictures?,
    )

    private companion object {
        const val RUNNING = "running"
        const val FROZEN = "frozen"
    }
}
