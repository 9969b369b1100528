/**
 * Answers calls {id, method, args} by {id, value} or {id, sentence, isCrash}, one after the other.
 *
 * A classic worker, because LiteRT's loader calls importScripts. The first message is the files
 * inside the page, by path, or null: see embedded.js.
 */
"use strict";

let modules = null;
let last = Promise.resolve();

self.onmessage = ({ data }) => {
  if (modules) {
    last = last.then(() => answer(data));
    return;
  }
  modules = load(data);
  // As an error of the whole worker, which the page hears of.
  modules.catch((error) => setTimeout(() => { throw error; }));
};

async function load(files) {
  if (files) self.EMBEDDED = await embedded(files);
  const names = ["session.js", "problem.js"];
  return Promise.all(names.map((name) => import(self.EMBEDDED?.[name] ?? `./${name}`)));
}

async function answer({ id, method, args }) {
  const [session, { Problem, sentenceOf }] = await modules;
  try {
    const value = await session[method](...args);
    const views = Object.values(value ?? {}).filter(ArrayBuffer.isView);
    self.postMessage({ id, value }, views.map((view) => view.buffer));
  } catch (error) {
    self.postMessage({ id, sentence: sentenceOf(error), isCrash: !(error instanceof Problem) });
  }
}
