/** What the engine calls. Memory comes from outside and the engine alone decides what lies where. */
export { multiplyAdd, readMemory } from './ceilings';
export { dotKind, hasShortSums } from './dot';
export { logitExponentials, logitsBefore, topLogits } from './logits';
export { finiteLogits, logitWeights } from './logit-weights';
export {
  packF32,
  packHalf,
  packQ4,
  packQ4Min,
  packQ5,
  packQ5Min,
  packQ8,
  packQ8Signed,
  packQ8Unsigned,
} from './pack';
export { packQ4K, packQ5K, packQ6K } from './pack-k';
export { runPlan, work } from './plan';
export { callThreads, nextRun, partOfRun } from './pool';
export { zero } from './wide';
