import { ensureBuilt } from '../ensure-built.mjs';

/** Builds the kernels for the engine's tests, and the command line tool for its tests. */
export default function setup(): Promise<void> {
  return ensureBuilt(['kernels', 'main']);
}
