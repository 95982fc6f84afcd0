import { describe, expect, it } from 'vitest';
import { openHttpByteSource } from './http-byte-source.ts';
import { openWebModel } from './web-model-files.ts';

const BYTES = Uint8Array.from({ length: 100 }, (_, i) => i);

interface Served {
  /** False `content-length` of the response to HEAD. */
  claimedSize?: number;
  ranges?: boolean;
}

/** A server with the given files that records requests. */
function server(files: Record<string, Served>) {
  const asked: string[] = [];
  const fetchFile = ((url: string, init: RequestInit = {}) => {
    const range = new Headers(init.headers).get('range');
    asked.push([init.method ?? 'GET', url, ...(range === null ? [] : [range])].join(' '));
    const served = files[url];
    if (served === undefined) return Promise.resolve(new Response('', { status: 404 }));
    const headers = { 'content-length': String(served.claimedSize ?? BYTES.length), 'accept-ranges': 'bytes' };
    if (init.method === 'HEAD') return Promise.resolve(new Response(null, { headers }));
    if (range === null || served.ranges === false) return Promise.resolve(new Response(BYTES));
    const [from, to] = range.slice('bytes='.length).split('-').map(Number);
    return Promise.resolve(new Response(BYTES.slice(from, to + 1), { status: 206 }));
  }) as typeof fetch;
  return { asked, fetchFile };
}

describe('openHttpByteSource', () => {
  it('fetches a small file completely, once', async () => {
    const { asked, fetchFile } = server({ '/m/f.bin': {} });
    const source = await openHttpByteSource('/m/f.bin', fetchFile);
    expect(source).toMatchObject({ name: 'f.bin', size: 100 });
    expect([...(await source.read(5, 2))]).toEqual([5, 6]);
    await expect(source.read(99, 2)).rejects.toMatchObject({ code: 'MODEL_FORMAT' });
    expect(asked).toEqual(['HEAD /m/f.bin', 'GET /m/f.bin']);
  });

  it('copies into the given buffer', async () => {
    const { fetchFile } = server({ '/m/f.bin': {} });
    const source = await openHttpByteSource('/m/f.bin', fetchFile);
    const buffer = new Uint8Array(8);
    const bytes = await source.read(5, 2, buffer);
    expect([...bytes]).toEqual([5, 6]);
    expect(bytes.buffer).toBe(buffer.buffer);
    // Never the bytes of the file itself, which the engine may change.
    (await source.read(5, 2)).fill(0);
    expect([...(await source.read(5, 2))]).toEqual([5, 6]);
  });

  it('fetches parts of a big file', async () => {
    const { asked, fetchFile } = server({ '/m/f.bin': { claimedSize: 2 ** 33 } });
    const source = await openHttpByteSource('/m/f.bin', fetchFile);
    expect(source.size).toBe(2 ** 33);
    expect([...(await source.read(10, 3))]).toEqual([10, 11, 12]);
    expect(await source.read(0, 0)).toHaveLength(0);
    await expect(source.read(2 ** 33, 1)).rejects.toMatchObject({ code: 'MODEL_FORMAT' });
    // The server has less than it claimed.
    await expect(source.read(90, 20)).rejects.toMatchObject({ code: 'MODEL_IO' });
    expect(asked).toEqual(['HEAD /m/f.bin', 'GET /m/f.bin bytes=10-12', 'GET /m/f.bin bytes=90-109']);
  });

  it('refuses a whole file instead of the requested part', async () => {
    const { fetchFile } = server({ '/m/f.bin': { claimedSize: 2 ** 33, ranges: false } });
    const source = await openHttpByteSource('/m/f.bin', fetchFile);
    await expect(source.read(10, 3)).rejects.toMatchObject({ code: 'MODEL_IO' });
  });

  it('distinguishes a missing file from a missing server', async () => {
    await expect(openHttpByteSource('/none', server({}).fetchFile)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    const down = () => Promise.reject(new TypeError('Failed to fetch'));
    await expect(openHttpByteSource('/m', down)).rejects.toMatchObject({
      code: 'MODEL_IO',
      message: 'Cannot fetch /m (Failed to fetch). Check the connection.',
    });
    const broken = () => Promise.resolve(new Response('', { status: 500 }));
    await expect(openHttpByteSource('/m', broken)).rejects.toMatchObject({
      code: 'MODEL_IO',
      details: { status: 500 },
    });
  });
});

describe('openWebModel', () => {
  it('finds the files that the server has', async () => {
    const { asked, fetchFile } = server({ '/models/tiny/config.json': {}, '/models/tiny/model.safetensors': {} });
    const files = await openWebModel('tiny', fetchFile);
    expect(files.names).toEqual(['config.json', 'model.safetensors']);
    asked.length = 0;
    await files.open('config.json');
    expect(asked, 'what is known is not asked again').toEqual(['GET /models/tiny/config.json']);
    await expect(files.open('tokenizer.json')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('fetches a file once while it is in memory, because a load opens it twice', async () => {
    const { asked, fetchFile } = server({ '/models/tiny/config.json': {} });
    const files = await openWebModel('tiny', fetchFile);
    asked.length = 0;
    const first = await files.open('config.json');
    const second = await files.open('config.json');
    expect(asked).toEqual(['GET /models/tiny/config.json']);
    expect([...(await first.read(0, 2)), ...(await second.read(5, 2))]).toEqual([0, 1, 5, 6]);
  });

  it('refuses a missing model, and ids that are paths', async () => {
    await expect(openWebModel('none', server({}).fetchFile)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(openWebModel('../x', server({}).fetchFile)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });
});
