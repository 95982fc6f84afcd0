/** `tokenscope chat` and `run --chat` with a small model that has a chat template and recommends sampling. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hfFolderBytes } from '../../../../engine/test-support/hf-fixtures.ts';
import type { CliContext } from '../context.ts';
import { BUILT_ENGINE_WORKER } from '../../test-support/built-engine-worker.ts';
import { Output } from '../output.ts';
import { runCli } from '../program.ts';

let dir: string;
const path = (name: string) => join(dir, name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tokenscope-chat-'));
  await mkdir(path('model'));
  for (const [name, bytes] of Object.entries(hfFolderBytes('llama'))) await writeFile(path(`model/${name}`), bytes);
  await writeFile(path('model/generation_config.json'), JSON.stringify({ temperature: 0.6, top_k: 20 }));
  await writeFile(path('answer.jinja'), '{{ messages | map(attribute="content") | join("|") }}>');
  await writeFile(path('broken.jinja'), 'a\n{% if %}');
});
afterAll(() => rm(dir, { recursive: true }));

function captured() {
  const stream = new PassThrough();
  let text = '';
  stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  return { stream, output: new Output(stream, () => undefined), text: () => text };
}

function start(args: readonly string[], more: Partial<CliContext> = {}) {
  const [out, err, stdin] = [captured(), captured(), new PassThrough()];
  const ended = runCli(args, {
    stdin,
    out: out.output,
    err: err.output,
    signal: new AbortController().signal,
    workerUrl: BUILT_ENGINE_WORKER,
    measurementsPath: path('measurements.json'),
    modelsDir: path('none'),
    ...more,
  });
  return { stdin, out: out.text, err: err.text, ended };
}

async function tokenscope(args: readonly string[], input = '') {
  const { stdin, out, err, ended } = start([...args, '--model', path('model')]);
  stdin.end(input);
  return { code: await ended, out: out(), err: err() };
}

const GREEDY = ['--greedy', '--max-tokens', '8', '--ignore-eos'];
const chat = (input: string, ...args: string[]) => tokenscope(['chat', ...GREEDY, ...args], input);

/** Each question is asked once: starting an engine takes longer than the answer. */
const asked = new Map<string, ReturnType<typeof ask>>();

function answered(...args: string[]) {
  const key = JSON.stringify(args);
  const known = asked.get(key) ?? ask(args);
  asked.set(key, known);
  return known;
}

/** The answer and its number of prompt tokens. */
async function ask(args: readonly string[]) {
  const { code, out, err } = await tokenscope(['run', '--chat', '--json', ...GREEDY, ...args]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const reply = JSON.parse(out) as {
    prompt: { text: string; ids: number[] };
    reply: { text: string };
    notices?: string[];
  };
  return { ...reply, answer: reply.reply.text, tokens: reply.prompt.ids.length };
}

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('run --chat', () => {
  it('formats the question with the chat template, after a system prompt', async () => {
    expect((await answered('Hi')).prompt.text).toBe('<|bos|><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n');
    expect((await answered('Hi', '--system', 'Rhyme.')).prompt.text).toBe(
      '<|bos|><|im_start|>system\nRhyme.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
    );
  });

  it('accepts another template: as text, from a file, or none', async () => {
    const file = ['--template-file', path('answer.jinja')];
    expect((await answered('Hi', '--system', 'S', ...file)).prompt.text).toBe('S|Hi>');
    expect((await answered('Hi', '--template', 'plain')).prompt.text).toBe('User: Hi\nAssistant:');
    const asks = '{{ enable_thinking is defined and not enable_thinking }}';
    expect((await answered('Hi', '--no-think', '--template', asks)).prompt.text).toBe('True');
  });

  it('reports the position of a template error, and an alternative', async () => {
    const { code, err } = await tokenscope(['run', '--chat', 'Hi', '--template-file', path('broken.jinja')]);
    expect(code).toBe(1);
    expect(err).toMatch(/failed at line 2, column \d+: .*You can use the plain template instead/);
  });

  it('uses the sampling settings recommended by the model’s file unless flags override them, with a notice', async () => {
    expect((await answered('Hi')).notices).toEqual([
      'Using sampling settings recommended by the model’s file: top-k 20.',
    ]);
    const { err } = await tokenscope(['run', 'Hi', '--top-k', '5', '--max-tokens', '1']);
    expect(err).toMatch(/^Note: Using sampling settings recommended by the model’s file: temperature 0\.6\.\n/);
  });

  it.each([
    [['run', 'Hi', '--system', 'S'], '--system needs --chat.'],
    [['run', 'Hi', '--no-think'], '--no-think needs --chat.'],
    [['run', 'Hi', '--template-file', '/dev/null'], '--template-file needs --chat.'],
    [['run', '--chat', 'Hi', '--special'], 'cannot be used with --chat'],
    [['run', '--chat', 'Hi', '--template', 'plain', '--template-file', '/dev/null'], 'Use either --template or'],
    [['chat', '--template-file', '/no/such/file'], 'Cannot read'],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await tokenscope(args);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe('inspect', () => {
  it('uses the sampling settings recommended by the model’s file, as run does, with a notice', async () => {
    const args = ['Hi', '--seed', '7', '--max-tokens', '12', '--ignore-eos'];
    const [inspected, reply] = await Promise.all(
      ['inspect', 'run'].map(async (command) => {
        const { code, out, err } = await tokenscope([command, ...args, '--json']);
        expect({ code, err }).toEqual({ code: 0, err: '' });
        return JSON.parse(out) as { reply: { ids: number[] }; notices?: string[] };
      }),
    );
    expect(inspected.reply.ids).toHaveLength(12);
    expect(inspected.reply.ids).toEqual(reply.reply.ids);
    const notice = 'Using sampling settings recommended by the model’s file: temperature 0.6, top-k 20.';
    expect(inspected.notices).toEqual([notice]);
    expect((await tokenscope(['inspect', ...args])).err).toBe(`Note: ${notice}\n`);
    const own = await tokenscope(['inspect', ...args, '--json', '--greedy', '--top-k', '5']);
    expect(JSON.parse(own.out)).not.toHaveProperty('notices');
  });
});

describe('chat with a pipe', () => {
  it('answers each line, with the earlier turns as context', async () => {
    const first = await answered('Hi');
    const { code, out, err } = await chat('Hi\n\nAnd you?\r\n', '--stats');
    expect(code).toBe(0);
    expect(out.startsWith(`${first.answer}\n`)).toBe(true);
    const [one, two] = [...err.matchAll(/prefill of (\d+) tokens/g)].map(([, tokens]) => Number(tokens));
    expect(one).toBe(first.tokens);
    const turns = `<|bos|><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n${first.answer}<|im_end|>\n`;
    const whole = `${turns}<|im_start|>user\nAnd you?<|im_end|>\n<|im_start|>assistant\n`;
    const { out: read } = await tokenscope(['tokenize', '--special', '--json', '--no-bos', whole]);
    expect(two).toBe((JSON.parse(read) as { ids: number[] }).ids.length);
    expect(err).toContain('Note: Using sampling settings recommended by the model’s file: top-k 20.');
  });

  it('executes commands', async () => {
    const plain = await answered('Hi');
    const rhyming = await answered('Hi', '--system', 'Rhyme.');
    const { code, out, err } = await chat('Hi\n/reset\nHi\n/reset\n/system Rhyme.\nHi\n/retry\n/system\n/exit\nHi\n');
    expect(code).toBe(0);
    expect(out).toBe([plain, plain, rhyming, rhyming].map(({ answer }) => `${answer}\n`).join(''));
    expect(err.match(/System: Rhyme\./g)).toHaveLength(2);
  });

  it('replies to commands', async () => {
    const { code, out, err } = await chat('/help\n/retry\n/what\n');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    for (const said of [/\/system TEXT/, /nothing to answer yet/, /Unknown command \/what/]) expect(err).toMatch(said);
  });

  it('accepts a system prompt, messages of several lines, and messages that begin with a slash', async () => {
    const system = ['--system', 'Rhyme.'];
    const answers = await Promise.all(['a\n  b', '/exit'].map((text) => answered(text, ...system)));
    const { out } = await chat('"""\na\n  b\n"""\n/reset\n//exit\n', ...system);
    expect(out).toBe(answers.map(({ answer }) => `${answer}\n`).join(''));
  });

  it('continues after a message without an answer, and exits with an error', async () => {
    const { code, out, err } = await chat(`${'word '.repeat(600)}\nHi\n`);
    expect(code).toBe(1);
    expect(out).toBe(`${(await answered('Hi')).answer}\n`);
    expect(err).toMatch(/tokenscope: The prompt has \d+ tokens, but the context window/);
  });

  it('drops the oldest messages when the window is full, with a notice', async () => {
    const { code, err } = await chat(`${'word '.repeat(60)}\n`.repeat(3));
    expect(code).toBe(0);
    expect(err).toMatch(/Note: the context window is full, so the \d oldest messages were dropped\./);
  });
});

describe('chat in a terminal', () => {
  it('shows a prompt, stops a reply with Ctrl-C, and ends with Ctrl-D', async () => {
    const [input, screen, answers] = [new PassThrough(), captured(), captured()];
    // Slow enough to be stopped.
    const slow = ['--executor', 'reference', '--ignore-eos', '--repetition', '0', '--max-tokens', '900'];
    const { ended } = start(['chat', ...slow], {
      terminal: { input, output: screen.stream },
      err: screen.output,
      out: answers.output,
      modelsDir: fileURLToPath(new URL('../../../../../resources/models', import.meta.url)),
    });
    await until(() => screen.text().includes('> '));
    answers.stream.once('data', () => input.write('\u0003'));
    input.write('Once upon a time\r');
    await until(() => screen.text().includes('Stopped by you'));
    // A cancelled line, a hint on an empty one, a corrected line.
    input.write('half a line\u0003\u0003');
    await until(() => screen.text().includes('Press Ctrl-D or type /exit'));
    input.write('/nopx\u007fe\r');
    await until(() => screen.text().includes('Unknown command /nope'));
    input.write('\u0004');
    expect(await ended).toBe(0);
    expect(screen.text()).toContain('/help lists commands');
    expect(answers.text()).not.toBe('');
  });
});
