/** The files of an exported model: those of the page, of a ZIP file, or of a folder. */

import { bytesOf } from "./assets.js";
import { MANIFEST_FILE, readManifest } from "./manifest.js";
import { Problem } from "./problem.js";
import { readZip } from "./zip.js";

const MAX_MANIFEST_BYTES = 1 << 20;

/** The manifest and the graphs by file name of the page's own model. */
export async function pageModel() {
  const manifest = readManifest(decoded(await bytesOf(`model/${MANIFEST_FILE}`)));
  return withGraphs(manifest, (name) => bytesOf(`model/${name}`));
}

/** The same of what a user chose: one ZIP file, or the files of a folder. Throws Problem. */
export async function userModel(files) {
  const isZip = files.length === 1 && files[0].name !== MANIFEST_FILE;
  const entries = isZip ? await readZip(files[0]) : folderEntries(files);
  const prefix = prefixOf(entries);
  const entry = entries.get(prefix + MANIFEST_FILE);
  if (entry.size > MAX_MANIFEST_BYTES) throw new Problem(`${MANIFEST_FILE} is over 1 MiB.`);
  const manifest = readManifest(decoded(await entry.read()));
  return withGraphs(manifest, (name, size) => {
    const found = entries.get(prefix + name);
    if (!found) throw new Problem(`This is not a complete exported model: it has no ${name}.`);
    if (found.size !== size) throw wrongSize(name);
    return found.read();
  });
}

/** The files of a folder as if they were those of an archive. */
function folderEntries(files) {
  const read = (file) => async () => new Uint8Array(await file.arrayBuffer());
  return new Map(files.map((file) => [file.name, { size: file.size, read: read(file) }]));
}

/** The folder of the manifest: the top, or one below, but not what macOS adds. */
function prefixOf(entries) {
  const names = [...entries.keys()].filter(
    (name) => /^([^/]+\/)?manifest\.json$/.test(name) && !name.startsWith("__MACOSX"),
  );
  if (!names.length) throw new Problem(`This is not an exported model: it has no ${MANIFEST_FILE}.`);
  return names[0].slice(0, -MANIFEST_FILE.length);
}

async function withGraphs(manifest, read) {
  const graphs = {};
  for (const { file, bytes, sha256 } of manifest.graphs) {
    const content = await read(file, bytes);
    if (content.length !== bytes) throw wrongSize(file);
    if ((await digest(content)) !== sha256) {
      throw new Problem(`${file} is damaged: its checksum differs from the manifest's.`);
    }
    graphs[file] = content;
  }
  return { manifest, graphs };
}

const wrongSize = (name) => new Problem(`${name} is damaged: its size differs from the manifest's.`);

async function digest(content) {
  if (!globalThis.crypto?.subtle) {
    throw new Problem("Browsers offer checksums and the camera to https:// and localhost only: open this page there.");
  }
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const decoded = (bytes) => new TextDecoder().decode(bytes);
