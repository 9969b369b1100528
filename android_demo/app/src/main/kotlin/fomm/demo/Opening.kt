package fomm.demo

import fomm.demo.animator.Animator
import fomm.demo.animator.Keypoints
import fomm.demo.animator.Manifest
import fomm.demo.animator.ModelException
import fomm.demo.animator.ModelProblem
import fomm.demo.models.ModelFiles
import fomm.demo.models.graphs
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.gpu.CompatibilityList
import org.tensorflow.lite.gpu.GpuDelegateFactory

/** What runs the graphs; [threads] applies to the CPU only. */
data class Runtime(
    val gpu: Boolean,
    val threads: Int,
)

/** [gpu] says what is used; [refusal] is why the requested GPU is not. */
class Opened(
    val animator: Animator,
    val gpu: Boolean,
    val refusal: String?,
)

/**
 * Opens a model on the requested [runtime], or on the CPU if the GPU delegate refuses it, and runs it once.
 * Throws ModelException.
 */
fun openAnimator(
    manifest: Manifest,
    files: ModelFiles,
    runtime: Runtime,
): Opened {
    var refusal: String? = null
    if (runtime.gpu) {
        try {
            return Opened(openOnce(manifest, files) { gpuOptions() }, true, null)
        } catch (error: ModelException) {
            refusal = error.detail
        } catch (error: LinkageError) {
            // The delegate's library, or one that it depends on, is missing.
            refusal = error.message ?: error.toString()
        } catch (error: RuntimeException) {
            // GPU drivers fail in many ways, none of which may crash the app.
            refusal = error.message ?: error.toString()
        }
    }
    return Opened(openOnce(manifest, files) { cpuOptions(runtime.threads) }, false, refusal)
}

/** Runs a model once on the CPU. Throws ModelException if that fails. */
fun tryOut(
    manifest: Manifest,
    files: ModelFiles,
) = openOnce(manifest, files) { cpuOptions(1) }.close()

private fun openOnce(
    manifest: Manifest,
    files: ModelFiles,
    options: () -> Interpreter.Options,
): Animator {
    val animator =
        try {
            Animator.open(manifest, files.graphs(manifest)) { Interpreter(it, options()) }
        } catch (error: OutOfMemoryError) {
            throw ModelException(ModelProblem.TOO_LARGE, manifest.name, error)
        }
    try {
        runOnce(animator)
        return animator
    } catch (error: ModelException) {
        animator.close()
        throw error
    } catch (error: RuntimeException) {
        animator.close()
        throw error
    }
}

private fun runOnce(animator: Animator) {
    val picture = IntArray(animator.manifest.width * animator.manifest.height)
    val keypoints: Keypoints = animator.setSource(picture)
    animator.animate(keypoints, picture)
    if (keypoints.value.any { !it.isFinite() }) throw ModelException(ModelProblem.DOES_NOT_RUN, "keypoints: NaN")
}

private fun cpuOptions(threads: Int) =
    Interpreter.Options().apply {
        setNumThreads(threads)
        setUseXNNPACK(true)
    }

/** The interpreter owns the delegate that the factory creates, and closes it. */
private fun gpuOptions() =
    CompatibilityList().use { list ->
        if (!list.isDelegateSupportedOnThisDevice) {
            throw ModelException(
                ModelProblem.DOES_NOT_RUN,
                "this device is not on the delegate's compatibility list",
            )
        }
        Interpreter.Options().apply { addDelegateFactory(GpuDelegateFactory()) }
    }
