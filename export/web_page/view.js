/** The page's elements, and what is shown in them. */

export const elements = Object.fromEntries(
  [...document.querySelectorAll("[id]")].map((one) => [one.id.replace(/-(\w)/g, (_, c) => c.toUpperCase()), one]),
);

/** Draws RGBA bytes that fill a canvas. */
export function draw(canvas, pixels) {
  canvas.getContext("2d").putImageData(new ImageData(pixels, canvas.width, canvas.height), 0, 0);
}

export function say(text) {
  elements.status.textContent = text;
}

/** A sentence that stays until it is closed or there is another. */
export function showProblem(sentence) {
  elements.problem.firstElementChild.textContent = sentence;
  elements.problem.hidden = false;
}

export function hideProblem() {
  elements.problem.hidden = true;
}

export function showModel(model, threads) {
  const facts = {
    Name: model.name,
    Kind: model.kind,
    Pictures: `${model.width} × ${model.height} pixels`,
    Numbers: `${model.precision}, ${(model.bytes / 1e6).toFixed(1)} MB`,
    Licence: model.license ?? "not given",
    Computes: threads === 1 ? "with one thread" : `with ${threads} threads`,
  };
  const rows = Object.entries(facts).flatMap(([term, value]) => [make("dt", term), make("dd", value)]);
  elements.modelFacts.replaceChildren(...rows);
  for (const canvas of [elements.source, elements.driving, elements.result]) {
    canvas.width = model.width;
    canvas.height = model.height;
  }
  for (const input of elements.motion.elements) input.disabled = !model.options.includes(input.name);
}

/** Small pictures to choose from; `choose` gets the one that is pressed. */
export function showExamples(urls, choose) {
  const buttons = urls.map((url, i) => {
    const button = make("button");
    button.type = "button";
    const image = make("img");
    image.src = url;
    image.alt = `Drawn face ${i + 1}`;
    button.append(image);
    button.addEventListener("click", () => choose(url));
    return button;
  });
  elements.examples.replaceChildren(...buttons);
}

/** {relative, adaptScale, bestFrame} as chosen. */
export function chosenMotion() {
  const { relative, adaptScale, bestFrame } = elements.motion.elements;
  const isChecked = (input) => input.checked && !input.disabled;
  const isRelative = relative.value === "yes" && !relative[0].disabled;
  return { relative: isRelative, adaptScale: isChecked(adaptScale), bestFrame: isChecked(bestFrame) };
}

/** Shows the frames of the last second, and the time that one takes. */
export class Rate {
  #times = [];

  add(milliseconds) {
    const now = performance.now();
    this.#times = [...this.#times.filter((time) => time > now - 1000), now];
    elements.rate.textContent = `${this.#times.length} frames/s · ${Math.round(milliseconds)} ms`;
  }

  clear() {
    this.#times = [];
    elements.rate.textContent = "";
  }
}

function make(name, text = "") {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
