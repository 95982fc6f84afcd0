/**
 * Rewrites a program into fewer, larger operations: what follows a matrix product (activation, residual addition, gate)
 * is computed while its outputs are still in registers.
 */
import type { Op } from '../program/ops.ts';
import type { Program } from '../program/program.ts';

export type Activation = 'relu' | 'silu' | 'gelu';

/** What a linear operation does with its outputs: y = activation(x W^T + b) + operand, or * operand. */
export interface Epilogue {
  readonly activation: Activation | null;
  /** The operand is the operation's second input. */
  readonly operand: 'add' | 'mul' | null;
}

/** An operation of the program, perhaps with an epilogue. Its output is then that of the last fused operation. */
export type FusedOp = Op & {
  readonly epilogue: Epilogue | null;
  /**
   * Whether only the next operation reads this one's output, as a factor, so that both can share chunks.
   */
  readonly pairedWithNext: boolean;
};

const NO_EPILOGUE: Epilogue = { activation: null, operand: null };

/** @param kept activations that are tapped: nothing is fused across them */
export function fuse(program: Program, kept: ReadonlySet<number> = new Set()): FusedOp[] {
  const { ops } = program;
  const uses = new Map<number, number[]>();
  ops.forEach((op, step) => op.inputs.forEach((input) => uses.set(input, [...(uses.get(input) ?? []), step])));
  const madeBy = new Map(ops.map((op, step) => [op.output, step]));
  const done = new Set<number>();

  /** The only operation that reads `tensor`; null if it has other readers or is tapped. */
  const onlyReader = (tensor: number | null): number | null => {
    if (tensor === null || kept.has(tensor)) return null;
    const readers = uses.get(tensor) ?? [];
    return readers.length === 1 ? readers[0] : null;
  };

  const fused: FusedOp[] = [];
  ops.forEach((op, step) => {
    if (done.has(step)) return;
    if (op.op !== 'linear') {
      fused.push({ ...op, epilogue: null, pairedWithNext: false });
      return;
    }
    let { output } = op;
    let epilogue = NO_EPILOGUE;
    const inputs = [...op.inputs];

    const activating = onlyReader(output);
    const activation = activating === null ? null : activationOf(ops[activating]);
    if (activating !== null && activation) {
      epilogue = { ...epilogue, activation };
      output = ops[activating].output;
      done.add(activating);
    }

    const combining = onlyReader(output);
    const combiner = combining === null ? null : ops[combining];
    if (combining !== null && (combiner?.op === 'add' || combiner?.op === 'mul')) {
      const other = combiner.inputs.find((input) => input !== output);
      // The other operand must already be computed.
      if (other !== undefined && madeBefore(madeBy, other, step)) {
        epilogue = { ...epilogue, operand: combiner.op };
        inputs.push(other);
        output = combiner.output;
        done.add(combining);
      }
    }
    // Available from here on, though the program has it later.
    madeBy.set(output, step);
    fused.push({ ...op, inputs, output, epilogue, pairedWithNext: false });
  });
  return markPairs(fused, uses, kept);
}

function activationOf(op: Op): Activation | null {
  return op.op === 'relu' || op.op === 'silu' || op.op === 'gelu' ? op.op : null;
}

function madeBefore(madeBy: ReadonlyMap<number | null, number>, tensor: number, step: number): boolean {
  const at = madeBy.get(tensor);
  return at !== undefined && at < step;
}

/** Marks a gate and the gated product: same input, same outputs, adjacent. */
function markPairs(
  ops: readonly FusedOp[],
  uses: ReadonlyMap<number, readonly number[]>,
  kept: ReadonlySet<number>,
): FusedOp[] {
  return ops.map((op, step) => {
    const next = ops.at(step + 1);
    const pairs =
      op.op === 'linear' &&
      next?.op === 'linear' &&
      op.output !== null &&
      !kept.has(op.output) &&
      next.inputs[1] === op.output &&
      next.inputs[0] === op.inputs[0] &&
      next.weights[0].shape[0] === op.weights[0].shape[0] &&
      uses.get(op.output)?.length === 1;
    return pairs ? { ...op, pairedWithNext: true } : op;
  });
}
