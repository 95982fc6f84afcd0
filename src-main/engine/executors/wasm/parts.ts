/** The memories of a model while it is loaded, and running plans in one after the other. */
import { EngineError } from '../../api/errors.ts';
import type { OpProfile } from '../../api/types.ts';
import type { Buffers } from './buffers.ts';
import type { KernelExports, KernelInstance } from './kernels.ts';
import { profileOps } from './op-profile.ts';
import { PROFILE_BYTES } from './plan-layout.ts';
import { type StoredPlan, storePlan } from './plan.ts';
import type { RunInputs } from './run-inputs.ts';
import type { Crossing, LoweredStage } from './stages.ts';
import type { ThreadPool } from './thread-pool.ts';

/** One of a model's memories: the weights, K and V of some layers, and an instance of the kernels. */
export interface KernelPart extends KernelInstance {
  readonly buffers: Buffers;
  readonly inputs: RunInputs;
}

/** A stage whose plan is in the memory of its part. */
export interface StoredStage {
  readonly part: number;
  readonly crossings: readonly Crossing[];
  readonly plan: StoredPlan;
}

/** @throws EngineError OUT_OF_MEMORY */
export function storeStages(stages: readonly LoweredStage[], parts: readonly KernelPart[]): StoredStage[] {
  return stages.map(({ part, crossings, ops }) => {
    return { part, crossings, plan: storePlan(ops, parts[part].memory) };
  });
}

/** Copies a stage's inputs from the memory of the stage before. All threads have finished that one. */
export function copyAcross({ part, crossings }: StoredStage, parts: readonly KernelPart[], rows: number): void {
  for (const { from, at, bytesPerRow } of crossings) {
    const values = parts[from.part].memory.u8.subarray(from.at, from.at + rows * bytesPerRow);
    parts[part].memory.u8.set(values, at);
  }
}

/** Times of operations, collected while plans run. */
export class PlanTimes {
  readonly ops: OpProfile[] = [];

  /** @param at address of the times, by memory */
  constructor(private readonly at: readonly number[]) {}

  /** Runs the plan and adds what it took. */
  around(stage: StoredStage, { memory, inputs, buffers }: KernelPart, rows: number, run: () => void): void {
    const { ops } = stage.plan;
    const at = this.at[stage.part];
    memory.u8.fill(0, at, at + ops.length * PROFILE_BYTES);
    inputs.setProfile(at);
    run();
    inputs.setProfile(0);
    const times = new Float64Array(memory.u8.buffer, at, 2 * ops.length);
    this.ops.push(...profileOps(ops, buffers.plan, rows, inputs.attended(), times));
  }
}

/**
 * Runs a plan in its memory.
 * @param run address of the run's header @param part number of the memory
 * @throws EngineError CANCELLED, BACKEND_LOST
 */
export function execute(
  kernels: KernelExports,
  { at, ops }: StoredPlan,
  run: number,
  part: number,
  pool: ThreadPool,
  threads: number,
): void {
  let result: number;
  try {
    result = kernels.runPlan(at, ops.length, run, pool.use(part, threads));
  } catch (cause) {
    // This thread trapped. The others wait for it at a barrier, and the next run would release them into this plan.
    throw pool.lost(cause);
  }
  if (result === 1) throw new EngineError('CANCELLED', 'The run was cancelled.');
  if (result !== 0) throw pool.lost();
}
