/**
 * Answers calls {id, method, args} by {id, value} or {id, sentence, isCrash}, one after the other.
 *
 * A classic worker, because LiteRT's loader calls importScripts. The first message is the page's map
 * of embedded files, or null.
 */
"use strict";

let session = null;
let last = Promise.resolve();

self.onmessage = ({ data }) => {
  if (!session) {
    self.EMBEDDED = data;
    session = import(data?.["session.js"] ?? "./session.js");
    return;
  }
  last = last.then(() => answer(data));
};

async function answer({ id, method, args }) {
  try {
    const value = await (await session)[method](...args);
    const views = Object.values(value ?? {}).filter(ArrayBuffer.isView);
    self.postMessage({ id, value }, views.map((view) => view.buffer));
  } catch (error) {
    const { Problem, sentenceOf } = await import(self.EMBEDDED?.["problem.js"] ?? "./problem.js");
    self.postMessage({ id, sentence: sentenceOf(error), isCrash: !(error instanceof Problem) });
  }
}
