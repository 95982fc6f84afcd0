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

  it('quotes replies', async () => {
    const begins = async (change: Partial<SamplingParams>, seed: number) =>
      (await reply(engine, { ...params({ ...OFF, ...change }, seed), stop: { ...params({}).stop, maxTokens: 12 } })).end
        .text;
    expect(await begins({}, 42)).toMatch(/^! It is nice to meet you!/);
    expect(await begins({ temperature: 1.5 }, 1)).toMatch(/^powerful grabs! marriage\./);
    expect(await begins({ temperature: 0 }, 1)).toMatch(/^! How are you\? I am very well, thank you/);
  });
});
