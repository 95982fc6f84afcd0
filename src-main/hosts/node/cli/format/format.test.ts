import { describe, expect, it } from 'vitest';
import type {
  GenerateEnd,
  GenerateStart,
  Inspection,
  ModelInfo,
  TokenPiece,
  TappedTensor,
} from '../../../../engine/api/types.ts';
import type { Download } from '../../../../protocol/app/downloads.ts';
import { formatAttention } from './attention.ts';
import { displayWidth } from './display-width.ts';
import { formatDownload } from './download-progress.ts';
import { formatInspection } from './inspection.ts';
import { formatBytes, formatCount, formatMs, formatPercent, formatVector } from './numbers.ts';
import { formatProfile } from './profile.ts';
import { formatScore } from './score.ts';
import { formatStatistics } from './statistics.ts';
import { elide, formatTable, indent } from './table.ts';
import { formatTokens } from './tokens.ts';

const token = (id: number, piece: string, range: [number, number] | null): TokenPiece => ({
  id,
  piece,
  bytes: [...Buffer.from(piece)],
  kind: piece.startsWith('<') ? 'control' : 'normal',
  range,
  special: piece.startsWith('<'),
  unknown: piece === '<UNK>',
});

const tensor = (name: string, shape: number[]): TappedTensor => ({
  name,
  shape,
  values: Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i / 100),
});

describe('numbers', () => {
  it('are short and have their unit', () => {
    expect([0, 0.00001, 0.005, 0.145, 1].map(formatPercent)).toEqual([
      '0.00 %',
      '<0.01 %',
      '0.50 %',
      '14.5 %',
      '100.0 %',
    ]);
    expect([1.234, 123.4, 12_345].map(formatMs)).toEqual(['1.2 ms', '123 ms', '12.3 s']);
    expect([999, 9_974_170, 2e13].map(formatBytes)).toEqual(['999 B', '10.0 MB', '20.0 TB']);
    expect([formatCount(1, 'token'), formatCount(2000, 'token')]).toEqual(['1 token', '2,000 tokens']);
  });

  it('in a vector are reduced to the first and the last', () => {
    expect(formatVector([1, -2])).toBe('[  1.000  -2.000 ]');
    expect(formatVector([1, 2, 3, 4, 5], 3)).toBe('[  1.000   2.000 …   5.000 ]');
  });
});

describe('tables', () => {
  it('accept as many rows as a long text has tokens', () => {
    const rows = Array.from({ length: 200_000 }, (_, i) => [String(i)]);
    expect(
      formatTable([{ title: 'position', align: 'right' }], rows)
        .split('\n')
        .at(-1),
    ).toBe('  199999');
  });

  it('align columns by characters', () => {
    const columns = [{ title: 'id', align: 'right' as const }, { title: 'piece' }];
    expect(
      formatTable(columns, [
        ['5', '😀'],
        ['1234', 'cat'],
      ]),
    ).toBe('  id  piece\n   5  😀\n1234  cat');
    expect(formatTable([{ title: 'piece' }, { title: 'p' }], [['\n\n', '1']])).toBe('piece  p\n\\n\\n   1');
    expect(formatTable([{ title: '' }], [['a']])).toBe('a');
    expect(indent('a\n\nb')).toBe('  a\n\n  b');
  });

  it('show control characters as escapes, also in titles', () => {
    expect(formatTable([{ title: '\n' }], [['\u001b[2J\u007f\u009b']])).toBe('\\n\n\\u001b[2J\\u007f\\u009b');
  });

  it('omit the middle if that saves space', () => {
    expect(elide(4, 1, 2)).toEqual([0, 1, 2, 3]);
    expect(elide(6, 1, 2)).toEqual([0, null, 4, 5]);
  });
});

describe('the width of a text', () => {
  it('is two columns per wide character, in all planes', () => {
    expect(['a', 'é', 'e\u0301', '日', '😀', '\u{20000}', '\u{3134a}'].map(displayWidth)).toEqual([
      1, 1, 1, 2, 2, 2, 2,
    ]);
  });
});

describe('tokens', () => {
  it('show their part of the text and count the unknown ones', () => {
    const tokens = [token(0, '<BOS>', null), token(9, 'cat', [0, 3]), token(2, '<UNK>', [4, 6])];
    expect(formatTokens('cat 日本', tokens)).toBe(
      [
        'position  id  piece  text',
        '       0   0  <BOS>',
        '       1   9  cat    "cat"',
        '       2   2  <UNK>  "日本"',
        '3 tokens, 1 not in the vocabulary',
      ].join('\n'),
    );
  });
});

describe('a score', () => {
  it('compares each token with the best one', () => {
    const score = {
      ids: [0, 5],
      logprobs: [Math.log(0.25)],
      ranks: [2],
      entropies: [1, 2],
      top: [[[6, Math.log(0.5)]], [[7, -1]]] as [number, number][][],
      perplexity: 4,
    };
    const pieces = new Map([
      [0, '<BOS>'],
      [5, 'cat'],
      [6, 'dog'],
    ]);
    const lines = formatScore(score, pieces).split('\n');
    expect(lines[2]).toMatch(/^cat +-1\.386 +25\.0 % +2 +dog 50\.0 %$/);
    expect(lines.at(-1)).toBe('2 tokens, perplexity 4.00');
    expect(formatScore({ ...score, ids: [0], logprobs: [], perplexity: null }, pieces)).toContain('too short');
  });
});

describe('statistics', () => {
  const start: GenerateStart = {
    promptIds: [0, 1],
    reusedTokens: 0,
    segments: [],
    notices: [],
    seed: 7,
    executor: 'reference',
    vocabularySize: 8000,
    contextSize: 1000,
  };
  const end: GenerateEnd = {
    ids: [],
    text: '',
    stop: { reason: 'context_full', promptTokens: 1000, contextSize: 1000 },
    timings: {
      loadMs: 1,
      prefillMs: 2,
      timeToFirstTokenMs: null,
      prefillTokensPerSecond: null,
      decodeTokensPerSecond: null,
      totalMs: 3,
    },
    seed: 7,
    contextUsed: 2,
  };

  it('omit what was not measured', () => {
    expect(formatStatistics(start, end)).toBe(
      '0 tokens · prefill of 2 tokens in 2.0 ms · seed 7\nThe prompt fills the context window of 1,000 tokens. There is no room for a reply. (context_full)',
    );
    const timings = { ...end.timings, timeToFirstTokenMs: 12, decodeTokensPerSecond: 123.45 };
    expect(formatStatistics(start, { ...end, ids: [5, 6], timings })).toMatch(
      /^2 tokens · 123\.5 tokens\/s · first token after 12 ms · /,
    );
  });

  it('count the drafted tokens, if there were any', () => {
    const timings = { ...end.timings, speculation: { drafted: 9, accepted: 4 } };
    expect(formatStatistics(start, { ...end, timings })).toContain(' · 4 of 9 drafted tokens accepted · seed 7\n');
  });
});

describe('attention', () => {
  it('is a matrix for a short prompt and the strongest positions for a long one', () => {
    const short = [token(0, '<BOS>', null), token(1, 'cat', null)];
    expect(formatAttention(tensor('attention', [1, 2, 2]), short, true)).toBe(
      ['Head 0  <BOS>    cat', '<BOS>   0.000      ·', 'cat     0.020  0.030'].join('\n'),
    );
    const long = Array.from({ length: 12 }, (_, i) => token(i, `t${i}`, null));
    expect(formatAttention(tensor('attention', [2, 12, 12]), long, true)).toContain('Head 1  t11@11 287.0 %, t10@10');
  });

  it('has all weights without the causal mask', () => {
    const tokens = [token(0, '<BOS>', null), token(1, 'cat', null)];
    expect(formatAttention(tensor('attention', [1, 2, 2]), tokens, false)).toBe(
      ['Head 0  <BOS>    cat', '<BOS>   0.000  0.010', 'cat     0.020  0.030'].join('\n'),
    );
  });
});

describe('an inspection', () => {
  function inspection(tokens: number): Inspection {
    const model = {
      name: 'Tiny',
      parameters: 1000,
      layers: 1,
      heads: 1,
      headDim: 2,
      vocabularySize: 4,
      contextSize: 1000,
      maskedTokenIds: [0],
    } as unknown as ModelInfo;
    const vector = (name: string) => tensor(name, [tokens, 2]);
    const candidate = { id: 3, piece: 'dog', logprob: -0.1, sampledProbability: 0.5 };
    return {
      model,
      prompt: {
        text: 'x'.repeat(tokens),
        ids: Array.from({ length: tokens }, (_, i) => i),
        tokens: Array.from({ length: tokens }, (_, i) => token(i, `t${i}`, [i, i + 1])),
      },
      tokenEmbedding: vector('token'),
      positionEmbedding: vector('position'),
      embedding: vector('sum'),
      layers: [
        {
          index: 0,
          attention: tensor('attention', [1, tokens, tokens]),
          attentionOutput: vector('attention output'),
          feedForwardHidden: tensor('hidden', [tokens, 4]),
          output: vector('output'),
        },
      ],
      logits: tensor('logits', [4]),
      probabilities: [candidate],
      sampling: {
        stages: [
          {
            stage: 'top_k',
            changed: true,
            survivors: 2,
            removed: 2,
            top: [
              [3, 0.5],
              [9, 0.25],
            ],
            topBefore: [0.4, 0.2],
            removedTop: [[1, 0.3]],
            removedMass: 0.4,
          },
        ],
        chosen: candidate,
        seed: 1,
      },
      loop: [{ step: 0, contextTokens: tokens, id: 3, piece: 'dog', text: ' dog', logprob: -0.1 }],
      reply: { ids: [3], text: 'dog', stop: { reason: 'eos', token: null } },
    };
  }
  const pieces = new Map([
    [0, '<BOS>'],
    [3, 'dog'],
  ]);

  it('has ten steps', () => {
    const text = formatInspection(inspection(3), pieces);
    expect([...text.matchAll(/^Step (\d+)\. /gm)].map(([, step]) => Number(step))).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
    expect(text).toContain('Never sampled: <BOS>');
    expect(text).toMatch(/top_k +2 +2 +dog 50\.0 %, #9 25\.0 %/);
    expect(text).toContain('Chosen: dog (id 3), sampled with 50.0 %, seed 1');
    expect(text).toContain('3 vectors of 2 numbers');
    expect(text).toContain('stop    The grammar is complete: nothing may follow. (eos)');
  });

  it('counts layers and heads from 0, as --off, the parts of a logit and the lens do', () => {
    const whole = inspection(3);
    const layers = [0, 1].map((index) => ({ ...whole.layers[0]!, index }));
    const text = formatInspection({ ...whole, layers }, pieces);
    const numbers = (name: RegExp) => [...text.matchAll(name)].map(([, number]) => number);
    expect(numbers(/layer (\d+)/gi)).toEqual(['0', '1', '0', '1', '0', '1']);
    expect(numbers(/head (\d+)/gi)).toEqual(['0', '0']);
  });

  it('lists the units with the largest activations, whatever their sign', () => {
    const whole = inspection(1);
    const feedForwardHidden = { name: 'hidden', shape: [1, 4], values: [0.1, -9, 2, -0.5] };
    const text = formatInspection({ ...whole, layers: [{ ...whole.layers[0]!, feedForwardHidden }] }, pieces);
    expect(text).toContain('strongest units: #1 -9.00, #2 2.00, #3 -0.50, #0 0.10');
  });

  it('does not say that tokens look back only where they do not', () => {
    expect(formatInspection(inspection(3), pieces)).toContain('attends to itself and the tokens before it');
    const unmasked = formatInspection(inspection(3), pieces, [{ kind: 'causal_mask' }]);
    expect(unmasked).toContain('attends to all tokens');
    expect(unmasked).not.toContain('·');
  });

  it('stays short for a long prompt', () => {
    const text = formatInspection(inspection(900), pieces);
    expect(text.split('\n').length).toBeLessThan(150);
    expect(text).toContain('… 891 more …');
  });

  it('works without position vectors and without a reply', () => {
    const bare = { ...inspection(2), positionEmbedding: null, loop: [] };
    const text = formatInspection(bare, pieces);
    expect(text).toContain('encodes positions inside attention');
    expect(text).toContain('The reply is empty.');
  });
});

describe('a download', () => {
  const download: Download = {
    id: 'tiny-1m',
    catalogueId: 'tiny-1m',
    name: 'Tiny 1M',
    url: 'https://hub.invalid/tiny.gguf',
    phase: 'downloading',
    bytes: 500_000,
    totalBytes: 1_000_000,
    rate: 200_000,
    secondsLeft: 3,
    problem: null,
    modelId: null,
    sha256: null,
    hashChecked: false,
  };

  it('is a line that fits: without its bar, and without its end, if it must be', () => {
    const line = 'Tiny 1M  [############............]  50 %  500.0 kB of 1.0 MB  200.0 kB/s  3 s left';
    expect(formatDownload(download)).toBe(line);
    expect(formatDownload(download, line.length)).toBe(line);
    expect(formatDownload(download, line.length - 1)).toBe('Tiny 1M  50 %  500.0 kB of 1.0 MB  200.0 kB/s  3 s left');
    expect(formatDownload({ ...download, name: '日本語' }, 12)).toBe('日本語  50 …');
  });
});

describe('a profile', () => {
  const op = { name: 'attention', calls: 2, ms: 1, waitMs: 1, bytes: 4e6, multiplyAdds: 2e6 };
  const ceiling = { threads: 2, readBytesPerSecond: 4e9, multiplyAddsPerSecond: 1e10 };

  it('compares what threads reach with the limits of the machine', () => {
    const run = { tokens: 1, threads: 2, ms: 4, ops: [op] };
    const lines = formatProfile({ prefill: run, decode: run, ceilings: [ceiling] }).split('\n');
    expect(lines.slice(0, 4)).toEqual([
      'prefill of 1 token, 4.0 ms on 2 threads',
      '  operation  calls    ms  share  waits, ms  GB/s  GMAC/s  of limit',
      '  attention      2  1.00   50 %       1.00   2.0     1.0      50 %',
      '  overhead          2.00   50 %',
    ]);
    expect(lines.at(-1)).toMatch(/^machine limits on 2 threads: 4\.0 GB\/s/);
  });

  it('has no threads on a GPU', () => {
    const run = { tokens: 1, threads: null, ms: 4, ops: [{ ...op, ms: 2, waitMs: 0 }] };
    expect(formatProfile({ prefill: run, decode: run, ceilings: [] }).split('\n').slice(-4)).toEqual([
      'decoding 1 token, 4.0 ms on the GPU',
      '  operation  calls    ms  share  GB/s  GMAC/s',
      '  attention      2  2.00   50 %   2.0     1.0',
      '  overhead          2.00   50 %',
    ]);
  });
});
