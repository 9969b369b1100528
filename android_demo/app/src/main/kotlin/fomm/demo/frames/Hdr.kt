package fomm.demo.frames

import kotlin.math.exp
import kotlin.math.ln
import kotlin.math.pow
import kotlin.math.sqrt

/**
 * The transfer functions of HDR video (ITU-R BT.2100), and tone mapping to sRGB.
 *
 * Linear light is relative to HDR reference white, 203 cd/m2 (ITU-R BT.2408). It is unchanged up to 0.8; above, it
 * approaches 1 exponentially, so reference white becomes 247 of 255 and highlights keep some detail.
 */
enum class Hdr(
    toLight: (Double) -> Double,
) {
    HLG(::hlgToScene) {
        /** The HLG OOTF for a peak of 1000 cd/m2: system gamma 1.2, applied to luminance. */
        override fun gain(
            r: Float,
            g: Float,
            b: Float,
        ) = HLG_PEAK / REFERENCE_WHITE * (KR_2020 * r + KG_2020 * g + KB_2020 * b).pow(HLG_GAMMA - 1)
    },

    PQ(::pqToDisplay) {
        override fun gain(
            r: Float,
            g: Float,
            b: Float,
        ) = PQ_PEAK / REFERENCE_WHITE
    },
    ;

    private val light = FloatArray(BYTE + 1) { toLight(it / BYTE.toDouble()).toFloat() }

    /** From the linear light of the code values to display light relative to reference white. */
    internal abstract fun gain(
        r: Float,
        g: Float,
        b: Float,
    ): Float

    /** Converts 0xAARRGGBB pixels in place, from BT.2020 primaries and this transfer function to sRGB. */
    fun toSdr(argb: IntArray) {
        for (i in argb.indices) argb[i] = toSdr(argb[i])
    }

    @Suppress("MagicNumber") // BT.2087: BT.2020 primaries to BT.709, which are those of sRGB.
    private fun toSdr(pixel: Int): Int {
        val r = light[pixel shr RED and BYTE]
        val g = light[pixel shr GREEN and BYTE]
        val b = light[pixel and BYTE]
        val gain = gain(r, g, b)
        val red = level((1.6605f * r - 0.5876f * g - 0.0728f * b) * gain)
        val green = level((-0.1246f * r + 1.1329f * g - 0.0083f * b) * gain)
        val blue = level((-0.0182f * r - 0.1006f * g + 1.1187f * b) * gain)
        return (pixel and (BYTE shl ALPHA)) or (red shl RED) or (green shl GREEN) or blue
    }

    private fun level(light: Float) = SDR[(sqrt(light.coerceIn(0f, BRIGHTEST) / BRIGHTEST) * (STEPS - 1)).toInt()]

    private companion object {
        const val KR_2020 = 0.2627f
        const val KG_2020 = 0.6780f
        const val KB_2020 = 0.0593f
        const val REFERENCE_WHITE = 203f
        const val HLG_PEAK = 1000f
        const val HLG_GAMMA = 1.2f
        const val PQ_PEAK = 10_000f
        const val KNEE = 0.8

        /** Brighter light is 255 in 8 bits anyway. */
        const val BRIGHTEST = 3f
        const val STEPS = 8192

        /** sRGB by the square root of light, which spends the table's steps about as evenly as sRGB does. */
        val SDR =
            IntArray(STEPS) {
                val light = (it + CENTRE) / STEPS
                (toSrgb(compress(light * light * BRIGHTEST)) * BYTE + CENTRE).toInt()
            }
        const val CENTRE = 0.5

        fun compress(light: Double) = if (light <= KNEE) light else 1 - (1 - KNEE) * exp((KNEE - light) / (1 - KNEE))
    }
}

@Suppress("MagicNumber") // BT.2100, table 5: inverse OETF.
private fun hlgToScene(code: Double): Double {
    val a = 0.17883277
    val b = 1 - 4 * a
    val c = 0.5 - a * ln(4 * a)
    return if (code <= 0.5) code * code / 3 else (exp((code - c) / a) + b) / 12
}

@Suppress("MagicNumber") // BT.2100, table 4: EOTF, 1 being 10,000 cd/m2.
private fun pqToDisplay(code: Double): Double {
    val root = code.pow(1 / 78.84375)
    return ((root - 0.8359375).coerceAtLeast(0.0) / (18.8515625 - 18.6875 * root)).pow(1 / 0.1593017578125)
}

@Suppress("MagicNumber") // IEC 61966-2-1.
private fun toSrgb(light: Double) = if (light <= 0.0031308) 12.92 * light else 1.055 * light.pow(1 / 2.4) - 0.055
