package fomm.demo.animator

/** Why a model cannot be used. The screen has a message for each. */
enum class ModelProblem {
    NO_ZIP,
    UNSAFE_PATH,
    TOO_LARGE,
    NO_SPACE,
    MISSING_FILE,
    BAD_MANIFEST,
    WRONG_BYTES,
    WRONG_TENSORS,
    DOES_NOT_RUN,
}

/** [detail] names the file, tensor or number that is wrong; it is shown untranslated. */
class ModelException(
    val problem: ModelProblem,
    val detail: String,
    cause: Throwable? = null,
) : Exception("$problem: $detail", cause)
