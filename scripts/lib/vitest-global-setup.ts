import { ensureBuilt } from '../ensure-built.mjs';

/** The kernels that the engine's tests run on, and the command line tool whose tests run it as people do. */
export default function setup(): Promise<void> {
  return ensureBuilt(['kernels', 'main']);
}
