/** RGBA pixels of whatever holds a picture. */

let buffer = new Uint8ClampedArray();
let canvas = null;

/**
 * {data, width, height} of a VideoFrame, an ImageBitmap, or such an object itself; the first two are
 * closed. The data of a VideoFrame is valid until the next call.
 */
export async function pixelsOf(image) {
  if (image.data) return image;
  try {
    return (await copied(image)) ?? drawn(image);
  } finally {
    image.close();
  }
}

/** Without a canvas, whose memory grows; null where the browser cannot convert such a frame. */
async function copied(frame) {
  if (!(globalThis.VideoFrame && frame instanceof VideoFrame)) return null;
  const { width, height } = frame.visibleRect;
  const isUpright = !frame.rotation && !frame.flip;
  if (!isUpright || frame.displayWidth !== width || frame.displayHeight !== height) return null;
  const size = width * height * 4;
  if (buffer.length !== size) buffer = new Uint8ClampedArray(size);
  const options = { format: "RGBA", colorSpace: "srgb" };
  try {
    if (frame.allocationSize(options) !== size) return null;
    await frame.copyTo(buffer, options);
  } catch {
    return null;
  }
  return { data: buffer, width, height };
}

/** By way of a canvas, on white where the picture is transparent. */
function drawn(image) {
  const width = image.displayWidth ?? image.width;
  const height = image.displayHeight ?? image.height;
  if (canvas?.width !== width || canvas.height !== height) canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0, width, height);
  return { data: context.getImageData(0, 0, width, height).data, width, height };
}
