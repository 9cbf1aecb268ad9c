// What tests get when they import "fast-check" (vitest.config.ts): the same, with examples that are the same at every run, so
// that a rare failure cannot refuse a change that has nothing to do with it. To find rare failures, ask for more and others:
//   TIDEMARK_PROPERTY_TIMES=100    that many times each property's usual number, other examples at every run, no time limit
//   TIDEMARK_PROPERTY_SEED=7       these examples
import { createRequire } from "node:module";

const real = createRequire(import.meta.url)("fast-check").default;
const { TIDEMARK_PROPERTY_TIMES: asked, TIDEMARK_PROPERTY_SEED: askedSeed } = process.env;

/** fast-check's own number. */
const usualRuns = 100;
const times = Number(asked ?? 1);
const seed = askedSeed === undefined ? (asked === undefined ? 1 : Date.now() % 2 ** 31) : Number(askedSeed);

real.configureGlobal({ seed });

const assert = (property, parameters = {}) => {
  const numRuns = Math.ceil((parameters.numRuns ?? usualRuns) * times);
  return real.assert(property, { ...parameters, numRuns, ...(asked === undefined ? {} : { seed }) });
};

export default { ...real, assert };
