/**
 * Unpacks the files inside a page made with --single-file, and starts it. Each becomes a blob: URL;
 * modules are given those of the modules that they import.
 */

const TYPES = { js: "text/javascript", wasm: "application/wasm", png: "image/png", mp4: "video/mp4" };
const IMPORT = /(from\s*)"\.\/([\w.-]+)"/g;

const blobs = {};
for (const element of document.querySelectorAll("script[data-path]")) {
  const bytes = Uint8Array.from(atob(element.textContent), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  blobs[element.dataset.path] = await new Response(stream).blob();
  element.remove();
}

globalThis.EMBEDDED = {};

/** The URL of a file, made when it is first asked for: those of its imports come before it. */
async function linked(path) {
  if (globalThis.EMBEDDED[path]) return globalThis.EMBEDDED[path];
  const suffix = path.split(".").at(-1);
  let content = blobs[path];
  if (suffix === "js") {
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    const text = await content.text();
    const urls = {};
    for (const [, , name] of text.matchAll(IMPORT)) urls[name] = await linked(folder + name);
    content = text.replace(IMPORT, (_, from, name) => `${from}"${urls[name]}"`);
  }
  const blob = new Blob([content], { type: TYPES[suffix] ?? "text/plain" });
  return (globalThis.EMBEDDED[path] = URL.createObjectURL(blob));
}

for (const path of Object.keys(blobs)) await linked(path);
for (const link of document.querySelectorAll("footer a")) {
  link.href = globalThis.EMBEDDED[link.getAttribute("href")];
}
await import(globalThis.EMBEDDED["main.js"]);
