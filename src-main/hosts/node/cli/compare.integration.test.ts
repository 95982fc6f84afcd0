/** `compare`, on the built engine. `npm run build` comes first. */
import { describe, expect, it } from 'vitest';
import { CommandLine, until } from '../test-support/command-line.ts';

interface Compared {
  prompt: { ids: number[] };
  prefilledTokens: number;
  lanes: {
    label: string;
    seed: number;
    prompt?: { ids: number[] };
    reply: { ids: number[] };
    divergesAt: number | null;
    perplexity: number;
  }[];
}

interface Scored {
  logprobs: number[];
}

const SETTINGS = ['greedy', 'top-k=40,seed=1', 'temperature=1.5,seed=2'];
const lanes = SETTINGS.flatMap((settings) => ['--lane', settings]);

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';

/** A test has up to seven runs, each of which loads the model. */
const TIMEOUT_MS = 900_000;

const commandLine = new CommandLine();

describe('compare', { timeout: TIMEOUT_MS }, () => {
  it('gives the same replies as each lane alone, with one prefill', async () => {
    const compared = await commandLine.json(['compare', 'Hello world', ...lanes, '--max-tokens', '12'], '', 'program');
    expect(compared).toMatchObject({
      prompt: { ids: [0, 593, 580] },
      prefilledTokens: 3,
      lanes: SETTINGS.map((label) => ({
        label,
        seed: expect.any(Number) as number,
        reply: { ids: expect.any(Array) as number[], text: expect.any(String) as string },
        stop: { reason: expect.any(String) as string },
        perplexity: expect.any(Number) as number,
        decodeTokensPerSecond: expect.any(Number) as number,
      })),
    });
    const { prompt, lanes: replies } = compared as Compared;
    const [first] = replies;
    // The last one is drawn; the full run compares them all.
    for (const { label, reply, divergesAt, perplexity } of isFull ? replies : replies.slice(-1)) {
      const flags = label.split(',').map((setting) => `--${setting}`);
      expect(await commandLine.json(['run', 'Hello world', ...flags, '--max-tokens', '12'])).toMatchObject({ reply });
      const differs = reply.ids.findIndex((id, i) => id !== first!.reply.ids[i]);
      expect(divergesAt).toBe(differs === -1 ? null : differs);
      const { logprobs } = (await commandLine.json(['score', '--ids', [...prompt.ids, ...reply.ids].join()])) as Scored;
      const own = logprobs.slice(prompt.ids.length - 1);
      const mean = own.reduce((sum, logprob) => sum + logprob, 0) / own.length;
      expect(perplexity).toBeCloseTo(Math.exp(-mean), 6);
    }
  });

  it('gives each lane its own system prompt, and computes their common prefix once', async () => {
    const chat = ['Hi', '--chat', '--template', 'plain', '--greedy', '--max-tokens', '6'];
    const texts = ['You are kind and you like dogs.', 'You are kind and you like cats.'];
    const own = texts.flatMap((text) => ['--lane', `system=${text}`]);
    const compared = await commandLine.json(['compare', ...chat, ...own]);
    const { prompt, prefilledTokens, lanes: replies } = compared as Compared;
    const prompts = replies.map((lane) => lane.prompt?.ids ?? prompt.ids);
    for (const [lane, text] of texts.entries()) {
      if (!isFull && lane === 0) continue;
      const { reply } = replies[lane]!;
      const expected = { prompt: { ids: prompts[lane] }, reply: { ids: reply.ids } };
      expect(await commandLine.json(['run', ...chat, '--system', text])).toMatchObject(expected);
    }
    const shared = prompts[0]!.findIndex((id, i) => id !== prompts[1]![i]);
    expect(shared).toBeGreaterThan(3);
    expect(prefilledTokens).toBe(prompts[0]!.length + prompts[1]!.length - shared);
  });

  it('has four lanes by default, which start from the defaults of `run`', async () => {
    const common = ['Hello world', '--seed', '1', '--max-tokens', '5'];
    const { lanes: replies } = (await commandLine.json(['compare', ...common])) as Compared;
    expect(replies.map(({ label }) => label)).toEqual(['greedy', 'top-k=40', 'temperature=0.7', 'temperature=1.5']);
    const { ids } = replies[1]!.reply;
    expect(await commandLine.json(['run', ...common])).toMatchObject({ reply: { ids } });
  });

  it('gives each sample a different seed, in several batches if needed', async () => {
    const lanes = ['--lane', 'seed=5', '--lane', 'temperature=2'];
    const args = ['compare', 'Hello', ...lanes, '--samples', '5', '--max-tokens', '3'];
    const compared = (await commandLine.json(args)) as Compared;
    const seeds = compared.lanes.map(({ seed }) => seed);
    expect(seeds.slice(0, 5)).toEqual([5, 6, 7, 8, 9]);
    expect(new Set(seeds.slice(5)).size).toBe(5);
    expect(compared.lanes.map(({ label }) => label)).toEqual([
      ...Array(5).fill('seed=5'),
      ...Array(5).fill('temperature=2'),
    ]);
  });

  it('prints one lane below the other, and a table', async () => {
    const args = ['compare', 'Hello world', ...lanes, '--max-tokens', '5', '--lane', 'greedy,max-tokens=2'];
    const { code, out, err } = await commandLine.run(args);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^\[greedy\]\n! How are you\?\n\n\[top-k=40,seed=1\]\n/);
    expect(out).toMatch(/\n\nlane +seed +stop .*\n/);
    expect(out).toMatch(/\ngreedy,max-tokens=2 +\d+ +max_tokens +2 .* 2\n/);
    expect(out).toMatch(/\nPrompt: 3 tokens computed for all lanes, 0 reused\.\n$/);
  });

  it('prints lanes side by side if the terminal is wide enough', async () => {
    const args = ['compare', 'Hello world', '--greedy', '--lane', 'max-tokens=5', '--lane', 'max-tokens=3'];
    const { out } = await commandLine.inThisProcess(args, '', 50);
    const rule = '─'.repeat(23);
    expect(out).toMatch(
      new RegExp(`^max-tokens=5 {11} │ max-tokens=3\n${rule} │ ${rule}\n! How are you\\? {9} │ ! How are\n\n`),
    );
    expect((await commandLine.inThisProcess(args, '', 42)).out).toMatch(/^\[max-tokens=5\]\n/);
  });

  it('reports a wrong lane before the model is loaded', async () => {
    const { code, err } = await commandLine.run(['compare', 'Hello', '--lane', 'top-q=4']);
    expect(code).toBe(2);
    expect(err).toContain('--lane "top-q=4": There is no setting "top-q".');
    const many = Array.from({ length: 9 }, () => ['--lane', 'greedy']).flat();
    expect((await commandLine.run(['compare', 'Hello', ...many])).err).toContain(
      'At most 8 lanes are possible, not 9.',
    );
  });

  it('generates the other lanes when one cannot begin', async () => {
    const args = ['compare', 'Hello', '--lane', 'grammar=root ::=', '--lane', 'greedy', '--max-tokens', '2', '--json'];
    const { code, out } = await commandLine.run(args);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      lanes: [
        { reply: { ids: [] }, stop: { reason: 'error' } },
        { stop: { reason: 'max_tokens' }, divergesAt: 0 },
      ],
    });
  });

  it.skipIf(process.platform === 'win32')('stops all lanes and prints their table', async () => {
    const endless = '--ignore-eos --max-tokens 900 --repetition 0 --no-kv-cache --executor reference'.split(' ');
    const lanes = ['--lane', 'greedy', '--lane', 'seed=1'];
    const { child, output, ended } = commandLine.start(['compare', 'Once upon a time', ...lanes, ...endless]);
    await until(() => output.out.length > 20);
    child.kill('SIGINT');
    const { code, out } = await ended;
    expect(code).toBe(130);
    expect(out).toMatch(/\ngreedy +\d+ +user .*\nseed=1 +1 +user /);
  });
});
