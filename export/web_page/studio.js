/** Connects the picture, the driving video and the worker. */

import { Crop } from "./crop.js";
import { Driving } from "./driving.js";
import { Engine } from "./engine.js";
import { Problem } from "./problem.js";
import { Recorder } from "./recorder.js";
import { chosenMotion, draw, elements, Rate, say, showModel } from "./view.js";

export class Studio {
  #engine = new Engine();
  #driving = new Driving(elements.video);
  #rate = new Rate();
  #model = null;
  #picture = null;
  #frameSize = {};
  #recorder = null;
  // Nothing is animated before there is a picture, and while the video is searched.
  #isReady = false;
  #isCropping = false;
  #sourceCrop = new Crop(elements.sourceCrop, elements.source, () => this.#cropSource());
  #drivingCrop = new Crop(elements.drivingCrop, elements.driving, () => this.#driving.refresh());

  get driving() {
    return this.#driving;
  }

  get isRecording() {
    return this.#recorder !== null;
  }

  /** Loads the runtime and the page's model. */
  async open() {
    this.threads = await this.#engine.call("start");
    await this.loadModel();
  }

  /** Loads the page's model, or that of files (of a folder, or one ZIP file). */
  async loadModel(files) {
    say("Loading the model…");
    this.#isReady = false;
    try {
      this.#model = await this.#engine.call("loadModel", files ? [files] : []);
    } catch (error) {
      // What has run out of memory runs no more: a new worker does.
      if (error.isCrash && files) await this.#reopen();
      this.#isReady = this.#picture !== null;
      throw error;
    }
    showModel(this.#model, this.threads);
    elements.pageModel.hidden = !files;
    this.#rate.clear();
    this.#frameSize = {};
    if (this.#picture) await this.#showSource(this.#picture, false);
    say("Ready.");
  }

  async #reopen() {
    this.#engine.close();
    this.#engine = new Engine();
    await this.open();
  }

  /** Animates a picture, a Blob; look: whether to crop it to its face. Throws Problem. */
  async usePicture(blob, look) {
    await this.#showSource(blob, look);
    this.#picture = blob;
    await this.findBestFrame();
  }

  async #showSource(blob, look) {
    const bitmap = await createImageBitmap(blob).catch(() => {
      throw new Problem("The browser cannot read this picture: it is damaged, or of a format that it does not know.");
    });
    const { face, ...size } = await this.#engine.call("setSource", [bitmap, look], [bitmap]);
    this.#sourceCrop.reset(size, this.#aspect);
    if (face) this.#sourceCrop.toFace(face);
    await this.#cropSource();
    this.#isReady = true;
  }

  /** One at a time: what is asked for meanwhile is done once, at the end. */
  async #cropSource() {
    if (this.#isCropping) {
      this.#isCropping = "again";
      return;
    }
    this.#isCropping = true;
    const { pixels } = await this.#engine.call("cropSource", [this.#sourceCrop.box]);
    draw(elements.source, pixels);
    const again = this.#isCropping === "again";
    this.#isCropping = false;
    this.#driving.refresh();
    if (again) await this.#cropSource();
  }

  /** Drives by a video, a Blob. Throws Problem. */
  async useVideo(blob, name, look) {
    await this.#driving.useFile(blob, name);
    await this.#driving.rewind();
    await this.#begin(look);
    await this.#driving.play();
    await this.findBestFrame();
  }

  /** Drives by the camera. Throws Problem. */
  async useCamera() {
    await this.#driving.useCamera();
    await this.#begin(false);
  }

  async #begin(look) {
    this.#followSize();
    if (look) await this.findDrivingFace();
    await this.resetInitial();
  }

  /** Crops the picture to its face; returns whether there is one. */
  async findSourceFace() {
    const face = await this.#engine.call("findSourceFace");
    if (face) this.#sourceCrop.toFace(face);
    if (face) await this.#cropSource();
    return Boolean(face);
  }

  /** Crops the video to the face that it shows now; returns whether there is one. */
  async findDrivingFace() {
    const frame = await this.#driving.frame();
    if (!frame) return false;
    const face = await this.#engine.call("findDrivingFace", [frame, this.#driving.isCamera], [frame]);
    if (face) this.#drivingCrop.toFace(face);
    this.#driving.refresh();
    return Boolean(face);
  }

  /** The next driving frame is the one that relative motion starts from. */
  async resetInitial() {
    await this.#engine.call("resetInitial");
    this.#driving.refresh();
  }

  /** Searches a video file for the initial frame, if that is wanted; the camera's follow by themselves. */
  async findBestFrame() {
    if (!chosenMotion().bestFrame || this.#driving.isCamera || !this.#driving.size.width) return;
    this.#isReady = false;
    await this.#engine.call("resetInitial");
    await this.#driving.survey(async (share) => {
      say(`Looking for the best frame: ${Math.round(share * 100)} %`);
      await this.#animate({ only: true });
    });
    this.#isReady = true;
    say("Ready.");
  }

  /** Animates frame after frame; those that come while one is computed are left out. */
  async run(onProblem) {
    for (;;) {
      await this.#driving.next();
      try {
        if (this.#isReady) await this.#animate({ only: false });
        else await new Promise((resolve) => setTimeout(resolve, 30));
      } catch (error) {
        onProblem(error);
      }
    }
  }

  async #animate({ only }) {
    this.#followSize();
    const frame = await this.#driving.frame();
    if (!frame) return;
    const how = { box: this.#drivingCrop.box, mirror: this.#driving.isCamera, motion: chosenMotion(), only };
    const { driving, result, milliseconds } = await this.#engine.call("animate", [frame, how], [frame]);
    draw(elements.driving, driving);
    if (!result) return;
    draw(elements.result, result);
    this.#rate.add(milliseconds);
  }

  /** A camera that is turned, or another video, has another size. */
  #followSize() {
    const { width, height } = this.#driving.size;
    if (width === this.#frameSize.width && height === this.#frameSize.height) return;
    this.#frameSize = { width, height };
    if (width) this.#drivingCrop.reset(this.#frameSize, this.#aspect);
  }

  /**
   * Records until `stopRecording`, and a video file from its beginning to its end at most. Returns
   * {blob, suffix}.
   */
  async record() {
    const { isCamera } = this.#driving;
    const stopped = new Promise((resolve) => (this.stopRecording = resolve));
    if (!isCamera) await this.#driving.rewind();
    await this.resetInitial();
    const recorder = new Recorder(elements.result, this.#driving.soundTrack());
    this.#recorder = recorder;
    try {
      await Promise.race([stopped, isCamera ? stopped : this.#driving.playToEnd()]);
    } finally {
      this.#recorder = null;
    }
    if (!isCamera) this.#driving.pause();
    const blob = await recorder.stop();
    if (!isCamera) await this.#driving.play();
    return { blob, suffix: recorder.suffix };
  }

  get #aspect() {
    return this.#model.width / this.#model.height;
  }
}
