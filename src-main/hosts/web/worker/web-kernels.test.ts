import { describe, expect, it } from 'vitest';
import { compileWebKernels } from './web-kernels.ts';

/** The smallest module, which is empty. */
const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** A server of kernels; the browser cannot run `broken` ones. */
function server(broken: readonly string[] = []) {
  const asked: string[] = [];
  const fetchFile = ((url: string) => {
    asked.push(url);
    return Promise.resolve(new Response(broken.includes(url) ? 'not WebAssembly' : MODULE));
  }) as typeof fetch;
  return { asked, fetchFile };
}

describe('compileWebKernels', () => {
  it('shares memory if the page is isolated', async () => {
    const { asked, fetchFile } = server();
    expect(await compileWebKernels(true, fetchFile)).toMatchObject({ shared: true });
    expect(asked).toEqual(['/kernels/threads.wasm']);
  });

  it('uses one thread if it is not', async () => {
    const { asked, fetchFile } = server();
    expect(await compileWebKernels(false, fetchFile)).toMatchObject({ shared: false });
    expect(asked).toEqual(['/kernels/single.wasm']);
  });

  it('falls back to plain SIMD, and reports missing SIMD', async () => {
    const { fetchFile } = server(['/kernels/threads.wasm']);
    expect(await compileWebKernels(true, fetchFile)).toMatchObject({ shared: false });
    const none = server(['/kernels/threads.wasm', '/kernels/simd.wasm']);
    await expect(compileWebKernels(true, none.fetchFile)).rejects.toMatchObject({
      code: 'BACKEND_LOST',
      message: expect.stringContaining('Use a newer browser'),
    });
  });

  it('reports a server that is gone or has no kernels', async () => {
    const down = () => Promise.reject(new TypeError('Failed to fetch'));
    await expect(compileWebKernels(true, down)).rejects.toMatchObject({ code: 'BACKEND_LOST' });
    const empty = () => Promise.resolve(new Response('', { status: 404 }));
    await expect(compileWebKernels(true, empty)).rejects.toThrow(/responded with 404/);
  });
});
