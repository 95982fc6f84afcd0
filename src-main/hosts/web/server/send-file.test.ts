import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../../services/test-support/support.ts';
import { sendFile } from './send-file.ts';

/** A response that records the sizes of what is written to it. */
function recorded() {
  const sizes: number[] = [];
  const writable = new Writable({
    write(chunk: Buffer, _encoding, done) {
      sizes.push(chunk.length);
      done();
    },
  });
  const response: unknown = Object.assign(writable, { setHeader: () => response, writeHead: () => response });
  return { sizes, response: response as ServerResponse };
}

test('a large file is read in a few large pieces', async () => {
  const size = 3 * 2 ** 20;
  const path = join(await temporaryFolder(), 'model.safetensors');
  await writeFile(path, Buffer.alloc(size));
  const { sizes, response } = recorded();
  const request = { headers: {}, method: 'GET' } as IncomingMessage;
  await sendFile({ path, size, caching: 'no-cache' }, request, response);
  expect(sizes.reduce((sum, one) => sum + one, 0)).toBe(size);
  expect(sizes.length).toBeLessThan(10);
});
