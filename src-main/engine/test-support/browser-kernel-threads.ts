/** A browser's kernel threads in Node, to test their script with several memories, which no small model has in a browser. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import ts from 'typescript';
import type { KernelThreads } from '../api/platform.ts';

const SCRIPT = new URL('../../hosts/web/kernel-thread.ts', import.meta.url);
/** The parts of a browser's Worker scope that the script uses. */
const SCOPE = `
  import { parentPort } from 'node:worker_threads';
  globalThis.self = {
    addEventListener: (type, listener) => parentPort.once(type, (data) => listener({ data })),
    postMessage: (message) => parentPort.postMessage(message),
  };
`;

/** As `webKernelThreads`, each in a thread of Node. */
export function browserKernelThreads(): KernelThreads {
  const options = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext };
  const { outputText } = ts.transpileModule(readFileSync(SCRIPT, 'utf8'), { compilerOptions: options });
  const url = new URL(`data:text/javascript,${encodeURIComponent(SCOPE + outputText)}`);
  return {
    available: 2,
    async start(thread, onFailure) {
      const worker = new Worker(url);
      worker.on('error', onFailure);
      worker.postMessage(thread);
      await once(worker, 'message');
      return { stop: async () => void (await worker.terminate()) };
    },
  };
}
