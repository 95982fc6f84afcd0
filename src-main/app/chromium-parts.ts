/** Leaves out parts of Chromium and GTK that the app does not need here. All of it must run before the app is ready. */
import { app } from 'electron';
import { existsSync } from 'node:fs';

/** Devices of GPU drivers on Linux: Mesa's, NVIDIA's, and that of Windows' subsystem for Linux. */
const GPU_DEVICES = ['/dev/dri', '/dev/nvidiactl', '/dev/dxg'];

/**
 * Where there is no GPU, Chromium starts one GPU process after another, until one draws with the CPU, and the page waits
 * for them: half of the time to the first window. WebGL on the CPU is off too: nothing uses it, and it takes 13 MiB.
 */
export function skipMissingGpu(): void {
  // The user wants WebGPU, which may run on a software adapter.
  if (process.platform !== 'linux' || app.commandLine.hasSwitch('enable-unsafe-webgpu')) return;
  if (GPU_DEVICES.some((path) => existsSync(path))) return;
  app.disableHardwareAcceleration();
  app.commandLine.appendSwitch('disable-software-rasterizer');
}

/**
 * Chromium's network service serves the app's own files and reaches no server: it does not need a process, 15 MiB. On
 * Linux, that process has no sandbox either.
 */
export function skipNetworkProcess(): void {
  if (process.platform !== 'linux') return;
  const others = app.commandLine.getSwitchValue('enable-features');
  const features = others === '' ? [] : others.split(',');
  app.commandLine.appendSwitch('enable-features', [...features, 'NetworkServiceInProcess2'].join(','));
}

/**
 * GTK, which draws dialogs on Linux, loads OpenGL to look for visuals, but never draws with it: without a GPU, that is
 * Mesa's software renderer with LLVM, 30 MiB.
 * @returns restores the variable once the app is ready: programs that the app opens inherit its environment
 */
export function withoutGtkGl(): () => void {
  if (process.platform !== 'linux' || process.env.GDK_GL !== undefined) return () => undefined;
  process.env.GDK_GL = 'disable';
  return () => delete process.env.GDK_GL;
}
