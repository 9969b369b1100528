package fomm.demo.ui

import android.Manifest.permission
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Bundle
import fomm.demo.DemoApplication
import fomm.demo.R
import fomm.demo.Runtime
import fomm.demo.frames.FrameSource
import fomm.demo.models.StoredModel
import fomm.demo.record.SharedFiles

/** Called once [Choices] holds the new choice. */
interface ChoiceListener {
    fun onSourceChosen()

    fun onDrivingChosen()

    fun onModelChosen()

    /** The model in use is about to be deleted; onModelChosen follows, with the bundled one. */
    fun onModelRemoval()

    fun onRuntimeChosen()

    /** Null clears the message. */
    fun onChoiceMessage(text: String?)
}

/** The chosen source, driving frames and model: menus, and the results of pickers and permission dialogs. */
class Choices(
    private val activity: Activity,
    private val app: DemoApplication,
    private val settings: Settings,
    private val listener: ChoiceListener,
) {
    val picture = SourcePicture(activity)
    lateinit var model: StoredModel
        private set

    private val pickers = Pickers(activity)
    private var driving = Driving.CLIP
    private var video: Uri? = null

    val drivingName: String get() = activity.getString(driving.title)

    /** False if the camera is chosen without permission, which can be revoked in the background. */
    val canDrive get() = driving != Driving.CAMERA || hasCamera()

    /** Reads the chosen model from the store. */
    fun loadModel() {
        model = app.models.find(settings.modelId)
    }

    fun save(state: Bundle) {
        state.putString(DRIVING, driving.name)
        state.putParcelable(VIDEO, video)
    }

    fun restore(state: Bundle) {
        driving = Driving.valueOf(state.getString(DRIVING) ?: Driving.CLIP.name)
        @Suppress("DEPRECATION")
        video = state.getParcelable(VIDEO)
    }

    fun frameSource(): FrameSource =
        when (driving) {
            Driving.CLIP -> app.bundledClip()
            Driving.CAMERA -> app.camera(::displayDegrees)
            Driving.VIDEO -> video?.let(app::video) ?: app.bundledClip()
        }

    @Suppress("DEPRECATION")
    private fun displayDegrees() = activity.windowManager.defaultDisplay.rotation * QUARTER_TURN

    // Menus.

    fun sourceMenu() =
        pickers.choose(
            R.string.source,
            listOf(
                activity.getString(R.string.source_bundled) to {
                    picture.useBundled()
                    listener.onSourceChosen()
                },
                activity.getString(R.string.source_gallery) to { pick(pickers.document(PICK_PICTURE, "image/*")) },
                activity.getString(R.string.source_photo) to { takePhoto() },
            ),
        )

    fun drivingMenu() =
        pickers.choose(
            R.string.driving,
            listOf(
                activity.getString(R.string.driving_clip) to { use(Driving.CLIP) },
                activity.getString(R.string.driving_camera) to { use(Driving.CAMERA) },
                activity.getString(R.string.driving_gallery) to { pick(pickers.document(PICK_VIDEO, "video/*")) },
            ),
        )

    fun modelMenu() {
        val models = app.models.list().map { it to modelText(it) }
        val choices = models.map { (model, text) -> text to { use(model) } }
        val import = activity.getString(R.string.model_import) to { pick(pickers.document(PICK_MODEL, ZIP)) }
        val removals =
            models.filter { (model, _) -> model.id != null }.map { (model, text) ->
                activity.getString(R.string.model_remove, text) to { remove(model) }
            }
        pickers.choose(R.string.model, choices + import + removals)
    }

    fun runtimeMenu() {
        val runtimes = Settings.THREAD_CHOICES.map { Runtime(false, it) } + settings.runtime.copy(gpu = true)
        pickers.choose(
            R.string.runs_on,
            runtimes.map { runtime ->
                activity.describe(runtime) to {
                    settings.runtime = runtime
                    listener.onRuntimeChosen()
                }
            },
        )
    }

    /** Hands a recording to another app. */
    fun share(recording: Uri) = pick(pickers.share(recording))

    // Results of pickers and permission dialogs.

    fun onPicked(
        requestCode: Int,
        data: Intent?,
    ) {
        val uri = if (requestCode == TAKE_PHOTO) PHOTO else data?.data
        if (uri == null) return
        when (requestCode) {
            PICK_MODEL -> import(uri)
            PICK_VIDEO -> useVideo(uri)
            else -> usePicture(uri)
        }
    }

    fun onPermission(
        requestCode: Int,
        granted: Boolean,
    ) = when {
        !granted -> tell(R.string.problem_camera_refused)
        requestCode == PERMISSION_FOR_PHOTO -> takePhoto()
        else -> use(Driving.CAMERA)
    }

    // Choosing.

    fun use(model: StoredModel) {
        settings.modelId = model.id
        this.model = model
        listener.onModelChosen()
    }

    private fun use(choice: Driving) {
        if (choice == Driving.CAMERA && !hasCamera()) {
            activity.requestPermissions(arrayOf(permission.CAMERA), PERMISSION_FOR_CAMERA)
            return
        }
        driving = choice
        listener.onChoiceMessage(null)
        listener.onDrivingChosen()
    }

    private fun useVideo(uri: Uri) {
        video = uri
        val resolver = activity.contentResolver
        // Not every provider offers it; without, access to the video ends with a reboot.
        runCatching { resolver.takePersistableUriPermission(uri, Intent.FLAG_GRANT_READ_URI_PERMISSION) }
        use(Driving.VIDEO)
    }

    private fun usePicture(uri: Uri) {
        if (picture.replace { activity.contentResolver.openInputStream(uri) }) {
            listener.onChoiceMessage(null)
            listener.onSourceChosen()
        } else {
            tell(R.string.problem_picture)
        }
    }

    private fun takePhoto() {
        // ACTION_IMAGE_CAPTURE needs no permission, except for apps that declare CAMERA in their manifest.
        if (hasCamera()) {
            pick(pickers.photo(TAKE_PHOTO, PHOTO))
        } else {
            activity.requestPermissions(arrayOf(permission.CAMERA), PERMISSION_FOR_PHOTO)
        }
    }

    private fun import(uri: Uri) {
        tell(R.string.importing)
        if (!app.isImporting) app.importModel(uri)
    }

    private fun remove(model: StoredModel) {
        val isUsed = model.id == this.model.id
        if (isUsed) listener.onModelRemoval()
        model.id?.let(app.models::remove)
        if (isUsed) use(app.models.bundled())
    }

    private fun modelText(model: StoredModel) =
        activity.getString(R.string.model_choice, model.manifest.name, activity.describe(model.manifest))

    private fun hasCamera() = activity.checkSelfPermission(permission.CAMERA) == PackageManager.PERMISSION_GRANTED

    private fun pick(started: Boolean) {
        if (!started) tell(R.string.problem_no_app)
    }

    private fun tell(text: Int) = listener.onChoiceMessage(activity.getString(text))

    private enum class Driving(
        val title: Int,
    ) {
        CLIP(R.string.driving_clip),
        CAMERA(R.string.driving_camera),
        VIDEO(R.string.driving_own),
    }

    private companion object {
        const val DRIVING = "driving"
        const val VIDEO = "video"
        const val PICK_PICTURE = 1
        const val PICK_VIDEO = 2
        const val PICK_MODEL = 3
        const val TAKE_PHOTO = 4
        const val PERMISSION_FOR_CAMERA = 1
        const val PERMISSION_FOR_PHOTO = 2
        const val QUARTER_TURN = 90
        const val ZIP = "application/zip"
        val PHOTO = SharedFiles.uri(SharedFiles.PHOTOS, "source.jpg")
    }
}
