/** What the engine calls. Memory comes from outside and the engine alone decides what lies where. */
export { multiplyAdd, readMemory } from './ceilings';
export { packF16, packF32, packQ4, packQ4Min, packQ8 } from './pack';
export { runPlan, work } from './plan';
