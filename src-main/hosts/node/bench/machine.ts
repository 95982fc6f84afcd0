import { availableParallelism, cpus, totalmem } from 'node:os';
import type { BenchMachine } from './bench-messages.ts';

/** The computer and the runtime of this process. */
export function describeMachine(): BenchMachine {
  const { electron, node, v8 } = process.versions;
  const runtime = electron === undefined ? `Node ${node}` : `Electron ${electron}, ${electronProcess()}`;
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown CPU',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    runtime,
    v8,
  };
}

function electronProcess(): string {
  // Electron's own field, set in the main thread of its processes.
  const { type } = process as { type?: string };
  // The packaged app ignores the variable.
  if (type === 'browser') return 'main process';
  return process.env.ELECTRON_RUN_AS_NODE || type === undefined ? 'run as Node' : 'utility process';
}
