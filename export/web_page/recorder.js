/** Records a canvas, with sound or without, in a type that the browser says it can write. */

import { Problem } from "./problem.js";

const TYPES = [
  ["mp4", "video/mp4;codecs=avc1.42E01E", ",mp4a.40.2"],
  ["webm", "video/webm;codecs=vp9", ",opus"],
  ["webm", "video/webm;codecs=vp8", ",opus"],
  ["webm", "video/webm", ""],
  ["mp4", "video/mp4", ""],
];
const BITS_PER_SECOND = 4_000_000;

export class Recorder {
  #recorder;
  #parts = [];

  /** audio: a track, or null. Throws Problem where nothing can be recorded. */
  constructor(canvas, audio) {
    const withAudio = ([, video, codec]) => (audio ? video + codec : video);
    const type = TYPES.find((one) => globalThis.MediaRecorder?.isTypeSupported(withAudio(one)));
    if (!type) throw new Problem("This browser cannot record video.");
    const stream = canvas.captureStream();
    if (audio) stream.addTrack(audio);
    this.suffix = type[0];
    this.#recorder = new MediaRecorder(stream, {
      mimeType: withAudio(type),
      videoBitsPerSecond: BITS_PER_SECOND,
    });
    this.#recorder.ondataavailable = ({ data }) => this.#parts.push(data);
    this.#recorder.start(1000);
  }

  /** Ends the recording; returns the file's content, a Blob. */
  stop() {
    return new Promise((resolve) => {
      this.#recorder.onstop = () => {
        this.#recorder.stream.getVideoTracks().forEach((track) => track.stop());
        resolve(new Blob(this.#parts, { type: this.#recorder.mimeType }));
      };
      this.#recorder.stop();
    });
  }
}

/** Offers a file for download. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
