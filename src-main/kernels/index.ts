/** What the engine calls. Memory comes from outside and the engine alone decides what lies where. */
export { multiplyAdd, readMemory } from './ceilings';
export { dotKind, hasShortSums } from './base/dot';
export { logitExponentials, logitsBefore, topLogits } from './rows/logits';
export { finiteLogits, logitWeights } from './rows/logit-weights';
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
} from './pack/pack';
export { lowerPanels, raisePanels } from './pack/raise';
export { packQ4K, packQ5K, packQ6K } from './pack/pack-k';
export { runPlan, work } from './plan/plan';
export { callThreads, nextRun, partOfRun } from './plan/pool';
export { zero } from './base/wide';
