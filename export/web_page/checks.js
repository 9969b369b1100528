/**
 * Checks of values from JSON. A check takes a value and its path and returns the value, or throws a
 * Problem that names the path: as fomm_tf/config/schema.py does.
 */

import { Problem } from "./problem.js";

const refuse = (path, message) => {
  throw new Problem(`This model cannot be used: ${path || "the file"} ${message}.`);
};

export const text = (value, path) =>
  typeof value === "string" ? value : refuse(path, "must be text");

export const truth = (value, path) =>
  typeof value === "boolean" ? value : refuse(path, "must be true or false");

export const group = (value, path) =>
  value !== null && typeof value === "object" && !Array.isArray(value)
    ? value
    : refuse(path, "must be a group of keys");

export const number = (low, high) => (value, path) =>
  typeof value === "number" && value >= low && value <= high
    ? value
    : refuse(path, `must be a number from ${low} to ${high}`);

export const whole = (low, high) => (value, path) =>
  Number.isInteger(value) && value >= low && value <= high
    ? value
    : refuse(path, `must be a whole number from ${low} to ${high}`);

export const matching = (pattern, meaning) => (value, path) =>
  pattern.test(text(value, path)) ? value : refuse(path, `must be ${meaning}`);

export const oneOf = (...known) => (value, path) =>
  known.includes(value) ? value : refuse(path, `must be ${known.join(" or ")}`);

export const orNull = (check) => (value, path) => (value === null ? null : check(value, path));

/** A key that may be missing: only inside `section`. */
export const optional = (check) =>
  Object.assign((value, path) => (value === undefined ? undefined : check(value, path)), {
    isOptional: true,
  });

export const list = (check, length) => (value, path) => {
  if (!Array.isArray(value)) refuse(path, "must be a list");
  if (length !== undefined && value.length !== length) refuse(path, `must be a list of ${length}`);
  return value.map((item, i) => check(item, `${path}[${i}]`));
};

/** A group with these keys and no others. */
export const section = (checks) => (value, path) => {
  const at = (key) => (path ? `${path}.${key}` : key);
  for (const key of Object.keys(group(value, path))) {
    if (!Object.hasOwn(checks, key)) refuse(at(key.slice(0, 60)), "is an unknown key");
  }
  const entries = Object.entries(checks).map(([key, check]) => {
    if (!Object.hasOwn(value, key) && !check.isOptional) refuse(at(key), "is missing");
    return [key, check(value[key], at(key))];
  });
  return Object.fromEntries(entries);
};
