import { PassThrough, Writable } from 'node:stream';
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

  it.each([
    ['at once', (fail: () => void) => fail()],
    ['later', (fail: () => void) => void setTimeout(fail, 5)],
  ])('knows when everything is written, and whether writing failed %s', async (_, when) => {
    const pipe = new PassThrough().resume();
    const out = new Output(pipe, () => undefined);
    await out.line('a');
    expect(await out.flushed()).toBe(true);

    const error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    const hungUp = new Writable({ write: (_chunk, _encoding, done) => when(() => done(error)) });
    const lost: (string | undefined)[] = [];
    const gone = new Output(hungUp, ({ code }) => lost.push(code));
    await gone.line('a');
    expect(await gone.flushed()).toBe(false);
    expect(lost).toEqual(['EPIPE']);
    expect(await gone.flushed()).toBe(false);
  });

  it('shows the control characters of texts in a terminal, and writes its own', async () => {
    const text = 'a\tb\n\u001b]0;title\u0007\r\u007f\u009b2J日本';
    const terminal = Object.assign(new PassThrough().setEncoding('utf8'), { isTTY: true });
    const out = new Output(terminal, () => undefined);
    for (const part of [text.slice(0, 5), text.slice(5)]) await out.write(part);
    await out.control('\u001b[2m');
    expect(terminal.read()).toBe('a\tb\n\\u001b]0;title\\u0007\\r\\u007f\\u009b2J日本\u001b[2m');
    await out.json(text);
    expect(JSON.parse(terminal.read() as string)).toBe(text);

    const pipe = new PassThrough().setEncoding('utf8');
    await new Output(pipe, () => undefined).write(text);
    expect(pipe.read()).toBe(text);
  });

  it('has the current width of a terminal', () => {
    const window = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
    const out = new Output(window, () => undefined);
    expect(out.columns).toBe(80);
    window.columns = 40;
    expect(out.columns).toBe(40);
    window.columns = 0;
    expect(out.columns).toBeUndefined();
    expect(new Output(new PassThrough(), () => undefined).columns).toBeUndefined();
  });
});
