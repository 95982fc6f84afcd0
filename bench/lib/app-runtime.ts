/** Chooses the kind of process that computes like the app’s on a user’s computer. */
import { electronRuntime } from '../../scripts/electron-runtime.ts';
import type { BenchRuntime } from '../../src-main/hosts/node/bench/bench-programs.ts';

/**
 * The app's utility process. Before version 40 Electron runs it without V8’s trap handlers, so that every address is
 * checked before use (electron/electron#48788); its binary run as Node has them.
 */
export async function appRuntime(): Promise<BenchRuntime> {
  return Number.parseInt((await electronRuntime()).version) < 40 ? 'electron-as-node' : 'electron';
}
