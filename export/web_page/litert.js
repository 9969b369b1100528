/** LiteRT's runtime: the build that suits the browser, and graphs that are run by tensor names. */

import { urlOf } from "./assets.js";
import { Problem } from "./problem.js";

const MOST_THREADS = 4;
let litert = null;

/** Loads the runtime; returns the number of threads. Must be called once, in a classic worker. */
export async function startRuntime() {
  litert = await import(urlOf("litert/index.js"));
  const [fast, shared] = await Promise.all(
    ["relaxedSimd", "threads"].map((feature) => litert.supportsFeature(feature)),
  );
  const threaded = fast && shared && globalThis.crossOriginIsolated;
  const build = threaded ? "threaded_internal" : fast ? "internal" : "compat_internal";
  const script = urlOf(`litert/litert_wasm_${build}.js`);
  // The loader reads this instead of guessing where its own files are.
  globalThis.Module = {
    locateFile: (name) => urlOf(`litert/${name}`),
    mainScriptUrlOrBlob: script,
  };
  // It takes a URL for a folder unless it ends like a script; a fragment changes nothing else.
  await litert.loadLiteRt(script.endsWith(".js") ? script : `${script}#.js`);
  return threaded ? Math.min(navigator.hardwareConcurrency ?? 1, MOST_THREADS) : 1;
}

/** A compiled .tflite file. */
export class Graph {
  #model;

  constructor(model) {
    this.#model = model;
  }

  static async compile(name, bytes, threads) {
    try {
      const options = { accelerator: "wasm", cpuOptions: { numThreads: threads } };
      return new Graph(await litert.loadAndCompile(bytes, options));
    } catch (error) {
      if (error instanceof RangeError || error instanceof WebAssembly.RuntimeError) throw error;
      throw new Problem(`${name} does not run in this browser: ${String(error.message ?? error).slice(0, 200)}`);
    }
  }

  /** Throws Problem unless the graph has exactly these tensors, and all of them in float32. */
  check(file, signature) {
    const runner = this.#model.signatures[signature.name];
    const sides = [
      [runner?.getInputDetails(), signature.inputs],
      [runner?.getOutputDetails(), signature.outputs],
    ];
    for (const [found, expected] of sides) {
      const shapes = (tensors) => tensors?.map((t) => `${t.name} ${Array.from(t.shape)}`).sort().join();
      const isFloat = found?.every((tensor) => tensor.dtype === "float32");
      if (!isFloat || shapes(found) !== shapes(expected)) {
        throw new Problem(`${file}: signatures and tensors differ from the manifest's.`);
      }
    }
  }

  /** Runs one signature; inputs: tensors by name. Returns Float32Arrays by name. */
  async run(signature, inputs) {
    return taken(await this.#model.signatures[signature].run(inputs));
  }

  /** Runs a graph without signatures: one input, outputs by name. */
  async runAlone(input) {
    const names = this.#model.getOutputDetails().map(({ name }) => name);
    const outputs = await this.#model.run(input);
    return taken(Object.fromEntries(names.map((name, i) => [name, outputs[i]])));
  }

  delete() {
    this.#model.delete();
  }
}

/** A tensor in the runtime's memory; the caller deletes it. */
export const tensorOf = (data, shape) => new litert.Tensor(data, shape);

/** Copies of the outputs, which are deleted. */
async function taken(outputs) {
  const result = {};
  for (const [name, tensor] of Object.entries(outputs)) {
    result[name] = (await tensor.data()).slice();
    tensor.delete();
  }
  return result;
}
