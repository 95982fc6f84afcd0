import { setTimeout as sleep } from 'node:timers/promises';
import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { flushed } from './flushed.ts';

it('waits until a slow reader has everything', async () => {
  const read: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      void sleep(5).then(() => {
        read.push(chunk.toString());
        done();
      });
    },
  });
  for (const text of ['a', 'b', 'c']) stream.write(text);
  await flushed(stream);
  expect(read.join('')).toBe('abc');
  // Also if there is nothing to wait for.
  await flushed(stream);
});

it('does not wait for a reader that is gone', async () => {
  const broken = new Writable({
    write: (_chunk, _encoding, done) => void sleep(5).then(() => done(new Error('EPIPE'))),
  });
  broken.on('error', () => undefined);
  broken.write('lost');
  await flushed(broken);
  await flushed(broken);

  const stuck = new Writable({ write: () => undefined });
  stuck.write('never read');
  const waiting = flushed(stuck);
  stuck.destroy();
  await waiting;
  await flushed(stuck);
});
