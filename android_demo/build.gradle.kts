// For Android Studio. Not run on the project's own machines: see README.md.
plugins {
    alias(libs.plugins.android.application) apply false
    alias(libs.plugins.kotlin.android) apply false
}
