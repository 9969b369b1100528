/**
 * For pages made with --single-file, in the page and in its worker, which cannot import what the
 * other has made: gives files, Blobs by path, a blob: URL each. Modules are given those of the
 * modules that they import. Not a module itself.
 */
"use strict";

async function embedded(files) {
  const types = { js: "text/javascript", wasm: "application/wasm", png: "image/png", mp4: "video/mp4" };
  const imports = /(from\s*)"\.\/([\w.-]+)"/g;
  const urls = {};

  async function linked(path) {
    if (urls[path]) return urls[path];
    const suffix = path.split(".").at(-1);
    let content = files[path];
    if (suffix === "js") {
      const folder = path.slice(0, path.lastIndexOf("/") + 1);
      const text = await content.text();
      const found = {};
      for (const [, , name] of text.matchAll(imports)) found[name] = await linked(folder + name);
      content = text.replace(imports, (_, from, name) => `${from}"${found[name]}"`);
    }
    const blob = new Blob([content], { type: types[suffix] ?? "text/plain" });
    return (urls[path] = URL.createObjectURL(blob));
  }

  for (const path of Object.keys(files)) await linked(path);
  return urls;
}
