/** WebGPU for tests: Dawn on a real GPU if there is one, else on SwiftShader, which comes with Chromium and Electron. */
import { existsSync, readdirSync } from 'node:fs';
import { constants, homedir } from 'node:os';
import { nodeGpu } from '../../hosts/node/gpu.ts';
import type { Gpu } from '../api/gpu.ts';
import { openDevice, type OpenedDevice } from '../executors/webgpu/device.ts';

/** Folders with SwiftShader's driver and Vulkan's loader: of Debian's Chromium, and of the tests' Electron. */
function softwareFolder(): string | undefined {
  const cache = `${homedir()}/.cache/tokenscope/electron`;
  const versions = existsSync(cache) ? readdirSync(cache).map((version) => `${cache}/${version}`) : [];
  return ['/usr/lib/chromium', ...versions].find((folder) => existsSync(`${folder}/vk_swiftshader_icd.json`));
}

/** `dlopen`'s flag to keep a library loaded, which Node does not name. */
const RTLD_NODELETE = 0x1000;

/** Makes Dawn use SwiftShader. It looks for the loader by name, so one that is loaded already need not be installed. */
function useSoftware(folder: string): void {
  process.env.VK_ICD_FILENAMES ??= `${folder}/vk_swiftshader_icd.json`;
  try {
    process.dlopen({ exports: {} }, `${folder}/libvulkan.so.1`, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
  } catch {
    // It is no module of Node, which is always an error here. If it was not loaded, there will be no adapter.
  }
}

/** Null if this computer has no adapter. */
export async function testGpu(): Promise<Gpu | null> {
  const hasGpu = existsSync('/dev/dri/renderD128');
  const folder = process.platform === 'linux' && !hasGpu ? softwareFolder() : undefined;
  if (folder !== undefined) useSoftware(folder);
  const gpu = await nodeGpu();
  return (await gpu.requestAdapter()) ? gpu : null;
}

/**
 * For tests of all executors: null but in the full run, because compiling shaders takes a software adapter seconds. The
 * webgpu executor's own tests are in `npm test`.
 */
export function gpuInFullRun(): Promise<Gpu | null> {
  return process.env.TOKENSCOPE_TEST_FULL === '1' ? testGpu() : Promise.resolve(null);
}

let shared: Promise<OpenedDevice> | undefined;

/**
 * One device for many executors, none of which destroys it: it caches compiled shaders, which take most of a test's time.
 */
export function sharedDevice(gpu: Gpu): Promise<OpenedDevice> {
  shared ??= openDevice(gpu).then(({ device, adapter }) => ({
    adapter,
    device: new Proxy(device, {
      get(target, name) {
        if (name === 'destroy') return () => undefined;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    }),
  }));
  return shared;
}

/** A GPU that always gives the shared device, for engines. */
export function sharedGpu(gpu: Gpu): Gpu {
  return {
    async requestAdapter(options) {
      const adapter = await gpu.requestAdapter(options);
      if (!adapter) return null;
      const { info, limits, features } = adapter;
      return {
        info,
        limits,
        ...(features && { features }),
        requestDevice: async () => (await sharedDevice(gpu)).device,
      };
    },
  };
}
