import { EngineError, type EngineErrorCode } from '../../api/errors.ts';
import type { Gpu, GpuAdapter, GpuAdapterInfo, GpuDevice, GpuLimits } from '../../api/gpu.ts';
import type { CancelToken } from '../../api/platform.ts';
import type { GpuAdapterFacts } from '../../api/types.ts';
import { type DeviceWatch, whileOpening } from './device-watch.ts';

/** `GPUBufferUsage` and `GPUMapMode`: constants of the specification, whose globals Node lacks. */
export const USAGE = { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, STORAGE: 128, QUERY_RESOLVE: 512 } as const;
export const MAP_READ = 1;

/** A device and what is known about the adapter behind it. */
export interface OpenedDevice {
  readonly device: GpuDevice;
  readonly adapter: GpuAdapterInfo;
}

/** Names of software renderers: of Chromium and Dawn, Mesa, and Windows. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|microsoft basic render/i;

/** An adapter's name for people, and whether it computes in software. */
export function adapterFacts(info: GpuAdapterInfo): Omit<GpuAdapterFacts, 'largestBuffer'> {
  const { vendor, architecture, device, description, isFallbackAdapter = false } = info;
  // Browsers reveal little, to prevent fingerprinting.
  const named =
    architecture === 'swiftshader' ? 'SwiftShader' : [vendor, architecture].filter((part) => part !== '').join(' ');
  const name = description || device || named || 'GPU';
  return { name, isSoftware: isFallbackAdapter || SOFTWARE.test([architecture, device, description].join(' ')) };
}

/** Limits that are raised to what the adapter has, because the defaults are small. */
const RAISED = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
] as const satisfies (keyof GpuLimits)[];

/** Features that are used where the adapter has them. */
const FEATURES = ['timestamp-query', 'subgroups'] as const;

/** For hosts without WebGPU. */
export function noWebGpu(): EngineError {
  return new EngineError('BACKEND_LOST', 'WebGPU is not available here, so only the CPU can run models.');
}

/** Null if there is no adapter. @throws EngineError BACKEND_LOST when there is no answer */
export function requestAdapter(gpu: Gpu): Promise<GpuAdapter | null> {
  return whileOpening(gpu.requestAdapter({ powerPreference: 'high-performance' }));
}

/** @throws EngineError BACKEND_LOST when there is no adapter or it gives no device */
export async function openDevice(gpu: Gpu): Promise<OpenedDevice> {
  const adapter = await requestAdapter(gpu);
  if (!adapter) {
    throw new EngineError('BACKEND_LOST', 'WebGPU found no graphics adapter, so only the CPU can run models.');
  }
  const requiredLimits = Object.fromEntries(RAISED.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures = FEATURES.filter((name) => adapter.features?.has(name));
  try {
    const device = await whileOpening(adapter.requestDevice({ requiredLimits, requiredFeatures }));
    return { device, adapter: adapter.info };
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('BACKEND_LOST', `The graphics adapter gave no device: ${reason}`, undefined, { cause });
  }
}

/** Errors after which nobody waits for a GPU, which may not answer. */
const FINAL: readonly EngineErrorCode[] = ['BACKEND_LOST', 'CANCELLED'];

/**
 * Runs `create` and throws the errors that WebGPU reports in error scopes only.
 * @param cancel checked while waiting for these
 * @throws EngineError OUT_OF_MEMORY, INTERNAL for a call that WebGPU rejects, BACKEND_LOST, CANCELLED
 */
export async function checked<T>(
  watch: DeviceWatch,
  what: string,
  create: () => Promise<T>,
  cancel?: CancelToken,
): Promise<T> {
  const { device } = watch;
  device.pushErrorScope('validation');
  device.pushErrorScope('out-of-memory');
  const [created] = await Promise.allSettled([create()]);
  // The scopes are popped in any case, so that they stay balanced.
  const scopes = Promise.all([device.popErrorScope(), device.popErrorScope()]);
  if (created.status === 'rejected' && FINAL.includes(EngineError.from(created.reason).code)) {
    scopes.catch(() => undefined);
    throw created.reason;
  }
  const [outOfMemory, invalid] = await watch.during(() => scopes, cancel);
  if (outOfMemory)
    throw new EngineError(
      'OUT_OF_MEMORY',
      `The GPU is out of memory for ${what}. Choose a smaller context or the CPU. (${outOfMemory.message})`,
    );
  if (invalid) throw new EngineError('INTERNAL', `WebGPU rejected ${what}: ${invalid.message}`);
  if (created.status === 'rejected') throw created.reason;
  return created.value;
}
