/**
 * Resizes a part of a picture to the model's size: area averaging when it gets smaller, bilinear
 * interpolation when it gets larger. Pixels are RGBA bytes, row by row.
 */
export class Fit {
  #rows;
  #columns;
  #lines;

  /** box: {x, y, width, height} in the picture's pixels. mirror: left and right are exchanged. */
  constructor(picture, box, width, height, mirror = false) {
    this.key = Fit.keyOf(picture, box, mirror);
    this.width = width;
    this.height = height;
    this.#columns = axis(picture.width, box.x, box.width, width);
    this.#rows = axis(picture.height, box.y, box.height, height);
    if (mirror) this.#columns.reverse();
    this.#lines = new Map();
  }

  static keyOf({ width, height }, box, mirror) {
    return [width, height, box.x, box.y, box.width, box.height, mirror].join();
  }

  /** The part of a picture, which must be as large as the constructor's, as RGBA bytes. */
  apply({ data, width }) {
    const result = new Uint8ClampedArray(this.width * this.height * 4);
    const sums = new Float32Array(this.width * 3);
    this.#lines.clear();
    this.#rows.forEach((taps, row) => {
      sums.fill(0);
      for (const [y, weight] of taps) addLine(sums, this.#line(data, width, y), weight);
      writeLine(result, row * this.width, sums);
      // Lines above the first that this row needs are never needed again.
      for (const y of this.#lines.keys()) if (y < taps[0][0]) this.#lines.delete(y);
    });
    return result;
  }

  /** One line of the picture, resized to the width: RGB. */
  #line(data, width, y) {
    let line = this.#lines.get(y);
    if (line) return line;
    line = new Float32Array(this.width * 3);
    this.#columns.forEach((taps, column) => {
      for (const [x, weight] of taps) {
        const from = (y * width + x) * 4;
        for (let c = 0; c < 3; c++) line[column * 3 + c] += weight * data[from + c];
      }
    });
    this.#lines.set(y, line);
    return line;
  }
}

function addLine(sums, line, weight) {
  for (let i = 0; i < sums.length; i++) sums[i] += weight * line[i];
}

function writeLine(result, at, sums) {
  for (let i = 0; i * 3 < sums.length; i++) {
    const to = (at + i) * 4;
    for (let c = 0; c < 3; c++) result[to + c] = sums[i * 3 + c];
    result[to + 3] = 255;
  }
}

/** For each of `count` places the source pixels [index, weight] along one axis of `size` pixels. */
function axis(size, start, length, count) {
  const ratio = length / count;
  return Array.from({ length: count }, (_, i) => {
    const taps = ratio < 1 ? between(start + (i + 0.5) * ratio - 0.5) : covered(start + i * ratio, ratio);
    return taps.map(([index, weight]) => [Math.min(size - 1, Math.max(0, index)), weight]);
  });
}

function between(place) {
  const first = Math.floor(place);
  return [[first, 1 - (place - first)], [first + 1, place - first]].filter(([, weight]) => weight > 0);
}

function covered(start, length) {
  const taps = [];
  for (let index = Math.floor(start); index < start + length; index++) {
    const weight = (Math.min(start + length, index + 1) - Math.max(start, index)) / length;
    if (weight > 1e-6) taps.push([index, weight]);
  }
  return taps;
}
