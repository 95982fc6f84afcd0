import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { EngineError } from '../../../engine/api/errors.ts';
import type { ModelListing } from '../app-services.ts';
import { storedComparison as storedComparisonSchema } from './comparison-schemas.ts';
import { AT, laneReply, storedComparison } from './test-support/comparisons.ts';
import {
  fileModels,
  matchingModel,
  MAX_TOKENSCOPE_BYTES,
  readTokenscopeFile,
  tokenscopeFile,
  withModels,
  type FileModel,
} from './tokenscope-file.ts';
import { blindVote } from './votes.ts';

const HASH = 'ab'.repeat(32);
const AS = { id: 'new-run', now: '2026-02-03T00:00:00.000Z' };
const model: FileModel = { id: 'tiny-transformer', name: 'TinyTransformer', bytes: 9_820_000, sha256: HASH };

function listing(changes: Partial<ModelListing> = {}): ModelListing {
  return {
    id: model.id,
    name: model.name,
    builtIn: false,
    source: 'file',
    fileBytes: 9_820_000,
    path: '/models/tiny.gguf',
    description: null,
    cannot: null,
    license: null,
    state: 'ok',
    stateText: null,
    problem: null,
    catalogueId: null,
    sha256: HASH,
    addedAt: null,
    lastUsedAt: null,
    measured: [],
    ...changes,
  };
}

function exported(comparison = storedComparison()): string {
  return tokenscopeFile(comparison, { app: '1.0.0', exportedAt: AT, models: [model] });
}

test('a file is read back as a new run, with everything but the votes', () => {
  const run = storedComparison({ revision: 4, pinned: 1 });
  run.votes = [blindVote(run.lanes, 0, AT)];
  const texts = ['<script>alert(1)</script>', '\u202e"\\\n', '\ud83d', '\ude00', '__proto__'];
  run.lanes[0]!.replies = [laneReply(texts)];
  const { comparison, models } = readTokenscopeFile(exported(run), 'run.tokenscope', AS);
  expect(comparison).toEqual({ ...run, id: 'new-run', updatedAt: AS.now, revision: 0, votes: [] });
  expect(models).toEqual([model]);
});

describe('a file that is', () => {
  const edited = (change: (file: Record<string, unknown>) => unknown) =>
    JSON.stringify(change(JSON.parse(exported()) as Record<string, unknown>));
  const withRun = (run: object) =>
    edited((file) => ({ ...file, comparison: { ...(file.comparison as object), ...run } }));
  test.each<[string, string, string]>([
    ['empty', '', 'is not a .tokenscope file, or it is damaged. Export the run again.'],
    ['cut', exported().slice(0, -20), 'is not a .tokenscope file'],
    ['other JSON', '[1, 2]', 'is not a .tokenscope file'],
    ['null', 'null', 'is not a .tokenscope file'],
    ['deeply nested', '['.repeat(200_000), 'is not a .tokenscope file'],
    ['of another program', '{"format":"other"}', 'is not a .tokenscope file'],
    ['of a later version', edited((file) => ({ ...file, version: 2 })), 'was written by a newer version'],
    ['without a version', edited((file) => ({ ...file, version: '1' })), 'invalid value in version'],
    ['with a path as model', edited((file) => ({ ...file, models: [{ ...model, path: '/etc' }] })), 'in models.0.path'],
    ['with a wrong hash', edited((file) => ({ ...file, models: [{ ...model, sha256: 'x' }] })), 'Expected a SHA-256'],
    ['without a run', edited(({ comparison: _, ...file }) => file), 'invalid value in comparison'],
    ['without lanes', withRun({ lanes: [] }), 'invalid value in comparison.lanes'],
    ['with a path as id', withRun({ id: '../x' }), 'invalid value in comparison.id'],
    ['with other keys', withRun({ run: 'rm -rf' }), 'invalid value in comparison.run'],
    ['with lengths that do not fit', exported().replace('" there was', '" here was'), 'Expected lengths'],
    ['with a run beyond its tokens', exported().replace('"runStart":0', '"runStart":9e15'), 'Expected a run'],
    ['with infinite numbers', exported().replace('-0.25', '-1e999'), 'Expected columns of numbers'],
  ])('%s is refused with a message', (_, text, message) => {
    let refused: unknown;
    try {
      readTokenscopeFile(text, 'run.tokenscope', AS);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(EngineError);
    expect(refused).toMatchObject({ code: 'BAD_REQUEST' });
    expect((refused as EngineError).message).toContain('“run.tokenscope”');
    expect((refused as EngineError).message).toContain(message);
  });

  test('too large is refused before it is parsed', () => {
    const text = 'x'.repeat(MAX_TOKENSCOPE_BYTES + 1);
    expect(() => readTokenscopeFile(text, 'a'.repeat(300), AS)).toThrow(/^“a{100}…” has 68\sMB, but a \.tokenscope/);
  });
});

test('a prototype in a file is ignored', () => {
  const text = exported().replaceAll('"title"', '"__proto__":{"polluted":1},"title"');
  const { comparison } = readTokenscopeFile(text, 'run.tokenscope', AS);
  expect(Reflect.get(comparison, 'polluted')).toBeUndefined();
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
});

test.each([
  ['2026-01-02T03:04:05.678Z', '2026-01-02T03:04:05.678Z'],
  ['2026-01-02 03:04:05+02:00', '2026-01-02T01:04:05.000Z'],
  // In the future; in a time zone that is not understood; before the year 0.
  ['2027-06-01T00:00:00.000Z', AS.now],
  ['9999-12-31T23:59:59.999Z', AS.now],
  ['2999-02-31 00:00:00Z', AS.now],
  ['2999-01-01T00:00:00+05', AS.now],
  ['0000-01-01T00:00:00+05:00', AS.now],
])('a run that a file dates %s was created %s', (createdAt, expected) => {
  const { comparison } = readTokenscopeFile(exported(storedComparison({ createdAt })), 'run.tokenscope', AS);
  expect(comparison.createdAt).toBe(expected);
  expect(v.safeParse(storedComparisonSchema, comparison).success).toBe(true);
});

test('models are described by the library', () => {
  expect(fileModels(storedComparison(), [listing()])).toEqual([model]);
  expect(fileModels(storedComparison(), [listing({ fileBytes: 0, sha256: null })])).toEqual([
    { ...model, bytes: null, sha256: null },
  ]);
  expect(fileModels(storedComparison(), [])).toMatchObject([{ bytes: null, sha256: null }]);
});

test('a model is matched by hash, then by name and size, then by name', () => {
  const renamed = listing({ id: 'other', name: 'Renamed' });
  const unknown = listing({ sha256: null });
  const changed = listing({ sha256: 'cd'.repeat(32) });
  expect(matchingModel(model, [unknown, renamed])).toEqual({ listing: renamed, by: 'sha256' });
  expect(matchingModel(model, [changed, unknown])).toEqual({ listing: unknown, by: 'size' });
  expect(matchingModel(model, [changed])).toEqual({ listing: changed, by: 'name' });
  expect(matchingModel({ ...model, sha256: null }, [listing({ id: 'x', name: 'y' })])).toBeNull();
});

test('the lanes’ models can be replaced', () => {
  const local = { id: 'local', name: 'Local', isSame: true };
  const run = withModels(storedComparison(), new Map([['tiny-transformer', local]]));
  expect(run.lanes.map(({ settings }) => [settings.modelId, settings.modelName])).toEqual([
    ['local', 'Local'],
    ['local', 'Local'],
  ]);
  const modelsOf = ({ lanes }: typeof run) => lanes.flatMap(({ replies }) => replies.map(({ facts }) => facts.modelId));
  expect(modelsOf(run)).toEqual(['local', 'local', 'local']);
  // Token ids of another file may mean something else.
  const similar = withModels(storedComparison(), new Map([['tiny-transformer', { ...local, isSame: false }]]));
  expect(similar.lanes[0]?.settings.modelId).toBe('local');
  expect(modelsOf(similar)).toEqual(['tiny-transformer', 'tiny-transformer', 'tiny-transformer']);
  expect(withModels(storedComparison(), new Map())).toEqual(storedComparison());
});
