package fomm.demo.ui

import android.content.Context
import fomm.demo.Runtime
import fomm.demo.animator.MotionSettings

/** The user's persistent settings. */
class Settings(
    context: Context,
) {
    private val preferences = context.getSharedPreferences("settings", Context.MODE_PRIVATE)

    /** Null for the bundled model. */
    var modelId: String?
        get() = preferences.getString(MODEL, null)
        set(value) = preferences.edit().putString(MODEL, value).apply()

    var runtime: Runtime
        get() = Runtime(preferences.getBoolean(GPU, false), preferences.getInt(THREADS, DEFAULT_THREADS))
        set(value) =
            preferences
                .edit()
                .putBoolean(GPU, value.gpu)
                .putInt(THREADS, value.threads)
                .apply()

    var motion: MotionSettings
        get() =
            MotionSettings(
                relative = preferences.getBoolean(RELATIVE, true),
                adaptScale = preferences.getBoolean(ADAPT_SCALE, false),
            )
        set(value) =
            preferences
                .edit()
                .putBoolean(RELATIVE, value.relative)
                .putBoolean(ADAPT_SCALE, value.adaptScale)
                .apply()

    companion object {
        val THREAD_CHOICES = listOf(1, 2, 4)

        /** Phones have few fast cores, and more threads than that are slower. */
        private val DEFAULT_THREADS =
            THREAD_CHOICES.last {
                it == 1 ||
                    it <= java.lang.Runtime
                        .getRuntime()
                        .availableProcessors() / 2
            }

        private const val MODEL = "model"
        private const val GPU = "gpu"
        private const val THREADS = "threads"
        private const val RELATIVE = "relative"
        private const val ADAPT_SCALE = "adapt_scale"
    }
}
