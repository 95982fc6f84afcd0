import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { GeneratedToken } from '../../../engine/api/types.ts';
import { Output } from './output.ts';
import { ReplyWriter } from './reply-writer.ts';

async function written(tokens: [GeneratedToken['part'], string][], dim = false, isTTY = false) {
  const streams = [new PassThrough(), new PassThrough()].map((stream) => Object.assign(stream, { isTTY }));
  const [answers, asides] = streams.map((stream) => new Output(stream, () => undefined));
  const writer = new ReplyWriter(answers, asides, dim);
  for (const [part, text] of tokens) await writer.token({ part, text });
  await writer.end();
  return streams.map((stream) => String(stream.read() ?? ''));
}

describe('ReplyWriter', () => {
  it('prints an answer unchanged', async () => {
    expect(
      await written([
        ['answer', ' Yes'],
        ['answer', '.\n'],
      ]),
    ).toEqual([' Yes.\n\n', '']);
  });

  it('separates reasoning, and drops the white space before the answer', async () => {
    const tokens: [GeneratedToken['part'], string][] = [
      ['reasoning_mark', '<think>'],
      ['reasoning', '\nHm'],
      ['reasoning_mark', '</think>'],
      ['answer', '\n\n'],
      ['answer', ' 42'],
      ['answer', '\n!'],
    ];
    expect(await written(tokens)).toEqual(['42\n!\n', '<think>\nHm</think>\n']);
    expect(await written(tokens, true)).toEqual(['42\n!\n', '\u001b[2m<think>\nHm</think>\u001b[22m\n']);
  });

  it('shows the control characters of a reply in a terminal', async () => {
    const tokens: [GeneratedToken['part'], string][] = [
      ['reasoning', '\u001b[31m'],
      ['answer', '\u001b]0;title\u0007'],
    ];
    const [answer, reasoning] = await written(tokens, true, true);
    expect(answer).toBe('\\u001b]0;title\\u0007\n');
    expect(reasoning).toBe('\u001b[2m\\u001b[31m\u001b[22m\n');
  });

  it('ends reasoning that has no answer', async () => {
    expect(await written([['reasoning', 'Hm\n']], true)).toEqual(['\n', '\u001b[2mHm\n\u001b[22m']);
  });
});
