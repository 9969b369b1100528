/** The driving video: a file or the camera, played by a <video> element that nobody sees. */

import { Problem } from "./problem.js";

const CAMERA_PROBLEMS = {
  NotFoundError: "No camera was found on this computer.",
  OverconstrainedError: "No camera was found on this computer.",
  NotAllowedError: "The browser was not allowed to use the camera. Allow it in the address bar and try again.",
  NotReadableError: "The camera cannot be read; perhaps another program uses it.",
};
const LOOKS = 48;

export class Driving {
  #video;
  #stream = null;
  #url = null;
  #audio = null;
  #isFresh = false;
  #wake = () => {};

  constructor(video) {
    this.#video = video;
    this.#watch();
  }

  get isCamera() {
    return this.#stream !== null;
  }

  get isPlaying() {
    return !this.#video.paused && !this.#video.ended;
  }

  get size() {
    return { width: this.#video.videoWidth, height: this.#video.videoHeight };
  }

  get hasSound() {
    const { webkitAudioDecodedByteCount: decoded = 0, mozHasAudio = false } = this.#video;
    return !this.isCamera && (mozHasAudio || decoded > 0);
  }

  /** Plays a video, a Blob. Throws Problem if the browser cannot; what was played then goes on. */
  async useFile(blob, name) {
    const sentence = `The browser cannot play ${name}: it is not a video, or of a format that it does not know. `
      + "MP4 with H.264 and WebM work nearly everywhere.";
    const url = URL.createObjectURL(blob);
    if (!(await isVideo(url))) {
      URL.revokeObjectURL(url);
      throw new Problem(sentence);
    }
    this.#leave();
    this.#url = url;
    this.#video.src = url;
    await this.#start(sentence);
  }

  /** Plays the camera. Throws Problem. */
  async useCamera() {
    if (!navigator.mediaDevices) {
      throw new Problem("Browsers offer the camera to https:// and localhost only: open this page there.");
    }
    const video = { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" };
    const stream = await navigator.mediaDevices.getUserMedia({ video }).catch((error) => {
      throw new Problem(CAMERA_PROBLEMS[error.name] ?? `The camera cannot be used: ${error.message}`);
    });
    this.#leave();
    this.#video.removeAttribute("src");
    this.#stream = stream;
    this.#video.srcObject = stream;
    await this.#start("The camera gives no pictures.");
  }

  play() {
    return this.#video.play();
  }

  pause() {
    this.#video.pause();
  }

  /** Resolves as soon as there is a frame that `frame` has not given yet. */
  async next() {
    while (!this.#isFresh) await new Promise((resolve) => (this.#wake = resolve));
  }

  /** The frame that is shown now, to be given to the worker; null if there is none. */
  async frame() {
    this.#isFresh = false;
    if (this.#video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
    return globalThis.VideoFrame ? new VideoFrame(this.#video) : createImageBitmap(this.#video);
  }

  /** Gives the frame that is shown once more. */
  refresh() {
    this.#isFresh = true;
    this.#wake();
  }

  /** Pauses a video file at its beginning. */
  async rewind() {
    this.#video.pause();
    await this.#seek(0);
  }

  /** Calls `visit` with places spread over a video file, which shows each meanwhile. */
  async survey(visit) {
    await this.rewind();
    // Recordings may not know how long they are.
    const length = Number.isFinite(this.#video.duration) ? this.#video.duration : 0;
    for (let i = 0; i < LOOKS; i++) {
      await this.#seek((length * i) / LOOKS);
      await visit(i / LOOKS);
    }
    await this.rewind();
    await this.play();
  }

  /** Plays a video file to its end, or until it is paused. */
  async playToEnd() {
    const video = this.#video;
    video.loop = false;
    const over = Promise.race(["ended", "pause", "emptied"].map((type) => heard(video, type)));
    await this.play();
    await over;
    video.loop = true;
  }

  /** The sound of a video file as a track for recording; null if there is none. It is not heard. */
  soundTrack() {
    if (!this.hasSound) return null;
    if (!this.#audio) {
      const context = new AudioContext();
      this.#audio = context.createMediaStreamDestination();
      context.createMediaElementSource(this.#video).connect(this.#audio);
    }
    this.#audio.context.resume();
    this.#video.muted = false;
    return this.#audio.stream.getAudioTracks()[0];
  }

  #watch() {
    const again = () => {
      this.refresh();
      this.#watch();
    };
    if (this.#video.requestVideoFrameCallback) this.#video.requestVideoFrameCallback(again);
    else setTimeout(again, 1000 / 30);
  }

  async #seek(time) {
    const done = heard(this.#video, "seeked");
    this.#video.currentTime = time;
    await done;
  }

  async #start(sentence) {
    const video = this.#video;
    const failed = new Promise((_, reject) => {
      video.addEventListener("error", () => reject(new Problem(sentence)), { once: true });
    });
    await Promise.race([failed, video.play()]).catch(() => {
      throw new Problem(sentence);
    });
    if (!video.videoWidth) throw new Problem(sentence);
  }

  #leave() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    // Without a stream this would load the old file anew, which is gone.
    if (this.#stream) this.#video.srcObject = null;
    this.#stream = null;
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = null;
    if (!this.#audio) this.#video.muted = true;
  }
}

/** Whether the browser finds pictures in what a URL leads to. */
function isVideo(url) {
  const probe = document.createElement("video");
  probe.src = url;
  return Promise.race([
    heard(probe, "loadedmetadata").then(() => probe.videoWidth > 0),
    heard(probe, "error").then(() => false),
  ]);
}

const heard = (target, type) =>
  new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
