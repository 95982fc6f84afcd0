/** Runs of consecutive operations in one memory, and the activations that cross from one memory to the next. */
import type { Program } from '../../program/program.ts';
import type { FusedOp } from '../fusion.ts';
import { lastUses, memoryOf, type Placement, updateLive } from './placement.ts';
import { lower, lowerLogits, type PlanMemory, type PlanOp, type PlanTaps, strideOf } from './plan.ts';

export interface MemoryStage {
  /** Number of the memory. */
  readonly part: number;
  readonly ops: readonly FusedOp[];
  /** Activations that this or a later stage reads. The stage before has them, in another memory. */
  readonly crossing: readonly number[];
}

/** An activation that is copied from the memory of the stage before. */
export interface Crossing {
  readonly from: { readonly part: number; readonly at: number };
  readonly at: number;
  readonly bytesPerRow: number;
}

/** A stage in terms of the kernels. */
export interface LoweredStage {
  readonly part: number;
  readonly crossings: readonly Crossing[];
  readonly ops: readonly PlanOp[];
}

/** Divides operations into stages. The logits are a stage of their own, because they are for other rows. */
export function stagesOf(ops: readonly FusedOp[], placement: Placement): MemoryStage[] {
  const lastUse = lastUses(ops);
  const stages: { part: number; ops: FusedOp[]; crossing: number[] }[] = [];
  const live = new Set<number>();
  let part = ops.map((op) => memoryOf(op, placement)).find((memory) => memory !== null) ?? 0;
  ops.forEach((op, step) => {
    // What reads activations only is computed where they are.
    const next = memoryOf(op, placement) ?? part;
    if (stages.length === 0 || next !== part || op.op === 'logits') {
      stages.push({ part: next, ops: [], crossing: next === part ? [] : [...live] });
      part = next;
    }
    stages[stages.length - 1].ops.push(op);
    updateLive(live, op, step, lastUse);
  });
  return stages;
}

/** @param plans by memory */
export function lowerStages(
  program: Program,
  stages: readonly MemoryStage[],
  plans: readonly PlanMemory[],
  taps: PlanTaps,
): { readonly main: LoweredStage[]; readonly logits: LoweredStage | null } {
  const main: LoweredStage[] = [];
  let logits: LoweredStage | null = null;
  stages.forEach(({ part, ops, crossing }, index) => {
    const before = index === 0 ? part : stages[index - 1].part;
    const crossings = crossing.map((tensor) => ({
      from: { part: before, at: plans[before].activations[tensor] },
      at: plans[part].activations[tensor],
      bytesPerRow: strideOf(program.tensors[tensor].width),
    }));
    if (ops[0].op === 'logits') logits = { part, crossings, ops: lowerLogits(program, plans[part]) };
    else main.push({ part, crossings, ops: lower(program, ops, plans[part], taps) });
  });
  return { main, logits };
}
