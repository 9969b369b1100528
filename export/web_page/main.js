/** The page: what its controls do. */

import { urlOf } from "./assets.js";
import { dropped } from "./dropped.js";
import { sentenceOf } from "./problem.js";
import { save } from "./recorder.js";
import { Studio } from "./studio.js";
import { elements, hideProblem, say, showExamples, showProblem } from "./view.js";

const EXAMPLES = [1, 2, 3, 4].map((number) => `example/face-${number}.png`);
const EXAMPLE_VIDEO = "example/driving.mp4";

const studio = new Studio();

/** Runs what a control asks for; whatever goes wrong is told in a sentence. */
async function attempt(action) {
  hideProblem();
  try {
    await action();
  } catch (error) {
    say("");
    showProblem(sentenceOf(error));
  }
}

const on = (target, type, action) => target.addEventListener(type, (event) => attempt(() => action(event)));

const blobOf = async (path) => (await fetch(urlOf(path))).blob();

/** What a file input was given; it may be given the same again. */
function onFiles(input, use) {
  on(input, "change", async () => {
    const files = [...input.files];
    input.value = "";
    if (files.length) await use(files);
  });
}

async function useVideo(file) {
  await studio.useVideo(file, file.name, true);
  showPlaying();
}

function showPlaying() {
  elements.play.textContent = studio.driving.isPlaying ? "Pause" : "Play";
  elements.camera.setAttribute("aria-pressed", studio.driving.isCamera);
}

async function toggleRecording() {
  if (studio.isRecording) {
    studio.stopRecording();
    return;
  }
  elements.record.textContent = "Stop recording";
  elements.record.setAttribute("aria-pressed", "true");
  try {
    const { blob, suffix } = await studio.record();
    save(blob, `animated.${suffix}`);
    say(`Recorded animated.${suffix}, ${(blob.size / 1e6).toFixed(1)} MB.`);
  } finally {
    elements.record.textContent = "Record a video";
    elements.record.setAttribute("aria-pressed", "false");
  }
}

async function saveStill() {
  const blob = await new Promise((resolve) => elements.result.toBlob(resolve, "image/png"));
  save(blob, "animated.png");
}

const tellFace = (found) => say(found ? "Cropped to the face." : "No face was found; crop by hand.");

function connect() {
  onFiles(elements.pictureFile, ([file]) => studio.usePicture(file, true));
  onFiles(elements.videoFile, ([file]) => useVideo(file));
  onFiles(elements.modelZip, (files) => studio.loadModel(files));
  onFiles(elements.modelFolder, (files) => studio.loadModel(files));
  on(elements.pageModel, "click", () => studio.loadModel());
  on(elements.camera, "click", async () => {
    await studio.useCamera();
    showPlaying();
  });
  on(elements.play, "click", () => (studio.driving.isPlaying ? studio.driving.pause() : studio.driving.play()));
  for (const type of ["play", "pause"]) elements.video.addEventListener(type, showPlaying);
  on(elements.sourceFace, "click", async () => tellFace(await studio.findSourceFace()));
  on(elements.drivingFace, "click", async () => tellFace(await studio.findDrivingFace()));
  on(elements.record, "click", toggleRecording);
  on(elements.still, "click", saveStill);
  on(elements.reset, "click", () => studio.resetInitial());
  on(elements.motion, "change", async () => {
    await studio.findBestFrame();
    studio.driving.refresh();
  });
  elements.problem.querySelector("button").addEventListener("click", hideProblem);
  connectDrop();
}

function connectDrop() {
  const mark = (isOver) => document.body.classList.toggle("is-dropping", isOver);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", () => mark(false));
  on(document, "drop", async (event) => {
    event.preventDefault();
    mark(false);
    const { picture, video, model } = await dropped(event.dataTransfer);
    if (picture) await studio.usePicture(picture, true);
    if (video) await useVideo(video);
    if (model) await studio.loadModel(model);
  });
}

await attempt(async () => {
  connect();
  await studio.open();
  showExamples(EXAMPLES.map(urlOf), (url) => attempt(async () => studio.usePicture(await blobOf(url), false)));
  await studio.usePicture(await blobOf(EXAMPLES[0]), false);
  await studio.useVideo(await blobOf(EXAMPLE_VIDEO), "the example", false);
  say("Ready.");
});
document.querySelector("main").inert = false;
await studio.run((error) => showProblem(sentenceOf(error)));
