/**
 * Resizes a part of a picture to the model's size: area averaging when it gets smaller, bilinear
 * interpolation when it gets larger. Pixels are RGBA bytes, row by row.
 */
export class Fit {
  #rows;
  #columns;

  /** box: {x, y, width, height} in the picture's pixels. mirror: left and right are exchanged. */
  constructor(picture, box, width, height, mirror = false) {
    this.key = Fit.keyOf(picture, box, mirror);
    this.width = width;
    this.height = height;
    this.#rows = axis(picture.height, box.y, box.height, height);
    this.#columns = axis(picture.width, box.x, box.width, width);
    if (mirror) this.#columns.reverse();
  }

  /** Equal for pictures, boxes and mirroring that one `Fit` of a size serves. */
  static keyOf({ width, height }, box, mirror) {
    return [width, height, box.x, box.y, box.width, box.height, mirror].join();
  }

  /** The part of a picture, which must be as large as the constructor's, as RGBA bytes. */
  apply({ data, width }) {
    const result = new Uint8ClampedArray(this.width * this.height * 4);
    const [start, end] = this.#span();
    const line = new Float32Array((end - start) * 4);
    this.#rows.forEach(({ first, weights }, row) => {
      line.fill(0);
      weights.forEach((weight, i) => addLine(line, data, ((first + i) * width + start) * 4, weight));
      this.#columns.forEach((column, i) => {
        writePixel(result, (row * this.width + i) * 4, line, (column.first - start) * 4, column.weights);
      });
    });
    return result;
  }

  /** The columns of the picture that are needed. */
  #span() {
    const starts = this.#columns.map(({ first }) => first);
    const ends = this.#columns.map(({ first, weights }) => first + weights.length);
    return [Math.min(...starts), Math.max(...ends)];
  }
}

// The inner loops are over millions of numbers a frame.

function addLine(line, data, from, weight) {
  for (let i = 0; i < line.length; i++) line[i] += weight * data[from + i];
}

function writePixel(result, to, line, from, weights) {
  let [red, green, blue] = [0, 0, 0];
  for (let i = 0; i < weights.length; i++, from += 4) {
    red += weights[i] * line[from];
    green += weights[i] * line[from + 1];
    blue += weights[i] * line[from + 2];
  }
  result[to] = red;
  result[to + 1] = green;
  result[to + 2] = blue;
  result[to + 3] = 255;
}

/** For each of `count` places along one axis the weights of the pixels from the `first` on. */
function axis(size, start, length, count) {
  const ratio = length / count;
  return Array.from({ length: count }, (_, i) =>
    ratio < 1 ? between(start + (i + 0.5) * ratio - 0.5, size) : covered(start + i * ratio, ratio, size));
}

function between(place, size) {
  const inside = Math.min(size - 1, Math.max(0, place));
  const first = Math.floor(inside);
  const share = inside - first;
  return { first, weights: Float64Array.from(share > 0 ? [1 - share, share] : [1]) };
}

function covered(start, length, size) {
  const first = Math.min(size - 1, Math.floor(start + 1e-6));
  const end = Math.min(size, Math.max(first + 1, Math.ceil(start + length - 1e-6)));
  const weights = Float64Array.from({ length: end - first }, (_, i) => {
    const index = first + i;
    return (Math.min(start + length, index + 1) - Math.max(start, index)) / length;
  });
  return { first, weights };
}
