import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { Output } from './output.ts';
import { runCli } from './program.ts';

/** Ctrl-C while a command waits for its text; with `hangsUp`, the output's reader is gone. */
async function interrupted(args: readonly string[], hangsUp = false) {
  const [stdin, out, err] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const stopping = new AbortController();
  const running = runCli(args, {
    stdin,
    out: new Output(out, () => stopping.abort()),
    err: new Output(err, () => undefined),
    signal: stopping.signal,
    workerUrl: new URL('file:///none'),
    modelsDir: '/none',
  });
  setTimeout(() => (hangsUp ? out.destroy(Object.assign(new Error('EPIPE'), { code: 'EPIPE' })) : stopping.abort()));
  const code = await running;
  const text = (stream: PassThrough) => (stream.read() as Buffer | null)?.toString() ?? '';
  return { code, out: hangsUp ? '' : text(out), err: text(err) };
}

it.each([['tokenize'], ['run'], ['compare'], ['score']])(
  '%s with --json outputs JSON when it is stopped before it has a result',
  async (command) => {
    const { code, out, err } = await interrupted([command, '-', '--json']);
    expect({ code, out }).toEqual({ code: 130, out: '' });
    expect(JSON.parse(err)).toEqual({
      error: { code: 'CANCELLED', message: 'Stopped before the reply started.', details: {} },
    });
  },
);

it('outputs nothing else: not in text mode, and not when the reader is gone', async () => {
  expect(await interrupted(['tokenize', '-'])).toEqual({ code: 130, out: '', err: '' });
  expect(await interrupted(['tokenize', '-', '--json'], true)).toEqual({ code: 130, out: '', err: '' });
});
