/** The page's side of the worker. */

import { urlOf } from "./assets.js";
import { Problem } from "./problem.js";

export class Engine {
  #waiting = new Map();
  #count = 0;
  #worker = new Worker(urlOf("worker.js"));

  constructor() {
    this.#worker.postMessage(globalThis.EMBEDDED_FILES ?? null);
    this.#worker.onmessage = ({ data: { id, value, sentence, isCrash } }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (sentence === undefined) resolve(value);
      else reject(Object.assign(new Problem(sentence), { isCrash }));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(`The part of this page that computes has stopped: ${event.message ?? "it cannot be loaded"}`);
    };
  }

  /** Calls a function of session.js; `transfer` is given away. Throws Problem. */
  call(method, args = [], transfer = []) {
    return new Promise((resolve, reject) => {
      const id = this.#count++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, method, args }, transfer);
    });
  }

  close() {
    this.#worker.terminate();
    this.#fail("This was interrupted.");
  }

  #fail(sentence) {
    for (const { reject } of this.#waiting.values()) reject(new Problem(sentence));
    this.#waiting.clear();
  }
}
