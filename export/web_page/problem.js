/** An error whose message is a sentence for the user. */
export class Problem extends Error {}

/** A sentence for anything that was thrown. */
export function sentenceOf(error) {
  if (error instanceof Problem) return error.message;
  const text = String(error?.message ?? error);
  const memory = /out of memory|memory access|allocation failed|Aborted|cannot enlarge|std::bad_alloc/i;
  if (error instanceof RangeError || memory.test(text)) {
    return "The browser has not enough memory for this model. Close other tabs, or use a smaller one.";
  }
  return `Something went wrong: ${text.slice(0, 300)}`;
}
