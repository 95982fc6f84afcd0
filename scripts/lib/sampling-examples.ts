/** The pictures of docs/sampling.md: Compare runs one example with different settings, and exports a picture. */
import type { Page } from 'playwright';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ComparePage } from '../../e2e/pages/compare.ts';
import { tokenscopeFile } from '../../src-main/protocol/app/comparisons/tokenscope-file.ts';
import { newLaneSettings } from '../../src-renderer/features/compare/state/lane-settings.ts';
import { samplingOf } from './sampling-text.ts';
import { smallPng } from './small-png.ts';

const PROMPT = 'Hello world';
const MAX_TOKENS = 40;
const MODEL = { id: 'tiny-transformer', name: 'TinyTransformer' };
/** Any time: the run that is exported has its own. */
const AT = '2026-01-01T00:00:00.000Z';

/**
 * Lanes of each picture, with plain sampling and seed 42 unless they say otherwise. The numbers that docs/sampling.md reads
 * from the pictures are compared with the engine by src-main/engine/generation/sampling-doc.test.ts.
 */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  'sampling-guide': ['temperature=0', 'top-k=3', 'temperature=0.7', 'temperature=1.5'],
  'sampling-temperature': ['temperature=0.7 seed=1', 'temperature=1 seed=1', 'temperature=1.5 seed=1'],
  'sampling-greedy': ['temperature=0', 'temperature=0 seed=1', '', 'seed=1'],
  'sampling-top-k': ['', 'top-k=40', 'top-k=3'],
  'sampling-top-p': ['', 'top-p=0.9', 'top-p=0.5'],
  'sampling-min-p': ['temperature=1.5', 'temperature=1.5 min-p=0.05', 'temperature=1.5 min-p=0.2'],
};

/** Saves the pictures in `folder`. */
export async function drawSamplingExamples(page: Page, folder: string): Promise<void> {
  const compare = new ComparePage(page);
  await compare.show();
  for (const [name, lanes] of Object.entries(EXAMPLES)) {
    const path = join(tmpdir(), `${name}.tokenscope`);
    await writeFile(path, runFile(lanes));
    await compare.id('open-runs').click();
    await compare.id('run-file').setInputFiles(path);
    await compare.lanes.nth(lanes.length - 1).waitFor();
    await compare.compare(PROMPT);
    await compare.id('export-menu').click();
    const download = page.waitForEvent('download');
    await compare.id('export-png').click();
    const picture = await readFile(await (await download).path());
    await writeFile(join(folder, `${name}.png`), smallPng(picture));
  }
}

/** A run that has not been run yet. */
function runFile(lanes: readonly string[]): string {
  const settings = lanes.map((sampling) => {
    const lane = newLaneSettings(MODEL, samplingOf(sampling));
    return { ...lane, stop: { ...lane.stop, maxTokens: MAX_TOKENS } };
  });
  const run = {
    format: 1 as const,
    ...{ id: 'example', title: '', createdAt: AT, updatedAt: AT, revision: 0 },
    prompt: { kind: 'text' as const, text: PROMPT },
    lanes: settings.map((one) => ({ settings: one, replies: [] })),
    pinned: null,
    votes: [],
  };
  return tokenscopeFile(run, { app: '', exportedAt: AT, models: [{ ...MODEL, bytes: null, sha256: null }] });
}
