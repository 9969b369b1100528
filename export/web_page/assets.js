/**
 * Where the page's own files are: beside it, or inside it.
 *
 * In a page made with --single-file `EMBEDDED` maps a path to the blob: URL of its content.
 */
export const urlOf = (path) => globalThis.EMBEDDED?.[path] ?? new URL(path, import.meta.url).href;

export async function bytesOf(path) {
  const response = await fetch(urlOf(path));
  if (!response.ok) throw new Error(`${path} is missing (${response.status})`);
  return new Uint8Array(await response.arrayBuffer());
}
