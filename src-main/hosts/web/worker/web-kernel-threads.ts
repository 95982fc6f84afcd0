/** Threads of the CPU kernels in a browser: Workers that the engine's own Worker starts. */
import { EngineError } from '../../../engine/api/errors.ts';
import type { KernelThread, KernelThreads } from '../../../engine/api/platform.ts';
import { TRUSTED_TYPES_POLICIES } from '../../../protocol/app/app-bridge.ts';

/** Beside the Worker that starts it. */
const SCRIPT = 'kernel-thread.js';

interface TrustedTypesFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

export function webKernelThreads(): KernelThreads {
  const address = new URL(SCRIPT, location.href).href;
  // TypeScript's DOM library lacks Trusted Types. The address is a constant of the program.
  const factory = (globalThis as { trustedTypes?: TrustedTypesFactory }).trustedTypes;
  const policy = factory?.createPolicy(TRUSTED_TYPES_POLICIES[1], { createScriptURL: () => address });
  const url = policy?.createScriptURL(SCRIPT) ?? address;
  return {
    available: navigator.hardwareConcurrency,
    start: (thread, onFailure) => startThread(new Worker(url, { type: 'module' }), thread, onFailure),
  };
}

/** Resolves once the thread works: from then on the engine may block its own thread, which starting a thread needs. */
function startThread(worker: Worker, thread: KernelThread, onFailure: () => void): Promise<{ stop(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    worker.onmessage = () => {
      resolve({
        async stop() {
          worker.terminate();
        },
      });
    };
    worker.onerror = (event) => {
      // Handled here; otherwise it would be an unhandled error of the page.
      event.preventDefault();
      onFailure();
      reject(new EngineError('BACKEND_LOST', `A CPU kernel thread did not start: ${event.message || SCRIPT}`));
    };
    worker.postMessage(thread);
  });
}
