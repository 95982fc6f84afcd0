import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Output } from './output.ts';

describe('Output', () => {
  it('waits for a slow reader', async () => {
    const written: string[] = [];
    const slow = new Writable({
      highWaterMark: 4,
      write(chunk: Buffer, _encoding, done) {
        setTimeout(() => {
          written.push(chunk.toString());
          done();
        }, 1);
      },
    });
    const out = new Output(slow, () => undefined);
    await out.write('first ');
    expect(written).toEqual(['first ']);
    await out.json({ a: 1 });
    expect(written).toEqual(['first ', '{"a":1}\n']);
    expect(slow.listenerCount('drain') + slow.listenerCount('close')).toBe(0);
  });

  it('reports once that the reader is gone, and then does nothing', async () => {
    const hungUp = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    const lost: (string | undefined)[] = [];
    const out = new Output(hungUp, ({ code }) => lost.push(code));
    await out.write('a');
    await out.write('b');
    expect(lost).toEqual(['EPIPE']);
    expect(out.open).toBe(false);
  });
});
