import type { Gpu } from '../../../engine/api/gpu.ts';
import type { Platform } from '../../../engine/api/platform.ts';
import { fetchBeside } from './fetch-beside.ts';
import { measurementsDatabase } from './measurements-database.ts';
import { prefixStoreOfOrigin } from './prefix-database.ts';
import { webKernelThreads } from './web-kernel-threads.ts';
import { compileWebKernels } from './web-kernels.ts';

/**
 * The engine's platform in a browser Worker.
 * @param yieldEveryToken Without shared memory, a cancel is only received when the engine yields.
 */
export function webPlatform({ yieldEveryToken }: { yieldEveryToken: boolean }): Platform {
  const isolated = globalThis.crossOriginIsolated;
  return {
    clock: { now: () => performance.now() },
    log: {
      debug: (message, details) => console.debug(message, details ?? ''),
      warn: (message, details) => console.warn(message, details ?? ''),
    },
    yieldToHost: messageChannelYield(),
    yieldEveryToken,
    compileKernels: () => compileWebKernels(isolated, fetchBeside),
    ...(isolated ? { threads: webKernelThreads() } : {}),
    // Absent in some browsers, and where the page is not a secure origin. The engine's types are a part of the DOM's.
    ...('gpu' in navigator ? { openGpu: () => Promise.resolve(navigator.gpu as unknown as Gpu) } : {}),
    measurements: measurementsDatabase(),
    prefixStore: prefixStoreOfOrigin(),
    randomSeed: () => crypto.getRandomValues(new Uint32Array(1))[0],
    collectGarbage: askForMuch,
  };
}

/** The longest buffer that V8 tries to allocate; longer ones are refused without an attempt. */
const LONG_BUFFER_BYTES = 2 ** 34;

/**
 * Browsers have no call that collects garbage. V8 does it when it cannot allocate so long a buffer, and soon if it can:
 * the buffer is never written to, so it takes addresses, but no memory. Other browsers may wait longer.
 */
function askForMuch(): void {
  try {
    new ArrayBuffer(LONG_BUFFER_BYTES);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}

/** A macrotask through a MessageChannel: unlike timers, it is never clamped to 4 ms. */
function messageChannelYield(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      port2.postMessage(null);
    });
}
