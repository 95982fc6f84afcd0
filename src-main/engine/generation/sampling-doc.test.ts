/** The numbers of docs/sampling.md are those of the built-in model. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { defaultGenerateParams } from '../api/defaults.ts';
import type { SamplingParams, SamplingPreview } from '../api/types.ts';
import type { InferenceEngine } from '../index.ts';
import { kernelPlatform, reply, tinyEngine } from '../test-support/tiny-engine.ts';

const page = readFileSync(new URL('../../../docs/sampling.md', import.meta.url), 'utf8');
const OFF: Partial<SamplingParams> = { topK: 0, topP: 1, minP: 0, temperature: 1 };

let engine: InferenceEngine;
/** `!`, the first token of every reply here. */
let first: number[];
beforeAll(async () => {
  engine = await tinyEngine(kernelPlatform());
  first = (await draw({}, [])).draw!.rows.slice(0, 1).map(({ id }) => id);
});

function params(change: Partial<SamplingParams>, seed = 42) {
  const defaults = defaultGenerateParams({ kind: 'text', text: 'Hello world' });
  return { ...defaults, sampling: { ...defaults.sampling, seed, ...change }, topCandidates: 10 };
}

function draw(change: Partial<SamplingParams>, before = first): Promise<SamplingPreview> {
  return engine.preview({ ...params(change), reply: before });
}

/** A reply as in the pictures of Compare. */
function pictured(change: Partial<SamplingParams>, seed: number) {
  const request = params({ ...OFF, ...change }, seed);
  return reply(engine, { ...request, stop: { ...request.stop, maxTokens: 40 } });
}

/** The rows of the table below a heading, without its head. */
function tableBelow(heading: string): string[][] {
  const section = page.slice(page.indexOf(`\n## ${heading}\n`) + 1);
  const lines = section.split('\n').filter((line, at, all) => {
    const end = all.findIndex((other, later) => later > 0 && other.startsWith('## '));
    return line.startsWith('|') && (end === -1 || at < end);
  });
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

const percent = (fraction: number) => `${(fraction * 100).toFixed(fraction < 0.01 ? 2 : 1)} %`;

/** Texts of the probabilities of the candidates with these pieces. */
async function shares(change: Partial<SamplingParams>, pieces: readonly string[]): Promise<(string | null)[]> {
  const { draw: report } = await draw(change);
  return pieces.map((piece) => {
    const after = report!.rows.find((row) => row.piece === piece)!.stages.at(-1);
    return after ? percent(after.probability) : null;
  });
}

async function expectColumn(heading: string, column: number, change: Partial<SamplingParams>): Promise<void> {
  const rows = tableBelow(heading);
  expect(rows.length).toBeGreaterThan(3);
  const expected = await shares(
    change,
    rows.map(([piece]) => piece),
  );
  const cells = rows.map((row) => row[column]);
  expect(cells.map((cell) => (cell.endsWith(' %') && !cell.startsWith('beyond') ? cell : null))).toEqual(expected);
}

describe('docs/sampling.md', () => {
  it('has the logits and probabilities', async () => {
    const { draw: report } = await draw(OFF);
    const rows = tableBelow('Scores');
    expect(rows).toEqual(
      report!.rows.slice(0, rows.length).map(({ piece, logit, logprob }) => {
        return [piece, logit.toFixed(2), percent(Math.exp(logprob))];
      }),
    );
    const one = await draw(OFF, []);
    expect(percent(one.draw!.probability)).toBe('99.9 %');
  });

  it('has the random numbers', async () => {
    expect((await draw(OFF, [])).draw!.random?.toFixed(4)).toBe('0.7965');
    expect((await draw(OFF)).draw!.random?.toFixed(4)).toBe('0.1834');
  });

  it.each<[string, number, Partial<SamplingParams>]>([
    ['Temperature', 1, { temperature: 0.7 }],
    ['Temperature', 2, {}],
    ['Temperature', 3, { temperature: 1.5 }],
    ['Top-k', 1, {}],
    ['Top-k', 2, { topK: 3 }],
    ['Top-p', 1, {}],
    ['Top-p', 3, { topP: 0.9 }],
  ])('%s, column %i', (heading, column, change) => expectColumn(heading, column, { ...OFF, ...change }));

  it('has the sums of top-p', async () => {
    const { draw: report } = await draw(OFF);
    let sum = 0;
    const sums = report!.rows.map(({ logprob }) => percent((sum += Math.exp(logprob))));
    const cells = tableBelow('Top-p').map((row) => row[2]);
    expect(cells).toEqual(sums.slice(0, cells.length));
  });

  it('has the chain of the defaults', async () => {
    const { stages, draw: report } = await draw({});
    const at = (stage: string) => stages.findIndex((one) => one.stage === stage);
    const row = (piece: string) => report!.rows.find((one) => one.piece === piece)!;
    const rows = tableBelow('Together');
    const names = ['top_k', 'top_p', 'min_p', 'temperature'];
    expect(rows.slice(1).map((cells) => cells.slice(1))).toEqual(
      names.map((name) => [
        String(stages[at(name)].survivors),
        percent(row('How').stages[at(name)]!.probability),
        percent(row('It').stages[at(name)]!.probability),
      ]),
    );
    expect(rows[0].slice(2)).toEqual([percent(Math.exp(row('How').logprob)), percent(Math.exp(row('It').logprob))]);
    expect(report).toMatchObject({ piece: 'How' });
    expect(report!.line[0].to.toFixed(3)).toBe('0.347');
  });

  it.each<[string, Partial<SamplingParams>, string]>([
    ['nothing', {}, 'It'],
    ['greedy', { temperature: 0 }, 'How'],
    ['top-k 3', { topK: 3 }, 'How'],
    ['top-p 0.9', { topP: 0.9 }, 'How'],
    ['min-p 0.05', { minP: 0.05 }, 'It'],
  ])('says what is drawn after %s', async (_, change, piece) => {
    expect((await draw({ ...OFF, ...change })).draw!.piece).toBe(piece);
  });

  it('says how many survive min-p and top-p', async () => {
    expect((await draw({ ...OFF, minP: 0.05 })).survivors).toBe(6);
    expect((await draw({ ...OFF, topP: 0.9 })).survivors).toBe(6);
    expect((await draw({ ...OFF, topP: 0.9 }, [])).survivors).toBe(1);
    expect((await draw({ ...OFF, topK: 3 })).survivors).toBe(3);
  });

  const reachesLimit = 40;
  const hot = { temperature: 1.5 };
  it.each<[string, Partial<SamplingParams>, number, string, number]>([
    ['From', { temperature: 0 }, 42, '1.32', 18],
    ['From', { topK: 3 }, 42, '1.31', 19],
    ['From', { temperature: 0.7 }, 42, '1.35', 19],
    ['From', hot, 42, '8.59', 18],
    ['Temperature', { temperature: 0.7 }, 1, '1.50', 13],
    ['Temperature', {}, 1, '1.83', reachesLimit],
    ['Temperature', hot, 1, '214.94', reachesLimit],
    ['Greedy', { temperature: 0 }, 1, '1.32', 18],
    ['Greedy', {}, 42, '1.71', reachesLimit],
    ['Greedy', {}, 1, '1.83', reachesLimit],
    ['Top-k', {}, 42, '1.71', reachesLimit],
    ['Top-k', { topK: 40 }, 42, '1.68', reachesLimit],
    ['Top-k', { topK: 3 }, 42, '1.31', 19],
    ['Top-p', {}, 42, '1.71', reachesLimit],
    ['Top-p', { topP: 0.9 }, 42, '1.50', reachesLimit],
    ['Top-p', { topP: 0.5 }, 42, '1.32', 18],
    ['Min-p', hot, 42, '8.59', 18],
    ['Min-p', { ...hot, minP: 0.05 }, 42, '1.63', reachesLimit],
    ['Min-p', { ...hot, minP: 0.2 }, 42, '1.35', 19],
  ])('%s has the perplexity of %o with seed %i', async (heading, change, seed, perplexity, length) => {
    const { tokens } = await pictured(change, seed);
    const mean = tokens.reduce((sum, { logprob }) => sum + logprob, 0) / tokens.length;
    expect(Math.exp(-mean).toFixed(2)).toBe(perplexity);
    expect(tokens).toHaveLength(length);
    const start = heading === 'From' ? 0 : page.indexOf(`\n## ${heading}\n`);
    expect(page.slice(start, page.indexOf('\n## ', start + 1))).toContain(perplexity);
  });

  it('says what else the pictures show', async () => {
    const idsOf = async (change: Partial<SamplingParams>, seed: number) =>
      (await pictured(change, seed)).tokens.map(({ id }) => id);
    const [greedy, warm, hottest] = await Promise.all([
      idsOf({ temperature: 0 }, 42),
      idsOf({ temperature: 0.7 }, 42),
      idsOf(hot, 42),
    ]);
    expect(warm.findIndex((id, at) => id !== hottest[at])).toBe(13);
    expect(await idsOf({ temperature: 0 }, 1)).toEqual(greedy);
    expect(await idsOf({ topP: 0.5 }, 42)).toEqual(greedy);
    for (const seed of [42, 1]) expect((await idsOf({}, seed)).findIndex((id, at) => id !== greedy[at])).toBe(1);
    const texts = async (change: Partial<SamplingParams>) =>
      (await pictured(change, 42)).tokens.map(({ text }) => text.trim());
    expect((await texts(hot)).join(' ')).toMatch(/, tongue and tasty !$/);
    expect([(await texts({ topK: 40 }))[1], (await texts({}))[1]]).toEqual(['How', 'It']);
    const [{ piece, logprob }] = (await pictured(hot, 1)).tokens;
    expect([piece, (-logprob / Math.LN2).toFixed(1)]).toEqual(['powerful', '25.0']);
  });

  it('quotes replies', async () => {
    const begins = async (change: Partial<SamplingParams>, seed: number) =>
      (await reply(engine, { ...params({ ...OFF, ...change }, seed), stop: { ...params({}).stop, maxTokens: 12 } })).end
        .text;
    expect(await begins({}, 42)).toMatch(/^! It is nice to meet you!/);
    expect(await begins({ temperature: 1.5 }, 1)).toMatch(/^powerful grabs! marriage\./);
    expect(await begins({ temperature: 0 }, 1)).toMatch(/^! How are you\? I am very well, thank you/);
  });
});
