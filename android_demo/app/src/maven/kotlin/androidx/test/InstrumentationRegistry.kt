package androidx.test.platform.app

import android.app.Instrumentation
import android.os.Bundle

// The classes under androidx.test stand in for those of androidx.test:monitor, which is not on Maven Central.
// Robolectric calls them, but these tests do not depend on what they do. Gradle takes the real ones.

class InstrumentationRegistry {
    companion object {
        @JvmStatic
        @Suppress("UNUSED_PARAMETER")
        fun registerInstance(
            instrumentation: Instrumentation?,
            arguments: Bundle?,
        ) = Unit
    }
}
