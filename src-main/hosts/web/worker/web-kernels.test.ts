import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { compileNodeKernels } from '../../node/kernels.ts';
import { compileWebKernels } from './web-kernels.ts';

// Relaxed SIMD is behind a flag in Node 20, which this sets.
compileNodeKernels();

/** A server of the built kernels; `broken` ones are no WebAssembly. */
function server(broken: readonly string[] = []) {
  const asked: string[] = [];
  const fetchFile = (async (url: string) => {
    asked.push(url);
    if (broken.includes(url)) return new Response('not WebAssembly');
    return new Response(await readFile(new URL(`../../../../resources${url}`, import.meta.url)));
  }) as typeof fetch;
  return { asked, fetchFile };
}

describe('compileWebKernels', () => {
  it('shares memory where the page is isolated', async () => {
    const { asked, fetchFile } = server();
    expect(await compileWebKernels(true, fetchFile)).toMatchObject({ shared: true });
    expect(asked).toEqual(['/kernels/threads.wasm']);
  });

  it('takes one thread where it is not', async () => {
    const { asked, fetchFile } = server();
    expect(await compileWebKernels(false, fetchFile)).toMatchObject({ shared: false });
    expect(asked).toEqual(['/kernels/single.wasm']);
  });

  it('falls back to plain SIMD, and says so where there is none', async () => {
    const { fetchFile } = server(['/kernels/threads.wasm']);
    expect(await compileWebKernels(true, fetchFile)).toMatchObject({ shared: false });
    const none = server(['/kernels/threads.wasm', '/kernels/simd.wasm']);
    await expect(compileWebKernels(true, none.fetchFile)).rejects.toMatchObject({
      code: 'BACKEND_LOST',
      message: expect.stringContaining('reference executor'),
    });
  });

  it('says when the server is gone or has none', async () => {
    const down = () => Promise.reject(new TypeError('Failed to fetch'));
    await expect(compileWebKernels(true, down)).rejects.toMatchObject({ code: 'BACKEND_LOST' });
    const empty = () => Promise.resolve(new Response('', { status: 404 }));
    await expect(compileWebKernels(true, empty)).rejects.toThrow(/answered 404/);
  });
});
