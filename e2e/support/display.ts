import { startVirtualDisplay } from '../../scripts/lib/xvfb.ts';
import globalSetup from './global-setup.ts';

/** A display for the windows of this process alone: with it go the focus and the clipboard. @returns ends it */
export async function ownDisplay(): Promise<() => void> {
  if (process.platform !== 'linux' || process.env.TOKENSCOPE_HEADED) return () => undefined;
  const virtual = await startVirtualDisplay();
  process.env.DISPLAY = virtual.display;
  delete process.env.WAYLAND_DISPLAY;
  return () => virtual.stop();
}

/** What a script needs that starts the app as the tests do: a fresh build, an Electron, a display. @returns ends it */
export async function prepareScript(): Promise<() => void> {
  await globalSetup();
  return await ownDisplay();
}
