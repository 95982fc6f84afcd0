import { electronRuntime } from '../../scripts/electron-runtime.ts';
import { ensureBuilt } from '../../scripts/ensure-built.mjs';

/** Before all tests: a fresh build and an Electron. */
export default async function globalSetup(): Promise<void> {
  await ensureBuilt(['main', 'app']);
  process.env.ELECTRON_OVERRIDE_DIST_PATH = (await electronRuntime()).distPath;
}
