package fomm.demo.ui

import android.content.Context
import fomm.demo.Opened
import fomm.demo.R
import fomm.demo.Runtime
import fomm.demo.animator.Manifest
import fomm.demo.animator.ModelException
import fomm.demo.animator.ModelProblem
import fomm.demo.frames.SourceProblem

/** The message for each problem. */
fun Context.message(error: ModelException): String {
    val id =
        when (error.problem) {
            ModelProblem.NO_ZIP -> R.string.problem_no_zip
            ModelProblem.UNSAFE_PATH -> R.string.problem_unsafe_path
            ModelProblem.TOO_LARGE -> R.string.problem_too_large
            ModelProblem.NO_SPACE -> R.string.problem_no_space
            ModelProblem.MISSING_FILE -> R.string.problem_missing_file
            ModelProblem.BAD_MANIFEST -> R.string.problem_bad_manifest
            ModelProblem.WRONG_BYTES -> R.string.problem_wrong_bytes
            ModelProblem.WRONG_TENSORS -> R.string.problem_wrong_tensors
            ModelProblem.DOES_NOT_RUN -> R.string.problem_does_not_run
        }
    return getString(id, brief(error.detail))
}

fun Context.message(problem: SourceProblem): String =
    getString(
        when (problem) {
            SourceProblem.NO_CAMERA -> R.string.problem_no_camera
            SourceProblem.CAMERA_FAILED -> R.string.problem_camera_failed
            SourceProblem.VIDEO_FAILED -> R.string.problem_video_failed
        },
    )

/** The runtime that was asked for. */
fun Context.describe(runtime: Runtime): String =
    if (runtime.gpu) {
        getString(R.string.runtime_gpu)
    } else {
        resources.getQuantityString(R.plurals.runtime_cpu, runtime.threads, runtime.threads)
    }

fun Context.describe(
    opened: Opened,
    runtime: Runtime,
): String {
    val used = describe(runtime.copy(gpu = opened.gpu))
    return opened.refusal?.let { getString(R.string.runtime_refused, used, brief(it)) } ?: used
}

fun Context.describe(manifest: Manifest): String =
    getString(R.string.model_summary, manifest.precision, manifest.width, manifest.height)

/** The first sentence of a runtime's often lengthy error message. */
private fun brief(detail: String) =
    detail
        .lineSequence()
        .first()
        .substringBefore(". ")
        .take(LONGEST)

private const val LONGEST = 160
