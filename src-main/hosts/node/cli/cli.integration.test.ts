/** The built command line tool as people run it. `npm run build` comes first. */
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Inspection } from '../../../engine/api/types.ts';
import { layOutGguf } from '../../../engine/formats/gguf/writer.ts';
import { CommandLine, until } from '../test-support/command-line.ts';

const ENDLESS = '--ignore-eos --max-tokens 900 --repetition 0 --no-kv-cache --executor reference'.split(' ');

/** For a reply to begin on a busy machine. */
const LONGEST_WAIT_MS = 8000;

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';

const commandLine = new CommandLine();
const { folder } = commandLine;
const start = commandLine.start.bind(commandLine);
const program = commandLine.program.bind(commandLine);
const tokenscope = commandLine.run.bind(commandLine);
const json = commandLine.json.bind(commandLine);

const file = (name: string, content: string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

describe('run', () => {
  it('gives one JSON object with everything about the reply', async () => {
    const args = ['run', 'Hello world', '--max-tokens', '5', '--temperature', '0.7', '--seed', '1', '--top', '2'];
    const reply = await json(args, '', 'program');
    expect(reply).toEqual({
      model: 'tiny-transformer',
      executor: 'wasm',
      seed: 1,
      prompt: { text: 'Hello world', ids: [0, 593, 580] },
      reply: { text: expect.any(String), ids: expect.any(Array), top: expect.any(Array) },
      stop: { reason: 'max_tokens', detail: 'Reached the limit of 5 tokens.' },
      timings: {
        loadMs: expect.any(Number),
        prefillMs: expect.any(Number),
        timeToFirstTokenMs: expect.any(Number),
        prefillTokensPerSecond: expect.any(Number),
        decodeTokensPerSecond: expect.any(Number),
      },
    });
    const { ids, top, text } = (reply as { reply: { ids: number[]; top: number[][][]; text: string } }).reply;
    expect(ids).toHaveLength(5);
    expect(top.map((candidates) => candidates.length)).toEqual([2, 2, 2, 2, 2]);
    expect(await json(['detokenize', ...ids.map(String)])).toMatchObject({ ids, text });
  });

  it('writes the reply to standard output and the statistics to standard error', async () => {
    const { code, out, err } = await program(['run', 'Hello world', '--greedy', '--max-tokens', '5']);
    expect(code).toBe(0);
    expect(out).toBe('! How are you?\n');
    expect(err).toMatch(/^5 tokens · .* tokens\/s · .* · seed \d+\nReached the limit of 5 tokens\. \(max_tokens\)\n$/);
  });

  it('uses ids exactly as given', async () => {
    const args = ['run', '--ids', '593,580', '--greedy', '--max-tokens', '1'];
    expect(await json(args)).toMatchObject({ prompt: { text: null, ids: [593, 580] } });
  });

  it('stops at a stop string and does not show it', async () => {
    const args = ['run', 'Hello world', '--greedy', '--stop', 'xyz', '--stop', 'are'];
    expect(await json(args)).toMatchObject({ reply: { text: '! How ' }, stop: { reason: 'stop_string' } });
  });

  it('respects the stop conditions and the window', async () => {
    const greedy = ['--greedy', '--ignore-eos', '--max-tokens', '2000'];
    expect(await json(['run', 'Hello', ...greedy, '--logit-bias', '3=1000'])).toMatchObject({
      reply: { text: '!'.repeat(20) },
      stop: { reason: 'repetition' },
    });
    // Without the cache, no machine fills the window in that time.
    const slow = [...greedy, '--repetition', '0', '--no-kv-cache'];
    expect(await json(['run', 'Hello', ...slow, '--time-limit', '0.05'])).toMatchObject({
      stop: { reason: 'time_limit' },
    });
    expect(await json(['run', '-', ...greedy, '--repetition', '0'], 'cat '.repeat(990))).toMatchObject({
      stop: { reason: 'context_full' },
    });
    const tooLong = await tokenscope(['run', '-', '--json'], 'cat '.repeat(1000));
    expect(tooLong).toMatchObject({ code: 1, out: '' });
    expect(JSON.parse(tooLong.err)).toMatchObject({
      error: { code: 'CONTEXT_FULL', details: { promptTokens: 1001, contextSize: 1000 } },
    });
  });

  it.each(isFull ? [20, 1049] : [20])('reads a file of %d kB, and reports that it does not fit', async (size) => {
    const { code, err } = await tokenscope(['run', '--file', file('long.txt', 'cat sat '.repeat(125 * size))]);
    expect(code).toBe(1);
    expect(err).toContain(`${250 * size + 1} tokens`);
  });
});

describe('Ctrl-C', () => {
  it.skipIf(process.platform === 'win32')('stops a reply, keeps its text and exits with 130', async () => {
    const { child, output, ended } = start(['run', 'Once upon a time', ...ENDLESS]);
    await until(() => output.out.length > 20);
    child.kill('SIGINT');
    const { code, out, err } = await ended;
    expect(code).toBe(130);
    expect(out).toMatch(/\n$/);
    expect(err).toContain('(user)');
  });

  it.skipIf(process.platform === 'win32')('outputs JSON too, and ends a command that waits for input', async () => {
    const waiting = start(['tokenize', '-']);
    // Whether a reply has started cannot be seen from outside. Without JSON it had not: the next attempt waits longer.
    for (let waitMs = 1000, out = ''; out === ''; waitMs *= 2) {
      const reply = start(['run', 'Once upon a time', '--json', ...ENDLESS]);
      await sleep(waitMs);
      reply.child.kill('SIGINT');
      const { code, ...output } = await reply.ended;
      ({ out } = output);
      if (out === '' && waitMs < LONGEST_WAIT_MS) continue;
      expect(code).toBe(130);
      expect(JSON.parse(out)).toMatchObject({ stop: { reason: 'user' } });
    }
    waiting.child.kill('SIGINT');
    expect(await waiting.ended).toEqual({ code: 130, out: '', err: '' });
  });
});

/** A GGUF file of zeros that takes no space, but minutes to quantize. */
function largeGguf(): string {
  const shape = [2 ** 20, 2 ** 10];
  const { header, fileBytes } = layOutGguf(new Map([['general.architecture', { type: 'string', value: 'llama' }]]), [
    { name: 'token_embd.weight', shape, typeId: 0, bytes: 4 * 2 ** 30 },
  ]);
  const path = join(folder, 'large.gguf');
  writeFileSync(path, header);
  truncateSync(path, fileBytes);
  return path;
}

describe.skipIf(process.platform === 'win32')('a signal', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s leaves no part of a new file', async (signal, expected) => {
    const target = join(folder, signal);
    mkdirSync(target);
    const { child, ended } = start(['quantize', largeGguf(), join(target, 'new.gguf'), 'Q4_K']);
    await until(() => readdirSync(target).length > 0);
    child.kill(signal);
    expect((await ended).code).toBe(expected);
    expect(readdirSync(target)).toEqual([]);
  });
});

describe('chat', () => {
  it.skipIf(process.platform === 'win32')('stops a reply at Ctrl-C and continues with the next message', async () => {
    const flags = ['--ignore-eos', '--repetition', '0', '--executor', 'reference', '--max-tokens', '900'];
    const { child, output, ended } = start(['chat', '--greedy', ...flags]);
    child.stdin.write('Once upon a time\n');
    await until(() => output.out.length > 5);
    child.kill('SIGINT');
    await until(() => output.err.includes('(Stopped by you'));
    child.stdin.end('/reset\n/what\n');
    const { code, err } = await ended;
    expect(code).toBe(1);
    expect(err).toMatch(/Conversation cleared\.\nUnknown command \/what/);
  });
});

describe('a reader that closes the pipe', () => {
  it('ends the reply without an error', async () => {
    const { child, output, ended } = start(['run', 'Once upon a time', ...ENDLESS]);
    await until(() => output.out.length > 5);
    child.stdout.destroy();
    expect(await ended).toMatchObject({ code: 0, err: '' });
  });

  it('does not make a success of a result that nobody read', async () => {
    const receipt = join(folder, 'story.receipt.json');
    const run = ['run', 'Once upon a time', '--greedy', '--max-tokens', '4', '--receipt', receipt];
    expect((await tokenscope(run)).code).toBe(0);
    const { child, ended } = start(['verify', receipt]);
    child.stdout.destroy();
    expect((await ended).code).toBe(141);
    writeFileSync(receipt, readFileSync(receipt, 'utf8').replace('Once upon', 'Twice upon'));
    const changed = start(['verify', receipt, '--json']);
    changed.child.stdout.destroy();
    expect((await changed.ended).code).toBe(2);
  });
});

describe('tokenize and detokenize', () => {
  it('show ids, pieces and text', async () => {
    const tokenized = { ids: [0, 593, 580], pieces: ['<BOS>', 'Hello', 'world'], text: 'Hello world' };
    expect(await json(['tokenize', 'Hello world'])).toEqual(tokenized);
    expect(await json(['tokenize', '-'], 'Hello world', 'program')).toEqual(tokenized);
    expect(await json(['tokenize', '--file', file('hello.txt', 'Hello world')])).toEqual(tokenized);
    expect(await json(['detokenize', '0,593', '580'])).toEqual(tokenized);
    expect(await json(['tokenize', 'Hello<EOS>', '--special', '--no-bos'])).toMatchObject({ ids: [593, 1] });
    expect(await json(['detokenize', '593', '1', '--special'])).toMatchObject({ text: 'Hello <EOS>' });
    expect((await tokenscope(['tokenize', 'Hello 日本'])).out).toMatch(
      /Hello +"Hello"\n.*"日本"\n3 tokens, 1 not in the vocabulary/,
    );
    expect((await tokenscope(['detokenize', '593', '580'])).out).toBe('Hello world\n');
  });

  it('answer each line with a line', async () => {
    const fixture = new URL('../../../engine/fixtures/tokenizer-golden.json', import.meta.url);
    const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as {
      cases: { text: string; ids: number[]; ids_bos: number[]; decoded: string; decoded_skip: string }[];
    };
    const lines = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown);
    const texts = cases.map(({ text }) => `${JSON.stringify(text)}\n`).join('');
    const tokenized = await tokenscope(['tokenize', '--jsonl'], texts);
    expect(lines(tokenized.out)).toEqual(
      cases.map(({ text, ids_bos }) => ({ text, ids: ids_bos, pieces: expect.any(Array) })),
    );
    const ids = cases.map((golden) => `${JSON.stringify(golden.ids)}\n`).join('');
    const decoded = await tokenscope(['detokenize', '--jsonl', '--special'], ids);
    expect(lines(decoded.out)).toMatchObject(cases.map((golden) => ({ text: golden.decoded })));
  });

  it('answer an invalid line with its error and continue', async () => {
    const { code, out } = await program(['tokenize', '--jsonl', '--no-bos'], '"cat"\n5\n{\n"cat"\n');
    const [first, second, third, fourth] = out.split('\n').map((line) => (line === '' ? null : JSON.parse(line)));
    expect(code).toBe(2);
    expect(first).toEqual(fourth);
    expect([second, third]).toMatchObject([{ error: { code: 'BAD_REQUEST' } }, { error: { code: 'BAD_REQUEST' } }]);
    const bad = await tokenscope(['detokenize', '--jsonl'], '[8000]\n["x"]\n');
    expect(bad.code).toBe(1);
    expect(bad.out.match(/BAD_REQUEST/g)).toHaveLength(2);
  });
});

describe('score', () => {
  it('has a value for every position', async () => {
    const score = (await json(['score', 'The cat sat on the mat.', '--top', '3'])) as Record<string, unknown[]>;
    expect(Object.keys(score)).toEqual(['ids', 'logprobs', 'ranks', 'entropies', 'top', 'perplexity']);
    const tokens = score['ids']!.length;
    expect([score['logprobs']!.length, score['ranks']!.length]).toEqual([tokens - 1, tokens - 1]);
    expect([score['entropies']!.length, score['top']!.length]).toEqual([tokens, tokens]);
    expect(await json(['score', '--ids', '0,593,580'])).toMatchObject({ ids: [0, 593, 580] });
    expect((await tokenscope(['score', 'Hello world'])).out).toMatch(/perplexity \d/);
  });
});

describe('inspect', () => {
  it('shows ten steps, and all numbers as JSON', async () => {
    const text = (await tokenscope(['inspect', 'Hello world', '--greedy'])).out;
    expect(text.match(/^Step \d+\. /gm)).toHaveLength(10);
    expect(text).toContain('"! How are you?"');
    expect(await json(['inspect', 'Hello world', '--greedy'])).toMatchObject({
      prompt: { ids: [0, 593, 580] },
      layers: [{ attention: { shape: [4, 3, 3] } }, { feedForwardHidden: { shape: [3, 256] } }],
      logits: { shape: [8000] },
      sampling: { chosen: { piece: '!' } },
      reply: { text: '! How are you?' },
    });
  });
});

describe('inspect with parts off', () => {
  const off = ['--off', 'head:0.3', '--off', 'ffn:1', '--off', 'positions', '--off', 'causal-mask'];

  it('explains the first token of what such a run generates', async () => {
    const found = await json(['inspect', 'Hello world', '--greedy', ...off, '--attribute', '--lens']);
    const { attribution, lens, sampling, logits, reply } = found as Inspection;
    const logit = logits.values[sampling.chosen.id]!;
    const sum = attribution!.reduce((total, { value }) => total + value, 0);
    expect(Math.abs(sum - logit)).toBeLessThan(1e-3 * Math.abs(logit));
    const partOf = (name: string) => attribution!.find(({ part }) => part === name)!.value;
    for (const part of ['attn:0.3', 'ffn:1', 'position']) expect(partOf(part)).toBeCloseTo(0, 6);
    expect(lens!.map(({ layer }) => layer)).toEqual([0, 1]);
    expect(lens![1]!.top[0]!.id).toBe(logits.values.indexOf(Math.max(...logits.values)));
    expect(reply.ids[0]).toBe(sampling.chosen.id);
    // The model itself is unchanged.
    expect(await json(['inspect', 'Hello world', '--greedy'])).toMatchObject({ reply: { text: '! How are you?' } });
    const text = (await tokenscope(['inspect', 'Hello world', '--greedy', ...off, '--attribute', '--lens'])).out;
    expect(text).toContain('Off: head:0.3, ffn:1, positions, causal-mask');
    expect(text).toMatch(/Attribution: parts of the logit of .*attn:1\.\d.*Logit lens/s);
  });

  it.each([
    ['head:0.4', /There is no head 4 in layer 0\. Each layer has 4 heads: 0 to 3\./],
    ['ffn:2', /There is no layer 2\. The model has 2 layers: 0 to 1\./],
    ['head:1', /Expected head:LAYER\.HEAD, attention:LAYER, ffn:LAYER, positions or causal-mask/],
  ])('refuses %s with what there is', async (part, message) => {
    const { code, err } = await program(['inspect', 'Hello', '--off', part]);
    expect(err).toMatch(message);
    expect(code).not.toBe(0);
  });
});

describe('models, help and version', () => {
  it('list what is available', async () => {
    expect(await json(['models'])).toMatchObject([{ id: 'tiny-transformer', isDefault: true }]);
    expect((await tokenscope(['models'])).out).toMatch(/tiny-transformer .* default/);
    expect((await tokenscope(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    const help = await program(['--help']);
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toContain('Exit codes: 0 success, 1 error, 2 wrong usage, 130 stopped');
  });
});

/** Each loads the model: the full run has them all. */
const ENGINE_ERRORS: readonly [what: string, args: string[], code: string][] = [
  ['a model that is not there', ['run', 'a', '--model', 'gpt-9'], 'MODEL_NOT_FOUND'],
  ['a model outside the folder', ['run', 'a', '--model', '../models'], 'MODEL_NOT_FOUND'],
  ['an absurd probability', ['run', 'a', '--top-p', '7'], 'BAD_REQUEST'],
  ['an absurd temperature', ['run', 'a', '--temperature', '1e300'], 'BAD_REQUEST'],
  ['an absurd seed', ['run', 'a', '--seed', '4294967296'], 'BAD_REQUEST'],
  ['an id outside the vocabulary', ['detokenize', '8000'], 'BAD_REQUEST'],
  ['too many candidates', ['score', 'a', '--top', '1000'], 'BAD_REQUEST'],
];

describe('bad input', () => {
  it.each<[string, string[], RegExp]>([
    ['no command', [], /^Usage:/],
    ['an unknown command', ['rum'], /unknown command 'rum'\n\(Did you mean run\?\)/],
    ['an unknown flag', ['run', 'a', '--tpo', '5'], /unknown option '--tpo'/],
    ['no text', ['run'], /Pass a text/],
    ['two texts', ['score', 'a', '--file', 'b'], /not both/],
    ['a text and ids', ['run', 'a', '--ids', '1'], /not both/],
    ['NaN', ['run', 'a', '--temperature', 'NaN'], /--temperature <t>' argument 'NaN' is invalid/],
    ['an infinite number', ['run', 'a', '--top-p', '1e999'], /--top-p/],
    ['a negative count', ['run', 'a', '--max-tokens', '-1'], /--max-tokens/],
    ['a broken bias', ['run', 'a', '--logit-bias', '5'], /ID=BIAS/],
    ['an unknown executor', ['run', 'a', '--executor', 'gpu'], /Allowed choices are wasm, webgpu, reference/],
    [
      'too many threads',
      ['bench', 'a', '--threads', '5000'],
      /'5000' is invalid. Expected a whole number from 1 to 64/,
    ],
    ['no ids', ['detokenize'], /Pass token ids/],
    ['words for ids', ['detokenize', 'cat'], /Expected token ids/],
    ['a file that is not there', ['run', '--file', '/no/such/file'], /Cannot read/],
    ['a folder for a file', ['run', '--file', tmpdir()], /Cannot read/],
  ])('%s is a usage error', async (_, args, message) => {
    const { code, out, err } = await tokenscope(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(err).not.toMatch(/^ +at /m);
  });

  it.each(isFull ? ENGINE_ERRORS : ENGINE_ERRORS.slice(0, 3))('%s is an engine error', async (_, args, errorCode) => {
    const { code, out, err } = await tokenscope([...args, '--json']);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(JSON.parse(err)).toMatchObject({ error: { code: errorCode, message: expect.any(String) } });
  });

  it('names the available models', async () => {
    const { code, err } = await program(['run', 'a', '--model', 'gpt-9']);
    expect(code).toBe(1);
    expect(err).toBe('tokenscope: There is no model "gpt-9". Models: tiny-transformer.\n');
  });

  it('bytes that are not text are refused', async () => {
    const { code, err } = await program(['tokenize', '-'], Uint8Array.of(0xff, 0xfe));
    expect(code).toBe(2);
    expect(err).toContain('standard input is not UTF-8 text');
  });
});
