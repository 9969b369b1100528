package fomm.demo.ui

import android.content.Context
import android.util.AttributeSet
import android.widget.ImageView

/** An image of the full available width, with the model's aspect ratio and rounded corners. */
class PictureView(
    context: Context,
    attributes: AttributeSet?,
) : ImageView(context, attributes) {
    private var aspect = 1f

    init {
        clipToOutline = true
        scaleType = ScaleType.CENTER_CROP
    }

    fun setAspect(
        width: Int,
        height: Int,
    ) {
        aspect = width.toFloat() / height
        requestLayout()
    }

    override fun onMeasure(
        widthMeasureSpec: Int,
        heightMeasureSpec: Int,
    ) {
        val width = MeasureSpec.getSize(widthMeasureSpec)
        val wanted = (width / aspect).toInt()
        val isLimited = MeasureSpec.getMode(heightMeasureSpec) != MeasureSpec.UNSPECIFIED
        val height = if (isLimited) minOf(wanted, MeasureSpec.getSize(heightMeasureSpec)) else wanted
        setMeasuredDimension(width, height)
    }
}
