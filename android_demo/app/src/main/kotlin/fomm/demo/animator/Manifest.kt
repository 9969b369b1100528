package fomm.demo.animator

/** An input or output of a signature: float32, batch size 1. */
data class TensorSpec(
    val name: String,
    val shape: List<Int>,
) {
    val elements get() = shape.fold(1) { product, side -> product * side }
}

/** One signature of a graph. */
data class SignatureSpec(
    val name: String,
    val inputs: List<TensorSpec>,
    val outputs: List<TensorSpec>,
) {
    fun output(name: String) = outputs.firstOrNull { it.name == name }
}

/** A .tflite file listed in the manifest. */
data class GraphSpec(
    val file: String,
    val bytes: Long,
    val sha256: String,
    val signatures: List<SignatureSpec>,
) {
    fun signature(name: String) =
        signatures.firstOrNull { it.name == name }
            ?: throw ModelException(ModelProblem.BAD_MANIFEST, "$file has no signature $name")
}

/** The parts of an exported model's manifest.json that are needed to run it. */
data class Manifest(
    val name: String,
    val license: String?,
    val precision: String,
    val height: Int,
    val width: Int,
    val detector: GraphSpec,
    val generator: GraphSpec,
) {
    val graphs get() = listOf(detector, generator)

    /** Throws ModelException unless the signatures match each other; running them needs no further checks. */
    fun check() {
        checkDetector()
        val picture = TensorSpec("picture", listOf(1, height, width, CHANNELS))
        val encode = generator.signature("encode")
        require(encode.inputs == listOf(picture)) { "the input of encode must be a picture of $height x $width" }
        val animate = generator.signature("animate")
        require(animate.outputs == listOf(TensorSpec("frame", picture.shape))) { "animate must return a frame" }
        val known = (encode.outputs + keypoints("kp_source_") + keypoints("kp_driving_")).associateBy { it.name }
        for (input in animate.inputs) require(known[input.name] == input) { "unexpected input ${input.name}" }
        for (graph in graphs) {
            for (signature in graph.signatures) {
                for (side in listOf(signature.inputs, signature.outputs)) {
                    require(side.distinctBy { it.name }.size == side.size) { "${signature.name} repeats a name" }
                }
            }
        }
    }

    private fun checkDetector() {
        val detect = detector.signature("detect")
        require(detect.inputs == listOf(TensorSpec("picture", listOf(1, height, width, CHANNELS)))) {
            "the input of detect must be a picture of $height x $width"
        }
        require(detect.outputs.toSet() == keypoints("").toSet()) {
            "the outputs of detect are not those of a First Order Motion Model"
        }
    }

    private fun keypoints(prefix: String): List<TensorSpec> {
        val outputs = detector.signature("detect").outputs
        val count = outputs.firstOrNull { it.name == "value" }?.shape?.getOrNull(1) ?: 0
        val value = TensorSpec("${prefix}value", listOf(1, count, 2))
        val jacobian = TensorSpec("${prefix}jacobian", listOf(1, count, 2, 2))
        return if (outputs.any { it.name == "jacobian" }) listOf(value, jacobian) else listOf(value)
    }

    private fun require(
        condition: Boolean,
        message: () -> String,
    ) {
        if (!condition) throw ModelException(ModelProblem.BAD_MANIFEST, message())
    }

    companion object {
        const val FILE = "manifest.json"
        const val DETECTOR = "keypoint_detector.tflite"
        const val GENERATOR = "generator.tflite"
        const val CHANNELS = 3
    }
}
