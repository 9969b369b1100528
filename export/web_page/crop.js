/** Which part of a picture is used: moved and zoomed by sliders, by dragging, and by the wheel. */

const MOST_ZOOM = 8;
// A face's box holds less than the head, and models are trained on heads with a margin.
const FACE_MARGIN = 2;

export class Crop {
  #sliders;
  #onChange;
  #picture = { width: 1, height: 1 };
  #aspect = 1;

  /** controls: an element with range inputs named zoom, across and down; canvas: is dragged. */
  constructor(controls, canvas, onChange) {
    const inputs = [...controls.querySelectorAll("input[type=range]")];
    this.#sliders = Object.fromEntries(inputs.map((input) => [input.name, input]));
    this.#onChange = onChange;
    controls.addEventListener("input", () => this.#onChange());
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener("pointermove", (event) => this.#drag(event, canvas));
  }

  /** The largest middle part of the model's aspect (width / height) in a picture of this size. */
  reset(picture, aspect) {
    this.#picture = picture;
    this.#aspect = aspect;
    this.#set(1, 0.5, 0.5);
  }

  /** The part around a face, a box in the picture's pixels. */
  toFace({ x, y, width, height }) {
    const whole = this.#whole();
    const zoom = Math.min(whole.width / width, whole.height / height) / FACE_MARGIN;
    this.#set(zoom, (x + width / 2) / this.#picture.width, (y + height / 2) / this.#picture.height);
  }

  /** {x, y, width, height} in the picture's pixels. */
  get box() {
    const whole = this.#whole();
    const { zoom, across, down } = this.#values();
    const [width, height] = [whole.width / zoom, whole.height / zoom];
    return {
      x: (this.#picture.width - width) * across,
      y: (this.#picture.height - height) * down,
      width,
      height,
    };
  }

  #whole() {
    const width = Math.min(this.#picture.width, this.#picture.height * this.#aspect);
    return { width, height: width / this.#aspect };
  }

  #values() {
    return Object.fromEntries(Object.entries(this.#sliders).map(([name, input]) => [name, Number(input.value)]));
  }

  /** The sliders say which share of the room beside the box is on its left and above it. */
  #set(zoom, centreX, centreY) {
    const whole = this.#whole();
    const near = Math.min(MOST_ZOOM, Math.max(1, zoom));
    const share = (centre, size, part) => (size > part ? (centre * size - part / 2) / (size - part) : 0.5);
    this.#sliders.zoom.value = near;
    this.#sliders.across.value = share(centreX, this.#picture.width, whole.width / near);
    this.#sliders.down.value = share(centreY, this.#picture.height, whole.height / near);
  }

  #centre() {
    const { x, y, width, height } = this.box;
    return [(x + width / 2) / this.#picture.width, (y + height / 2) / this.#picture.height];
  }

  #wheel(event) {
    event.preventDefault();
    this.#set(this.#values().zoom * Math.exp(-event.deltaY / 500), ...this.#centre());
    this.#onChange();
  }

  #drag(event, canvas) {
    if (!event.buttons) return;
    const { width, height } = this.box;
    const [x, y] = this.#centre();
    const moved = (by, part, shown, whole) => (by * part) / shown / whole;
    this.#set(
      this.#values().zoom,
      x - moved(event.movementX, width, canvas.clientWidth, this.#picture.width),
      y - moved(event.movementY, height, canvas.clientHeight, this.#picture.height),
    );
    this.#onChange();
  }
}
