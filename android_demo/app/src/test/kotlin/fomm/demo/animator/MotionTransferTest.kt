package fomm.demo.animator

import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.File
import kotlin.math.abs

class MotionTransferTest {
    @Test
    fun equalsTheSharedVectors() {
        val vectors = JSONObject(File(System.getProperty("vectors")!!).readText())
        val tolerance = vectors.getDouble("tolerance")
        val cases = vectors.getJSONArray("cases")
        assertTrue(cases.length() > 10)
        for (i in 0 until cases.length()) {
            val case = cases.getJSONObject(i)
            val settings =
                MotionSettings(
                    case.getBoolean("relative"),
                    case.getBoolean("relative_jacobian"),
                    case.getBoolean("adapt_scale"),
                )
            val (source, driving, initial, expected) =
                listOf("kp_source", "kp_driving", "kp_driving_initial", "expected")
                    .map { keypoints(case.getJSONObject(it)) }
            val found = transferMotion(source, driving, initial, settings)
            val name = case.getString("name")
            assertNear(name, expected.value, found.value, tolerance)
            if (expected.jacobian == null) {
                assertNull(name, found.jacobian)
            } else {
                assertNear(name, expected.jacobian!!, found.jacobian!!, tolerance)
            }
        }
    }

    @Test
    fun refusesAnInitialFrameWithoutInverse() {
        val good = Keypoints(floatArrayOf(0f, 0f), floatArrayOf(1f, 0f, 0f, 1f))
        for (bad in listOf(floatArrayOf(1f, 2f, 2f, 4f), FloatArray(4), FloatArray(4) { Float.NaN })) {
            assertThrows(SingularInitialFrame::class.java) {
                transferMotion(good, good, Keypoints(good.value, bad), MotionSettings())
            }
        }
        // Absolute motion does not use it.
        val singular = Keypoints(good.value, FloatArray(4))
        assertEquals(good, transferMotion(good, good, singular, MotionSettings(relative = false)))
    }

    @Test
    fun hullOfASquareWithPointsInside() {
        val square = floatArrayOf(0f, 0f, 1f, 0f, 0.5f, 0.5f, 1f, 1f, 0f, 1f, 0.25f, 0.5f, 1f, 1f)
        assertEquals(1.0, hullArea(square), 1e-12)
        assertEquals(0.0, hullArea(floatArrayOf(0f, 0f, 1f, 1f)), 0.0)
    }

    private fun keypoints(data: JSONObject) =
        Keypoints(
            numbers(data.getJSONArray("value")),
            if (data.isNull("jacobian")) null else numbers(data.getJSONArray("jacobian")),
        )

    private fun numbers(array: JSONArray): FloatArray =
        (0 until array.length())
            .flatMap { i ->
                val item = array.get(i)
                if (item is JSONArray) numbers(item).toList() else listOf((item as Number).toFloat())
            }.toFloatArray()

    private fun assertNear(
        name: String,
        expected: FloatArray,
        found: FloatArray,
        tolerance: Double,
    ) {
        assertEquals(name, expected.size, found.size)
        for (i in expected.indices) {
            val allowed = tolerance * maxOf(1f, abs(expected[i]))
            assertEquals("$name, number $i", expected[i].toDouble(), found[i].toDouble(), allowed)
        }
    }
}
