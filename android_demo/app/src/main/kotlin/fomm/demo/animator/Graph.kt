package fomm.demo.animator

import org.tensorflow.lite.DataType
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.Tensor
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** One .tflite file with its interpreter. Buffers are direct, in native byte order, and belong to the caller. */
class Graph(
    private val spec: GraphSpec,
    private val interpreter: Interpreter,
) : AutoCloseable {
    init {
        try {
            for (signature in spec.signatures) checkTensors(signature)
        } catch (error: ModelException) {
            interpreter.close()
            throw error
        } catch (error: IllegalArgumentException) {
            interpreter.close()
            throw ModelException(ModelProblem.DOES_NOT_RUN, "${spec.file}: ${error.message}", error)
        }
    }

    /** Runs a signature; tensors go by name. Throws ModelException if the runtime fails. */
    fun run(
        signature: String,
        inputs: Map<String, ByteBuffer>,
        outputs: Map<String, ByteBuffer>,
    ) {
        inputs.values.forEach { it.rewind() }
        outputs.values.forEach { it.rewind() }
        try {
            interpreter.runSignature(inputs, outputs, signature)
        } catch (error: IllegalArgumentException) {
            throw ModelException(ModelProblem.DOES_NOT_RUN, "${spec.file}: ${error.message}", error)
        } catch (error: IllegalStateException) {
            throw ModelException(ModelProblem.DOES_NOT_RUN, "${spec.file}: ${error.message}", error)
        }
    }

    override fun close() = interpreter.close()

    /** The manifest may not match the file, and a buffer of the wrong size must never reach the runtime. */
    private fun checkTensors(signature: SignatureSpec) {
        val name = signature.name
        if (name !in interpreter.signatureKeys) throw wrong(name)
        if (interpreter.getSignatureInputs(name).toSet() != signature.inputs.map { it.name }.toSet()) throw wrong(name)
        if (interpreter.getSignatureOutputs(name).toSet() !=
            signature.outputs.map { it.name }.toSet()
        ) {
            throw wrong(name)
        }
        for (input in signature.inputs) check(input, interpreter.getInputTensorFromSignature(input.name, name))
        for (output in signature.outputs) check(output, interpreter.getOutputTensorFromSignature(output.name, name))
    }

    private fun check(
        expected: TensorSpec,
        found: Tensor,
    ) {
        // A shape signature has -1 for dynamic dimensions.
        val fixed = found.shapeSignature().isEmpty() || found.shapeSignature().toList() == expected.shape
        if (found.dataType() != DataType.FLOAT32 || found.shape().toList() != expected.shape || !fixed) {
            throw wrong("${expected.name} ${found.dataType()} ${found.shape().toList()}")
        }
    }

    private fun wrong(detail: String) = ModelException(ModelProblem.WRONG_TENSORS, "${spec.file}: $detail")

    companion object {
        /** Allocates a buffer for a tensor. */
        fun buffer(spec: TensorSpec): ByteBuffer =
            ByteBuffer.allocateDirect(spec.elements * Float.SIZE_BYTES).order(ByteOrder.nativeOrder())
    }
}
