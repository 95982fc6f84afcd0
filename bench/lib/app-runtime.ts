/** Tokenscope's own processes, of the built app, and which one computes as the app’s does on a user’s computer. */
import { pathToFileURL } from 'node:url';
import { electronRuntime } from '../../scripts/electron-runtime.ts';
import { root } from '../../scripts/lib/run.ts';
import type { BenchCaller } from '../../src-main/hosts/node/bench/bench-messages.ts';
import { withBenchSession, type BenchRuntime } from '../../src-main/hosts/node/bench/bench-programs.ts';
import { flagsFor, type Processor } from './processors.ts';

const BUILT = new URL('out/main/', pathToFileURL(`${root}/`));

/** Runs `work` with a process of its own. @throws EngineError see `withBenchSession` */
export function withTokenscope<T>(
  runtime: BenchRuntime,
  processor: Processor | null,
  work: (session: BenchCaller) => Promise<T>,
): Promise<T> {
  return withBenchSession({ runtime, scripts: BUILT, v8Flags: flagsFor(processor) }, work);
}

/**
 * The app's utility process. Before version 40 Electron runs it without V8’s trap handlers, so that every address is
 * checked before use (electron/electron#48788); its binary run as Node has them.
 */
export async function appRuntime(): Promise<BenchRuntime> {
  return Number.parseInt((await electronRuntime()).version) < 40 ? 'electron-as-node' : 'electron';
}
