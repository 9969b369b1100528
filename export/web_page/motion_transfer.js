/**
 * How driving keypoints move the source: the same as `transfer_motion` of fomm_tf/fomm/motion.py and
 * of fomm_tf/monkeynet/motion.py, for batches of one (arXiv 2003.00196, eq. 13 and 14).
 *
 * Keypoints are an object of Float32Arrays by the names of the graph's outputs: `value` [K, 2], and
 * `jacobian` [K, 2, 2] or `variance` [K, 2, 2], row by row.
 */

import { Problem } from "./problem.js";

const DEGENERATE_AREA = 1e-9;
const SMALLEST_EIGENVALUE = 1e-6;
const SINGULAR = "The first driving frame does not suit as a start: reset it, or use absolute motion.";

/** FOMM's: keypoints with Jacobians, or without. */
export function transferMotion(source, driving, initial, options) {
  if (!options.relative) return driving;
  const value = movedValues(source, driving, initial, options.adaptScale);
  if (!driving.jacobian) return { value };
  const jacobian = options.relativeJacobian
    ? eachMatrix(source.jacobian, driving.jacobian, initial.jacobian, (s, d, i) =>
        product(product(d, inverse(i)), s))
    : driving.jacobian;
  return { value, jacobian };
}

/** Monkey-Net's; `adaptVariance` and `clipMean` come from the model's config. */
export function transferGaussians(source, driving, initial, options) {
  let value = driving.value;
  if (options.relative) value = movedValues(source, driving, initial, options.adaptScale);
  if (options.clipMean) value = value.map((x) => Math.min(1, Math.max(-1, x)));
  if (!driving.variance) return { value };
  const variance = options.adaptVariance
    ? eachMatrix(source.variance, driving.variance, initial.variance, (s, d, i) =>
        positive(product(product(d, inverse(i)), s)))
    : driving.variance;
  return { value, variance };
}

/** The mean squared distance of keypoints after each set is centred and divided by its size. */
export function keypointDistance(first, second) {
  const a = normalized(first.value);
  const b = normalized(second.value);
  return a.reduce((sum, x, i) => sum + (x - b[i]) ** 2, 0) / (a.length / 2);
}

/** Area of the convex hull of points x, y, x, y...; 0 for fewer than three, or all on a line. */
export function hullArea(points) {
  const ordered = [];
  for (let i = 0; i < points.length; i += 2) ordered.push([points[i], points[i + 1]]);
  ordered.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (ordered.length < 3) return 0;
  const hull = [...halfHull(ordered), ...halfHull(ordered.reverse())];
  const twice = hull.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = hull[(i + 1) % hull.length];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(twice) / 2;
}

/** One chain of the hull, without its last point, which begins the other chain. */
function halfHull(ordered) {
  const hull = [];
  for (const point of ordered) {
    while (hull.length > 1 && turn(hull.at(-2), hull.at(-1), point) <= 0) hull.pop();
    hull.push(point);
  }
  return hull.slice(0, -1);
}

const turn = (a, b, c) => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);

function movedValues(source, driving, initial, adaptScale) {
  const scale = adaptScale ? movementScale(source, initial) : 1;
  return driving.value.map((x, i) => (x - initial.value[i]) * scale + source.value[i]);
}

function movementScale(source, initial) {
  const areas = [hullArea(source.value), hullArea(initial.value)];
  return Math.min(...areas) < DEGENERATE_AREA ? 1 : Math.sqrt(areas[0] / areas[1]);
}

function normalized(value) {
  const centre = [0, 1].map((axis) => mean(value.filter((_, i) => i % 2 === axis)));
  const area = hullArea(value);
  const size = area >= DEGENERATE_AREA ? Math.sqrt(area) : 1;
  return Array.from(value, (x, i) => (x - centre[i % 2]) / size);
}

const mean = (numbers) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

function eachMatrix(source, driving, initial, combine) {
  const result = new Float32Array(driving.length);
  for (let at = 0; at < result.length; at += 4) {
    const [s, d, i] = [source, driving, initial].map((all) => all.subarray(at, at + 4));
    result.set(combine(s, d, i), at);
  }
  return result;
}

const product = (a, b) => [
  a[0] * b[0] + a[1] * b[2],
  a[0] * b[1] + a[1] * b[3],
  a[2] * b[0] + a[3] * b[2],
  a[2] * b[1] + a[3] * b[3],
];

function inverse(m) {
  const determinant = m[0] * m[3] - m[1] * m[2];
  if (!determinant || !Number.isFinite(determinant)) throw new Problem(SINGULAR);
  return [m[3], -m[1], -m[2], m[0]].map((x) => x / determinant);
}

/** The symmetric part of a matrix, its eigenvalues that are not positive replaced by a small one. */
function positive([a, b, c, d]) {
  const off = (b + c) / 2;
  const middle = (a + d) / 2;
  const radius = Math.hypot((a - d) / 2, off);
  const least = middle - radius;
  if (least > 0) return [a, off, off, d];
  // Spectral decomposition of a symmetric 2x2 matrix: sum of eigenvalue * projection.
  const [low, high] = [least, middle + radius].map((x) => (x > 0 ? x : SMALLEST_EIGENVALUE));
  if (!radius) return [low, 0, 0, low];
  const onto = [(a - d) / 2, off, off, (d - a) / 2].map((x) => x / radius / 2);
  const identity = [0.5, 0, 0, 0.5];
  return onto.map((x, i) => high * (identity[i] + x) + low * (identity[i] - x));
}
