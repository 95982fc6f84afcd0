/**
 * Graphics adapters and drivers on which programs like this one have failed, although WebGPU offers them. They are not
 * chosen automatically, but a person can choose them. Add a row with a report that names the adapter.
 */
import type { GpuAdapterInfo } from '../api/gpu.ts';

export interface GpuQuirk {
  /** `GPUAdapterInfo.vendor`, as Dawn writes it. */
  readonly vendor: string;
  /** Of all architectures if absent. Dawn's names: dawn/src/dawn/gpu_info.json. */
  readonly architectures?: readonly string[];
  /** What the description contains. It names the driver if the browser reveals it. */
  readonly driver?: RegExp;
  /** A sentence for people. */
  readonly reason: string;
  readonly link: string;
}

/** Chromium refuses these for its own language models: "nearly always crashing or have very low performance". */
const CHROMIUM = 'https://chromium.googlesource.com/chromium/src/+/main/services/on_device_model/ml/gpu_blocklist.cc';

export const GPU_QUIRKS: readonly GpuQuirk[] = [
  {
    // Ivy Bridge, Haswell, Broadwell, Braswell.
    ...{ vendor: 'intel', architectures: ['gen-7', 'gen-8'] },
    reason: 'Intel GPUs of this age crash or are slower than the CPU.',
    link: CHROMIUM,
  },
  {
    ...{ vendor: 'intel', driver: /31\.0\.101\.(4676|4824)/ },
    reason: 'This version of the Intel driver crashes. Update it.',
    link: CHROMIUM,
  },
  {
    vendor: 'qualcomm',
    reason: 'Adreno GPUs have been lost when they ran language models.',
    link: 'https://github.com/mlc-ai/web-llm/issues/836',
  },
];

/** The first that applies; null if none is known. */
export function quirkOf({ vendor, architecture, description }: GpuAdapterInfo): GpuQuirk | null {
  const applies = (quirk: GpuQuirk) =>
    quirk.vendor === vendor.toLowerCase() &&
    (quirk.architectures?.includes(architecture.toLowerCase()) ?? true) &&
    (quirk.driver?.test(description) ?? true);
  return GPU_QUIRKS.find(applies) ?? null;
}
