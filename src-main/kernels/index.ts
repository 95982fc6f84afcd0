/** What the engine calls. Memory comes from outside and the engine alone decides what lies where. */
export { multiplyAdd, readMemory } from './ceilings';
export { dotKind, hasShortSums } from './base/dot';
export { logitExponentials, logitsBefore, topLogits } from './rows/logits';
export { finiteLogits, logitWeights } from './rows/logit-weights';
export { packQ4 } from './pack/pack';
export { canRaise, lowerPanels, raisePanels } from './pack/raise';
export { runPlan, work } from './plan/plan';
export { callThreads, nextRun, partOfRun } from './plan/pool';
export { zero } from './base/wide';
