import { startVirtualDisplay } from '../../scripts/lib/xvfb.ts';
import globalSetup from './global-setup.ts';

/** A display for the windows of this process alone, with its own focus and clipboard. @returns closes it */
export async function ownDisplay(): Promise<() => void> {
  if (process.platform !== 'linux' || process.env.TOKENSCOPE_HEADED) return () => undefined;
  const virtual = await startVirtualDisplay();
  process.env.DISPLAY = virtual.display;
  delete process.env.WAYLAND_DISPLAY;
  return () => virtual.stop();
}

/** Prepares a script that starts the app like the tests: a fresh build, an Electron, a display. @returns cleans up */
export async function prepareScript(): Promise<() => void> {
  await globalSetup();
  return await ownDisplay();
}
