/** Chooses between CPU and GPU for a model: by what is known of the adapter, else by measurement. */
import type { GpuAdapterInfo } from '../api/gpu.ts';
import type { Clock, Logger, Measurements, Platform } from '../api/platform.ts';
import type { ExecutorChoice } from '../api/types.ts';
import { EngineError } from '../api/errors.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';
import { batchOf } from './batch.ts';
import type { Executor } from './executor.ts';
import { gpuAccess } from './gpu-access.ts';
import { quirkOf } from './gpu-quirks.ts';
import { adapterFacts } from './webgpu/device.ts';
import { isDeviceLoss } from './webgpu/device-watch.ts';

/** Below all measurements of a dispatch (24 µs) and of a submit with its readback (0.5 ms), ms. */
const DISPATCH_MS = 0.01;
const SUBMIT_MS = 0.3;
const DISPATCHES_PER_LAYER = 6;
/** Share of the loading time for the timed tokens of both. */
const SHARE_OF_LOAD = 0.1;
/** Timed tokens of each, at least and at most; the first is not counted. */
const TOKENS = { least: 3, most: 12 } as const;

export interface ChoiceHost extends Pick<Platform, 'openGpu' | 'connectGpu'> {
  readonly clock: Clock;
  readonly log: Logger;
  readonly measurements?: Measurements | undefined;
}

/** An adapter, or a sentence why there is none. */
export type FoundAdapter = GpuAdapterInfo | string;

/** Called with the reason. */
type OnLost = (error: EngineError) => void;

/** The model to choose for. */
export interface ChosenModel {
  /** Names the model's files and settings, to remember the choice. */
  readonly key: string;
  readonly layers: number;
}

/** The choice if the CPU is known to be faster than any GPU for this model, or if the GPU was lost before; else null. */
export async function choiceWithoutAdapter(
  { measurements }: Pick<ChoiceHost, 'measurements'>,
  model: ChosenModel,
  lostGpu: EngineError | null,
): Promise<ExecutorChoice | null> {
  if (lostGpu !== null) return afterLoss(lostGpu);
  const known = await measurements?.get(smallKeyOf(model));
  return known?.length === 2 ? small(known[0], known[1]) : null;
}

/** The choice if no GPU is worth measuring, or if it was measured before; null if the model must be measured. */
export async function knownChoice(
  { measurements }: Pick<ChoiceHost, 'measurements'>,
  model: ChosenModel,
  adapter: FoundAdapter,
): Promise<ExecutorChoice | null> {
  if (typeof adapter === 'string') return { executor: 'wasm', reason: adapter };
  const { name, isSoftware } = adapterFacts(adapter);
  if (isSoftware) return { executor: 'wasm', reason: `The only GPU is a software renderer (${name}).` };
  const quirk = quirkOf(adapter);
  if (quirk !== null) return { executor: 'wasm', reason: `${quirk.reason} See ${quirk.link}.` };
  const known = await measurements?.get(keyOf(model, adapter));
  return known?.length === 2 ? byRates(known[0], known[1], 'measured earlier') : null;
}

/** @param onLost called if the GPU does not answer */
export async function findAdapter({ log, ...host }: ChoiceHost, onLost?: OnLost): Promise<FoundAdapter> {
  try {
    return (await gpuAccess(host)?.findAdapter()) ?? 'No GPU was found.';
  } catch (thrown) {
    const error = EngineError.from(thrown);
    log.debug('WebGPU is not available.', { message: error.message });
    if (!isDeviceLoss(error)) return error.message;
    onLost?.(error);
    return afterLoss(error).reason;
  }
}

/**
 * Measures both and remembers the result.
 * @param cpu with the model's weights
 * @param openGpu creates an executor on the GPU, with any weights
 * @param loadMs how long loading took so far
 * @param onLost called if the GPU is lost
 * @throws EngineError CANCELLED
 */
export async function measuredChoice(
  host: ChoiceHost,
  model: ChosenModel,
  adapter: GpuAdapterInfo,
  cpu: Executor,
  openGpu: () => Promise<Executor>,
  loadMs: number,
  onLost?: OnLost,
): Promise<ExecutorChoice> {
  const { clock, measurements } = host;
  const budget = (SHARE_OF_LOAD * loadMs) / 2;
  const cpuMs = await tokenMs(cpu, clock, budget);
  const leastMs = DISPATCHES_PER_LAYER * model.layers * DISPATCH_MS + SUBMIT_MS;
  if (cpuMs < leastMs) {
    await measurements?.set(smallKeyOf(model), [cpuMs, leastMs]);
    return small(cpuMs, leastMs);
  }
  try {
    const gpu = await openGpu();
    try {
      const gpuMs = await tokenMs(gpu, clock, budget);
      await measurements?.set(keyOf(model, adapter), [cpuMs, gpuMs]);
      return byRates(cpuMs, gpuMs, 'measured');
    } finally {
      await gpu.dispose();
    }
  } catch (thrown) {
    const error = EngineError.from(thrown);
    if (error.code === 'CANCELLED') throw error;
    return afterFailure(error, onLost);
  }
}

function small(cpuMs: number, leastMs: number): ExecutorChoice {
  const reason = `This model is small: ${rate(cpuMs)}\u00a0tok/s on the CPU, at most ${rate(leastMs)} on a GPU.`;
  return { executor: 'wasm', reason };
}

/** The choice until a person chooses the GPU again. */
export function afterLoss({ message, details }: EngineError): ExecutorChoice {
  const reason =
    typeof details.reason === 'string' ? `The GPU was lost: ${details.reason.replace(/\.$/, '')}.` : message;
  return { executor: 'wasm', reason: `${reason} To try it again, choose GPU.` };
}

/** The choice after the GPU failed while a model was loaded. @param onLost called if it was lost */
export function afterFailure(error: EngineError, onLost?: OnLost): ExecutorChoice {
  if (!isDeviceLoss(error)) return { executor: 'wasm', reason: `The GPU cannot run this model. ${error.message}` };
  onLost?.(error);
  return afterLoss(error);
}

/** The choice if there is no memory for the model on the CPU. */
export const WITHOUT_CPU: ExecutorChoice = {
  executor: 'webgpu',
  reason: 'This model does not fit in memory on the CPU.',
};

function byRates(cpuMs: number, gpuMs: number, when: string): ExecutorChoice {
  const executor = gpuMs < cpuMs ? 'webgpu' : 'wasm';
  return { executor, reason: `${rate(gpuMs)}\u00a0tok/s on the GPU, ${rate(cpuMs)} on the CPU, ${when}.` };
}

/** The best time of one token after an empty context, ms. Overwrites K and V of the first cell. */
async function tokenMs(executor: Executor, clock: Clock, budget: number): Promise<number> {
  let best = Infinity;
  const end = clock.now() + budget;
  for (let token = 0; token <= TOKENS.most && (token <= TOKENS.least || clock.now() < end); token++) {
    const started = clock.now();
    const batch = batchOf([new KvCache(1).append(0, [0])]);
    const { logits } = await executor.run(batch, { logits: [0], lend: true, bestFirst: true });
    // Without a query: with empty weights all logits are equal, and then `TopLogits` may have none.
    await logits[0].lend();
    // Compilers and caches are cold at first.
    if (token > 0) best = Math.min(best, clock.now() - started);
  }
  return Math.max(best, Number.EPSILON);
}

function smallKeyOf({ key }: ChosenModel): string {
  return `CPU alone, ${key}`;
}

function keyOf({ key }: ChosenModel, { vendor, architecture, device, description }: GpuAdapterInfo): string {
  return `CPU or GPU, ${key}, ${[vendor, architecture, device, description].join(' ')}`;
}

/** Tokens per second, for people. */
function rate(ms: number): string {
  const perSecond = 1000 / ms;
  return perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString('en');
}
