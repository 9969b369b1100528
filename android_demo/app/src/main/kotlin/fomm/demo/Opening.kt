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

/** What runs the graphs. [threads] count for the CPU. */
data class Runtime(
    val gpu: Boolean,
    val threads: Int,
)

/** [gpu] is what was taken in the end, [refusal] why it is not the GPU that was asked for. */
class Opened(
    val animator: Animator,
    val gpu: Boolean,
    val refusal: String?,
)

/**
 * Opens a model as [runtime] asks, or on the CPU if the GPU does not take it. Either has run once when it returns.
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
            // There is no library for this processor, or it needs one that this phone has not.
            refusal = error.message ?: error.toString()
        } catch (error: RuntimeException) {
            // Drivers fail in many ways, and none of them must end the app.
            refusal = error.message ?: error.toString()
        }
    }
    return Opened(openOnce(manifest, files) { cpuOptions(runtime.threads) }, false, refusal)
}

/** Throws ModelException unless the model runs on the CPU. */
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

/** The interpreter owns what the factory makes, and closes it. */
private fun gpuOptions() =
    CompatibilityList().use { list ->
        if (!list.isDelegateSupportedOnThisDevice) {
            throw ModelException(
                ModelProblem.DOES_NOT_RUN,
                "not on the list of GPUs",
            )
        }
        Interpreter.Options().apply { addDelegateFactory(GpuDelegateFactory()) }
    }
