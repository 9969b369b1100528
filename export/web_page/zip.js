/**
 * Reads single files of a ZIP archive without trusting it: names come from the central directory,
 * content is inflated by the browser and cut off at a limit, ZIP64 and encryption are refused.
 */

import { Problem } from "./problem.js";

const MAX_ENTRIES = 100;
const MAX_BYTES = 2 ** 31 - 1;
const END = { signature: 0x06054b50, bytes: 22 };
const CENTRAL = { signature: 0x02014b50, bytes: 46 };
const LOCAL = { signature: 0x04034b50, bytes: 30 };
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;

const damaged = () => new Problem("This is not a ZIP file, or it is damaged.");

/** The entries of an archive (a Blob), by name: `{size, read()}`. Throws Problem. */
export async function readZip(file) {
  if (file.size > MAX_BYTES) throw new Problem("The ZIP file is larger than 2 GB.");
  const end = await endRecord(file);
  const count = end.getUint16(10, true);
  if (count > MAX_ENTRIES) throw new Problem(`The ZIP file has more than ${MAX_ENTRIES} files.`);
  const start = end.getUint32(16, true);
  const directory = await view(file, start, end.getUint32(12, true));
  const entries = new Map();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const { name, entry, next } = centralEntry(file, directory, at);
    entries.set(name, entry);
    at = next;
  }
  return entries;
}

/** The last record, searched for backwards: a comment may follow it. */
async function endRecord(file) {
  const length = Math.min(file.size, END.bytes + 0xffff);
  const tail = await view(file, file.size - length, length);
  for (let at = length - END.bytes; at >= 0; at--) {
    if (tail.getUint32(at, true) === END.signature) return new DataView(tail.buffer, at, END.bytes);
  }
  throw damaged();
}

function centralEntry(file, directory, at) {
  if (at + CENTRAL.bytes > directory.byteLength) throw damaged();
  if (directory.getUint32(at, true) !== CENTRAL.signature) throw damaged();
  const short = (offset) => directory.getUint16(at + offset, true);
  const long = (offset) => directory.getUint32(at + offset, true);
  const nameEnd = at + CENTRAL.bytes + short(28);
  const next = nameEnd + short(30) + short(32);
  if (next > directory.byteLength) throw damaged();
  const name = new TextDecoder().decode(directory.buffer.slice(at + CENTRAL.bytes, nameEnd));
  const size = long(24);
  const place = { method: short(10), packed: long(20), size, start: long(42) };
  if (short(8) & ENCRYPTED) throw new Problem(`${name} in the ZIP file is encrypted.`);
  return { name, entry: { size, read: () => content(file, place) }, next };
}

async function content(file, { method, packed, size, start }) {
  const local = await view(file, start, LOCAL.bytes);
  if (local.getUint32(0, true) !== LOCAL.signature) throw damaged();
  const from = start + LOCAL.bytes + local.getUint16(26, true) + local.getUint16(28, true);
  if (from + packed > file.size) throw damaged();
  const raw = file.slice(from, from + packed);
  if (method !== STORED && method !== DEFLATED) {
    throw new Problem("The ZIP file is packed by a method that browsers do not know.");
  }
  const stream = raw.stream();
  return collect(method === STORED ? stream : inflated(stream), size);
}

const inflated = (stream) => stream.pipeThrough(new DecompressionStream("deflate-raw"));

/** Exactly `size` bytes: stops at the first one too many, whatever the archive would unpack to. */
async function collect(stream, size) {
  const result = new Uint8Array(size);
  const reader = stream.getReader();
  let at = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw damaged();
    });
    if (done) break;
    if (at + value.length > size) {
      await reader.cancel();
      throw damaged();
    }
    result.set(value, at);
    at += value.length;
  }
  if (at !== size) throw damaged();
  return result;
}

async function view(file, start, length) {
  if (start < 0 || start + length > file.size) throw damaged();
  return new DataView(await file.slice(start, start + length).arrayBuffer());
}
