import { beforeEach, expect, it } from 'vitest';
import type { AppServices, ModelListing, ModelVerification } from '../../../src-main/protocol/app/app-services.ts';
import { FileChecks } from './file-check.svelte.ts';

const MODEL = {
  id: 'story',
  path: '/models/story.gguf',
  fileBytes: 100,
  state: 'ok',
  addedAt: '2026-01-01T00:00:00.000Z',
  lastUsedAt: null,
} as ModelListing;

let listed: ModelListing;
let checks: FileChecks;
let verify: (result: ModelVerification) => void;
const result: ModelVerification = {
  sha256: 'a',
  expected: 'a',
  expectedFrom: 'recorded',
  matches: true,
  text: 'The file is intact.',
};

beforeEach(() => {
  listed = MODEL;
  const invoke = () => new Promise<ModelVerification>((resolve) => (verify = resolve));
  checks = new FileChecks({ invoke } as unknown as AppServices, async () => listed);
});

async function check(): Promise<void> {
  const checking = checks.run('story');
  await new Promise((resolve) => setTimeout(resolve));
  verify(result);
  await checking;
}

it('shows the result of a file until the file is another one', async () => {
  expect(checks.of(MODEL)).toBeNull();
  await check();
  expect(checks.of({ ...MODEL, lastUsedAt: '2026-02-01T00:00:00.000Z' })).toEqual({ state: 'done', result });
  const others: Partial<ModelListing>[] = [
    { fileBytes: 101 },
    { path: '/models/other.gguf' },
    { state: 'changed' },
    { addedAt: '2026-02-01T00:00:00.000Z' },
  ];
  for (const other of others) expect(checks.of({ ...MODEL, ...other })).toBeNull();
});

it('forgets the result when a changed file of the same size is accepted', async () => {
  await check();
  checks.forget('story');
  expect(checks.of(MODEL)).toBeNull();
});

it('looks again before a check, so that the result of a file that was just replaced is shown', async () => {
  listed = { ...MODEL, state: 'changed' };
  await check();
  expect(checks.of(listed)).toMatchObject({ state: 'done' });
  expect(checks.of(MODEL)).toBeNull();
});

it('shows a running check whatever becomes of the file', async () => {
  const checking = checks.run('story');
  checks.take({ type: 'verify', modelId: 'story', bytes: 5, totalBytes: 10 });
  expect(checks.of({ ...MODEL, fileBytes: 101 })).toEqual({ state: 'running', bytes: 5, totalBytes: 10 });
  await new Promise((resolve) => setTimeout(resolve));
  verify(result);
  await checking;
  expect(checks.of({ ...MODEL, fileBytes: 101 })).toBeNull();
});
