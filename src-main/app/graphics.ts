/** Skips graphics drivers that cannot draw here. */
import { app } from 'electron';
import { existsSync } from 'node:fs';

/** Devices of GPU drivers on Linux: Mesa's, NVIDIA's, and that of Windows' subsystem for Linux. */
const GPU_DEVICES = ['/dev/dri', '/dev/nvidiactl', '/dev/dxg'];

/**
 * Where there is no GPU, Chromium starts one GPU process after another, until one draws with the CPU, and the page waits
 * for them: half of the time to the first window. Must be called before the app is ready.
 */
export function skipMissingGpu(): void {
  // The user wants WebGPU, which may run on a software adapter.
  if (process.platform !== 'linux' || app.commandLine.hasSwitch('enable-unsafe-webgpu')) return;
  if (!GPU_DEVICES.some((path) => existsSync(path))) app.disableHardwareAcceleration();
}

/**
 * GTK, which draws dialogs on Linux, loads OpenGL to look for visuals, but never draws with it: without a GPU, that is
 * Mesa's software renderer with LLVM, 30 MiB. Must be called before the app is ready.
 * @returns restores the variable once the app is ready: programs that the app opens inherit its environment
 */
export function withoutGtkGl(): () => void {
  if (process.platform !== 'linux' || process.env.GDK_GL !== undefined) return () => undefined;
  process.env.GDK_GL = 'disable';
  return () => delete process.env.GDK_GL;
}
