/** What a user drops on the page: files, or the files of a folder. */

const MOST_FILES = 100;

/** {picture}, {video} or {model: files}; a folder, a ZIP file or a manifest is a model. */
export async function dropped(transfer) {
  const entry = transfer.items[0]?.webkitGetAsEntry?.();
  if (entry?.isDirectory) return { model: await filesOf(entry) };
  const files = [...transfer.files];
  const [file] = files;
  if (!file) return {};
  if (file.type.startsWith("image/")) return { picture: file };
  if (file.name.endsWith(".zip") || files.some(({ name }) => name === "manifest.json")) return { model: files };
  return { video: file };
}

async function filesOf(folder) {
  const reader = folder.createReader();
  const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  const files = entries.filter((entry) => entry.isFile).slice(0, MOST_FILES);
  return Promise.all(files.map((one) => new Promise((resolve, reject) => one.file(resolve, reject))));
}
