import { describe, expect, it } from 'vitest';
import { defaultGenerateParams } from '../../../engine/api/defaults.ts';
import { canonicalJson } from './canonical-json.ts';
import { checkReceipt, receiptText } from './check-receipt.ts';
import { differencesOf, differenceText, rulesOut } from './differences.ts';
import { makeReceipt, resolvedRequest, type Receipt } from './receipt.ts';

const HASH = 'a'.repeat(64);
const FILES = [{ name: 'model.gguf', bytes: 5, sha256: HASH }];
const CONDITIONS: Receipt['conditions'] = {
  executor: 'wasm',
  contextSize: 1000,
  kernels: { variant: 'wide', revision: '12ab', kvCacheType: 'f32', threads: 4, decodeThreads: 2, sumBits: 32 },
  versions: { Tokenscope: '1.0.0', V8: '14.0' },
};

function receipt(): Receipt {
  const params = defaultGenerateParams({ kind: 'text', text: 'Hello' });
  return makeReceipt({
    requestedAt: '2026-01-01T00:00:00.000Z',
    model: { id: 'tiny', name: 'Tiny', architecture: 'llama', files: FILES },
    conditions: CONDITIONS,
    request: resolvedRequest(params, 7, { defaultRepetitionWindow: 10 }),
    promptIds: [1, 2],
    reply: { ids: [3, 4], text: ' you', stop: { reason: 'max_tokens', maxTokens: 2 } },
  });
}

const stored = (change: (receipt: Receipt) => unknown = () => undefined): unknown => {
  const value = JSON.parse(receiptText(receipt())) as Receipt;
  return change(value) ?? value;
};

describe('canonical JSON', () => {
  it('sorts keys, leaves out what is undefined and writes values as JSON does', () => {
    const value = { b: [1, -0, 1e21, 0.1], a: { d: null, c: 'é\n"' }, e: undefined };
    expect(canonicalJson(value)).toBe('{"a":{"c":"é\\n\\"","d":null},"b":[1,0,1e+21,0.1]}');
    expect(canonicalJson({ '\u{1f600}': 1, '\ufb33': 2 })).toBe('{"\u{1f600}":1,"\ufb33":2}');
  });
});

describe('a receipt', () => {
  it('is read back as it was made, in whatever order its keys are', () => {
    expect(checkReceipt(stored())).toEqual({ state: 'intact', receipt: receipt() });
    const turned = stored((value) => Object.fromEntries(Object.entries(value).reverse()));
    expect(checkReceipt(turned)).toMatchObject({ state: 'intact' });
  });

  it('holds what was left open as it was resolved', () => {
    const { request } = receipt();
    expect(request.sampling.seed).toBe(7);
    expect(request.stop.repetitionWindow).toBe(10);
    const chat = defaultGenerateParams({ kind: 'chat', messages: [{ role: 'user', text: 'Hi' }] });
    expect(resolvedRequest(chat, 7, { defaultRepetitionWindow: 10 }).prompt).toMatchObject({
      template: { kind: 'model' },
    });
  });

  it.each<[string, (value: Receipt) => unknown, string]>([
    ['a reply', (value) => (value.reply.text = ' me'), 'The part "reply" does not match its SHA-256.'],
    ['an id', (value) => (value.promptIds[0] = 9), 'The part "promptIds" does not match its SHA-256.'],
    ['a seed', (value) => (value.request.sampling.seed = 8), 'The part "request" does not match its SHA-256.'],
    [
      'threads',
      (value) => (value.conditions.kernels!.threads = 1),
      'The part "conditions" does not match its SHA-256.',
    ],
    ['a model', (value) => (value.model.name = 'Other'), 'The part "model" does not match its SHA-256.'],
    ['the time', (value) => (value.requestedAt = '2027-01-01T00:00:00.000Z'), 'The part "requestedAt" does not'],
    ['a digest', (value) => (value.digests.whole = HASH), 'The parts do not match the SHA-256 of the whole.'],
    ['a missing part', (value) => void Reflect.deleteProperty(value, 'reply'), 'The part "reply" is missing.'],
    ['another part', (value) => void Reflect.set(value, 'note', 'x'), 'The part "note" was added.'],
  ])('with %s that was changed is refused, with the reason', (_, change, reason) => {
    const checked = checkReceipt(stored((value) => void change(value)));
    expect(checked).toMatchObject({ state: 'tampered', reason: expect.stringContaining(reason) as string });
  });

  it.each<[unknown, string]>([
    [null, 'does not say "format"'],
    [{ format: 'tokenscope-chat' }, 'does not say "format"'],
    [{ format: 'tokenscope-receipt', version: 1 }, 'no version or no digests'],
    [stored((value) => void Reflect.set(value, 'version', 2)), 'has version 2'],
  ])('is told from what is none', (value, reason) => {
    expect(checkReceipt(value)).toEqual({
      state: 'not_a_receipt',
      reason: expect.stringContaining(reason) as string,
    });
  });

  it('of which the digests fit is still checked for its shape', () => {
    const forged = makeReceipt({ ...receipt(), promptIds: [-1] });
    expect(checkReceipt(JSON.parse(receiptText(forged)))).toEqual({
      state: 'not_a_receipt',
      reason: expect.stringContaining('promptIds') as string,
    });
  });
});

describe('differences', () => {
  const recorded = { files: FILES, conditions: CONDITIONS };
  const here = (change: Partial<Receipt['conditions']>) => ({ ...recorded, conditions: { ...CONDITIONS, ...change } });

  it('are none between the same, whatever a single file is called', () => {
    expect(differencesOf(recorded, { ...recorded, files: [{ ...FILES[0], name: 'other.gguf' }] })).toEqual([]);
  });

  it('name another model file with both hashes, which rules a comparison out', () => {
    const other = [{ ...FILES[0], sha256: 'b'.repeat(64) }];
    const found = differencesOf(recorded, { ...recorded, files: other });
    expect(rulesOut(found)).toBe(true);
    expect(found.map(differenceText)).toEqual([
      `model file: recorded model.gguf, SHA-256 ${HASH}, here model.gguf, SHA-256 ${'b'.repeat(64)}`,
    ]);
    const parts = [...FILES, { name: 'tokenizer.json', bytes: 1, sha256: HASH }];
    expect(differencesOf({ ...recorded, files: parts }, recorded).map(({ here }) => here)).toEqual(['no such file']);
  });

  it('name executor, threads, context, type of the cache, kernels and versions with both values', () => {
    const { kernels } = CONDITIONS;
    const texts = (change: Partial<Receipt['conditions']>) => {
      const found = differencesOf(recorded, here(change));
      expect(rulesOut(found)).toBe(false);
      return found.map(differenceText);
    };
    expect(texts({ executor: 'reference', kernels: null })).toEqual(['executor: recorded wasm, here reference']);
    expect(texts({ kernels: { ...kernels!, threads: 1 } })).toEqual([
      'threads: recorded 4, here 1 (does not change the reply)',
    ]);
    expect(texts({ contextSize: 300 })).toEqual(['context size: recorded 1000 tokens, here 300 tokens']);
    expect(texts({ kernels: { ...kernels!, kvCacheType: 'q8' } })).toEqual(['KV cache type: recorded f32, here q8']);
    expect(texts({ kernels: { ...kernels!, variant: 'simd', revision: null } })).toEqual([
      'kernels: recorded wide 12ab, 32-bit sums, here simd, 32-bit sums',
    ]);
    expect(texts({ versions: { Tokenscope: '1.0.0', Browser: 'Chrome 140' } })).toEqual([
      'versions: recorded V8 14.0, here Browser Chrome 140',
    ]);
  });
});
