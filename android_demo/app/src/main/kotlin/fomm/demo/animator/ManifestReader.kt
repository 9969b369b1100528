package fomm.demo.animator

import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject

const val MAX_MANIFEST_BYTES = 1 shl 20
private const val MAX_SIDE = 4096
private const val MAX_ELEMENTS = 1L shl 28
private const val MAX_RANK = 6
private const val MAX_NAME = 80
private const val MAX_TENSORS = 64

/** Parses manifest.json without trusting it. Throws ModelException. */
fun readManifest(text: String): Manifest =
    try {
        manifest(JSONObject(text)).also { it.check() }
    } catch (error: JSONException) {
        throw bad(error.message.orEmpty().take(MAX_NAME), error)
    } catch (error: StackOverflowError) {
        // Thousands of nested brackets: the parser is recursive.
        throw bad("nested too deeply", error)
    }

private fun manifest(data: JSONObject): Manifest {
    if (data.getInt("format") != 1) throw bad("format ${data.getInt("format")}")
    val size = data.getJSONArray("size")
    if (size.length() != 2) throw bad("size")
    val graphs = objects(data.getJSONArray("graphs")).map(::graph)
    if (graphs.map { it.file } != listOf(Manifest.DETECTOR, Manifest.GENERATOR)) {
        throw bad("the graphs are not those of a First Order Motion Model")
    }
    return Manifest(
        name = text(data, "name"),
        license = if (data.isNull("license")) null else text(data, "license"),
        precision = text(data, "precision"),
        height = side(size, 0),
        width = side(size, 1),
        detector = graphs[0],
        generator = graphs[1],
    )
}

private fun graph(data: JSONObject): GraphSpec {
    val bytes = data.getLong("bytes")
    if (bytes !in 1..Int.MAX_VALUE) throw bad("bytes $bytes")
    val sha256 = text(data, "sha256")
    if (!sha256.matches(Regex("[0-9a-f]{64}"))) throw bad("sha256")
    val signatures = objects(data.getJSONArray("signatures")).map(::signature)
    return GraphSpec(text(data, "file"), bytes, sha256, signatures)
}

private fun signature(data: JSONObject) =
    SignatureSpec(
        text(data, "name"),
        objects(data.getJSONArray("inputs")).map(::tensor),
        objects(data.getJSONArray("outputs")).map(::tensor),
    )

private fun tensor(data: JSONObject): TensorSpec {
    val name = text(data, "name")
    if (data.getString("type") != "float32") throw bad("$name: only float32 can be fed")
    val shape = data.getJSONArray("shape")
    if (shape.length() !in 1..MAX_RANK) throw bad("$name: shape")
    val sides = (0 until shape.length()).map { side(shape, it) }
    if (sides.fold(1L) { product, side -> minOf(product * side, MAX_ELEMENTS + 1) } > MAX_ELEMENTS) {
        throw bad("$name: shape $sides")
    }
    return TensorSpec(name, sides)
}

private fun side(
    shape: JSONArray,
    index: Int,
): Int {
    // getInt alone would accept "12" and 1.5.
    val side = shape.get(index) as? Int ?: throw bad("shape $shape")
    if (side !in 1..MAX_SIDE) throw bad("shape $shape")
    return side
}

private fun text(
    data: JSONObject,
    key: String,
): String = (data.get(key) as? String ?: throw bad(key)).take(MAX_NAME).filterNot { it.isISOControl() }

private fun objects(array: JSONArray): List<JSONObject> {
    if (array.length() > MAX_TENSORS) throw bad("${array.length()} entries")
    return (0 until array.length()).map { array.getJSONObject(it) }
}

private fun bad(
    detail: String,
    cause: Throwable? = null,
) = ModelException(ModelProblem.BAD_MANIFEST, "${Manifest.FILE}: $detail", cause)
