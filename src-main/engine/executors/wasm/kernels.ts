import type { Clock } from '../../api/platform.ts';
import type { KernelMemory } from './kernel-memory.ts';

/** The functions of src-main/kernels. Pointers are byte addresses in the memory they were instantiated with. */
export interface KernelExports {
  /**
   * Runs `count` operations. Returns 0, 1 when it was cancelled, 2 when a thread of the pool failed. Meanwhile it calls
   * `begin`, which must call the threads.
   */
  runPlan(plan: number, count: number, run: number, pool: number): number;
  /** In the first memory of a model: wakes `threads` - 1 threads for a run in memory number `part`. */
  callThreads(pool: number, part: number, threads: number): void;
  /** Index into `DOT_KINDS`. */
  dotKind(): number;
  /** Whether there are kernels that sum in 16 bits first. */
  hasShortSums(): number;
  /** Sum of e^(logit - highest) of `count` logits, from the block statistics of a plan. */
  logitExponentials(sums: number, count: number, highest: number): number;
  /** Number of logits that rank before that of `id`: higher, or equal with a lower id. */
  logitsBefore(at: number, count: number, id: number): number;
  /** Writes the ids of the `wanted` (1..count) highest to `ids`, best first; ties in order of id. */
  topLogits(at: number, sums: number, count: number, wanted: number, ids: number): void;
  /** Number of logits that are above -Infinity when divided by `divisor`. */
  finiteLogits(at: number, count: number, divisor: number): number;
  /** Writes e^(logit / divisor - highest), at most 1, to `to`: see `Logits.weigh`. Whole vectors are written. */
  logitWeights(at: number, count: number, divisor: number, highest: number, to: number): void;
  /** Whether no float16 number of panels `from` up to `to` is too large to be multiplied by 2^RAISED_BY. */
  canRaise(layout: number, target: number, width: number, from: number, to: number): number;
  raisePanels(layout: number, target: number, width: number, from: number, to: number): void;
  /** The inverse. */
  lowerPanels(layout: number, target: number, width: number, from: number, to: number): void;
  /** Packs Q4_0 rows `[rows, width]` at `source` into rows `first` and on of the panels at `target`. */
  packQ4(source: number, target: number, width: number, first: number, rows: number): void;
}

/** An instance of the kernels, with the memory that it computes in. */
export interface KernelInstance {
  readonly memory: KernelMemory;
  readonly kernels: KernelExports;
}

/** What the kernels ask of the engine while they run. */
export interface KernelImports {
  /** Whether this run was cancelled. */
  readonly cancelled?: () => boolean;
  /** A run on this many threads begins. */
  readonly begin?: (threads: number) => void;
  /** For profiles. */
  readonly clock?: Clock | undefined;
}

export function instantiateKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  { cancelled, begin, clock }: KernelImports = {},
): KernelExports {
  const env = {
    memory,
    cancelled: () => (cancelled?.() ? 1 : 0),
    begin: (threads: number) => begin?.(threads),
    now: () => clock?.now() ?? 0,
  };
  // The module is built from this repository's sources, so its exports are known.
  return new WebAssembly.Instance(module, { env }).exports as unknown as KernelExports;
}
