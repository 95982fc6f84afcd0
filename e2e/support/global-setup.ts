import { electronRuntime } from '../../scripts/electron-runtime.ts';
import { ensureBuilt } from '../../scripts/ensure-built.mjs';
import { startVirtualDisplay } from '../../scripts/lib/xvfb.ts';

/** Before all tests: a fresh build, an Electron, and a display of their own, whatever DISPLAY says. */
export default async function globalSetup(): Promise<() => void> {
  await ensureBuilt(['main', 'app']);
  process.env.ELECTRON_OVERRIDE_DIST_PATH = (await electronRuntime()).distPath;
  if (process.platform !== 'linux' || process.env.TOKENSCOPE_HEADED) return () => undefined;
  const virtual = await startVirtualDisplay();
  process.env.DISPLAY = virtual.display;
  delete process.env.WAYLAND_DISPLAY;
  return () => virtual.stop();
}
