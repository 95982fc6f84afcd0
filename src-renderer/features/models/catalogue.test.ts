import { beforeEach, expect, it } from 'vitest';
import type { ModelSettings } from '../../../src-main/protocol/app/app-services.ts';
import type { CatalogueEntry, Download } from '../../../src-main/protocol/app/downloads.ts';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import { FakeServices } from '../chat/test-support/fakes.ts';
import { agoText } from './ago.ts';
import { CatalogueState } from './catalogue.svelte.ts';
import { Downloads } from './downloads.svelte.ts';
import { formatParameters } from './facts.ts';
import { defaultsText, licenceName, settingsFacts } from './model-labels.ts';
import { Selection } from './selection.svelte.ts';

const FREE: CatalogueEntry = {
  id: 'smol',
  name: 'SmolLM2 135M',
  publisher: 'Hugging Face',
  packer: null,
  architecture: 'llama',
  parameters: 134_515_008,
  contextSize: 8192,
  quantisation: 'Q4_1',
  description: 'Follows short instructions.',
  cannot: 'Often wrong.',
  license: { name: 'Apache-2.0', url: 'https://example.org/apache', kind: 'free' },
  page: 'https://hub.example/smol',
  url: 'https://hub.example/smol.gguf',
  file: 'smol.gguf',
  bytes: 1000,
  sha256: null,
  kvBytesPerToken: 2,
  modelId: null,
};
const TERMS: CatalogueEntry = {
  ...FREE,
  id: 'gemma',
  name: 'Gemma 3',
  license: { name: 'Gemma Terms of Use', url: 'https://example.org/gemma', kind: 'terms' },
  bytes: null,
};

let services: FakeServices;
let catalogue: CatalogueState;
let library: { memory: null | typeof MEMORY; held: number; listings: [] };
const MEMORY = { freeBytes: 10_000, totalBytes: 20_000 };

beforeEach(() => {
  services = new FakeServices();
  library = { memory: MEMORY, held: 0, listings: [] };
  catalogue = new CatalogueState({ services, library, selection: new Selection() });
  catalogue.entries = [FREE, TERMS];
});

it('is filtered by words and by licence', () => {
  catalogue.filter = ' 135m HUGGING';
  expect(catalogue.shown).toEqual([FREE]);
  catalogue.filter = '';
  catalogue.licence = 'terms';
  expect(catalogue.shown).toEqual([TERMS]);
  catalogue.filter = 'apache';
  expect(catalogue.shown).toEqual([]);
});

it('estimates weights and KV cache, which is as exact as the weights', () => {
  expect(catalogue.memoryOf(FREE)).toEqual({ contextSize: 4096, weights: 1000, kvCache: 8192, total: 9192 });
  expect(catalogue.memoryOf({ ...FREE, quantisation: 'F32' })?.kvCache).toBe(16_384);
  expect(catalogue.memoryOf({ ...FREE, contextSize: 256 })?.kvCache).toBe(512);
  expect(catalogue.fit(FREE)).toMatchObject({ verdict: 'fits' });
  library.memory = { ...MEMORY, freeBytes: 9000 };
  expect(catalogue.fit(FREE)).toMatchObject({ verdict: 'too-large', short: 192 });
  expect(catalogue.memoryOf(TERMS)).toBeNull();
  expect(catalogue.fit(TERMS)).toBeNull();
  library.memory = null;
  expect(catalogue.fit(FREE)).toBeNull();
});

it('asks for nothing but what a person clicks on, and says why something was refused', async () => {
  const downloads = new Downloads(services);
  expect(services.calls).toEqual([]);
  await downloads.start(FREE, false);
  expect(services.calls).toEqual(['downloadStart']);
  services.failure = new EngineError('BAD_REQUEST', 'Read the terms.');
  await downloads.start(TERMS, false);
  expect(downloads.refusal('gemma')).toBe('Read the terms.');
  services.failure = null;
  await downloads.start(TERMS, true);
  expect(downloads.refusal('gemma')).toBeNull();
  downloads.take([{ catalogueId: 'gemma', name: 'Gemma 3', phase: 'connecting' } as Download]);
  expect(downloads.running).toEqual(['Gemma 3']);
});

it('writes counts, licences, times and settings as people read them', () => {
  expect([134_515_008, 1_711_376_384, 2_448_960, 170_432].map(formatParameters)).toEqual([
    '135\u00a0M',
    '1.7\u00a0B',
    '2.4\u00a0M',
    '170,432',
  ]);
  expect(['Apache-2.0', 'Gemma Terms of Use', 'Llama 3.2 Community License'].map(licenceName)).toEqual([
    'Apache-2.0',
    'Gemma terms',
    'Llama 3.2',
  ]);
  const now = new Date('2026-03-10T12:00:00Z');
  expect(agoText('2026-03-10T11:59:40Z', now)).toBe('just now');
  expect(agoText('2026-03-10T11:58:40Z', now)).toBe('1 minute ago');
  expect(agoText('2026-03-10T05:00:00Z', now)).toBe('7 hours ago');
  expect(agoText('2026-03-09T11:00:00Z', now)).toBe('yesterday');
  expect(agoText(new Date(2026, 0, 2, 12).toISOString(), now)).toBe('2 Jan 2026');
  const settings: ModelSettings = {
    sampling: { temperature: 0.25, bannedTexts: ['a', 'b'], grammar: null, dryBase: 1.5, mirostatTau: 4 },
    stop: { maxTokens: 4, timeLimitMs: 1500 },
    template: 'plain',
    enableThinking: false,
    contextSize: 2048,
    drafts: { template: '', gbnf: '', json_schema: '' },
  };
  expect(settingsFacts(settings)).toEqual([
    { name: 'Temperature', value: '0.25' },
    { name: 'Banned texts', value: '2' },
    { name: 'Answer format', value: 'None' },
    { name: 'DRY base', value: '1.5' },
    { name: 'Mirostat target entropy', value: '4\u00a0bits' },
    { name: 'Token limit', value: '4 tokens' },
    { name: 'Time limit', value: '1.5\u00a0s' },
    { name: 'Chat template', value: 'Plain' },
    { name: 'Thinking', value: 'Off' },
    { name: 'Context size', value: '2,048 tokens' },
  ]);
  expect(settingsFacts(undefined)).toEqual([]);
  expect(defaultsText({ topK: 20, dryMultiplier: 0.8, topP: 1 })).toBe(
    'Recommended by the model: DRY multiplier 0.8, top-k 20, min-p 0.05, temperature 0.8, token limit 256.',
  );
});
