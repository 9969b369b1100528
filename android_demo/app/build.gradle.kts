// For Android Studio. Not run on the project's own machines: see README.md.
plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
}

val assets = rootProject.file("target/assets")

android {
    namespace = "fomm.demo"
    compileSdk = 34

    defaultConfig {
        applicationId = "fomm.demo"
        minSdk = 26
        targetSdk = 34
        versionCode = 1
        versionName = "1.0"
        ndk { abiFilters += listOf("arm64-v8a", "armeabi-v7a", "x86_64") }
    }

    sourceSets["main"].assets.srcDir(assets)

    // Stored uncompressed, to be memory-mapped.
    androidResources { noCompress += "tflite" }

    buildTypes {
        release {
            isMinifyEnabled = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "proguard-rules.pro")
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    kotlinOptions { jvmTarget = "17" }
}

dependencies {
    implementation(libs.tensorflow.lite)
    implementation(libs.tensorflow.lite.gpu)
    implementation(libs.tensorflow.lite.gpu.api)
}

// The bundled model is exported by `make assets`, in the folder above.
tasks.named("preBuild") {
    doFirst {
        check(assets.resolve("model/manifest.json").isFile) { "There is no bundled model yet: run make assets" }
    }
}
