package androidx.test.runner.intent

import android.app.Instrumentation
import android.content.Intent

interface IntentMonitor

fun interface IntentStubber {
    fun getActivityResultForIntent(intent: Intent): Instrumentation.ActivityResult?
}

class IntentMonitorRegistry {
    companion object {
        @JvmStatic
        @Suppress("UNUSED_PARAMETER")
        fun registerInstance(monitor: IntentMonitor?) = Unit
    }
}

class IntentStubberRegistry {
    companion object {
        @JvmStatic
        fun isLoaded() = false

        @JvmStatic
        fun getInstance(): IntentStubber = throw UnsupportedOperationException()
    }
}
