/** Unpacks the files inside a page made with --single-file, and starts it; follows embedded.js. */

const files = {};
for (const element of document.querySelectorAll("script[data-path]")) {
  const bytes = Uint8Array.from(atob(element.textContent), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  files[element.dataset.path] = await new Response(stream).blob();
  element.remove();
}
globalThis.EMBEDDED_FILES = files;
globalThis.EMBEDDED = await embedded(files);
for (const link of document.querySelectorAll("footer a")) {
  link.href = globalThis.EMBEDDED[link.getAttribute("href")];
}
await import(globalThis.EMBEDDED["main.js"]);
