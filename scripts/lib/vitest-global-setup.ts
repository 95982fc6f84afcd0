import { ensureBuilt } from '../ensure-built.mjs';

export default function setup(): Promise<void> {
  return ensureBuilt(['kernels']);
}
