import { describe, expect, it } from 'vitest';
import { defaultGenerateParams } from '../../../engine/api/defaults.ts';
import { canonicalJson } from './canonical-json.ts';
import { checkReceipt, receiptText } from './check-receipt.ts';
import { differencesOf, differenceText, isOtherModel } from './differences.ts';
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
  it('sorts keys, omits undefined values and writes the others as JSON', () => {
    const value = { b: [1, -0, 1e21, 0.1], a: { d: null, c: 'é\n"' }, e: undefined };
    expect(canonicalJson(value)).toBe('{"a":{"c":"é\\n\\"","d":null},"b":[1,0,1e+21,0.1]}');
    expect(canonicalJson({ '\u{1f600}': 1, '\ufb33': 2 })).toBe('{"\u{1f600}":1,"\ufb33":2}');
  });
});

describe('a receipt', () => {
  it('is read back unchanged, in any order of its keys', () => {
    expect(checkReceipt(stored())).toEqual({ state: 'intact', receipt: receipt() });
    const reversed = stored((value) => Object.fromEntries(Object.entries(value).reverse()));
    expect(checkReceipt(reversed)).toMatchObject({ state: 'intact' });
  });

  it('contains resolved values', () => {
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
    ['a digest', (value) => (value.digests.whole = HASH), 'The SHA-256 of the whole receipt does not match.'],
    ['a missing part', (value) => void Reflect.deleteProperty(value, 'reply'), 'The part "reply" is missing.'],
    ['another part', (value) => void Reflect.set(value, 'note', 'x'), 'The part "note" was added.'],
  ])('with a change to %s is refused, with the reason', (_, change, reason) => {
    const checked = checkReceipt(stored((value) => void change(value)));
    expect(checked).toMatchObject({ state: 'tampered', reason: expect.stringContaining(reason) as string });
  });

  it.each<[unknown, string]>([
    [null, 'Its "format" is not'],
    [{ format: 'tokenscope-chat' }, 'Its "format" is not'],
    [{ format: 'tokenscope-receipt', version: 1 }, 'version or digests are missing'],
    [stored((value) => void Reflect.set(value, 'version', 2)), 'has format version 2'],
  ])('is distinguished from other values', (value, reason) => {
    expect(checkReceipt(value)).toEqual({
      state: 'not_a_receipt',
      reason: expect.stringContaining(reason) as string,
    });
  });

  it('with matching digests is still checked against the schema', () => {
    const forged = makeReceipt({ ...receipt(), promptIds: [-1] });
    expect(checkReceipt(JSON.parse(receiptText(forged)))).toEqual({
      state: 'not_a_receipt',
      reason: expect.stringContaining('promptIds') as string,
    });
  });
});

describe('differences', () => {
  const recorded = { files: FILES, conditions: CONDITIONS };
  const changed = (change: Partial<Receipt['conditions']>) => ({
    ...recorded,
    conditions: { ...CONDITIONS, ...change },
  });

  it('are empty for the same conditions, even if a single file was renamed', () => {
    expect(differencesOf(recorded, { ...recorded, files: [{ ...FILES[0], name: 'other.gguf' }] })).toEqual([]);
  });

  it('name another model file with both hashes', () => {
    const other = [{ ...FILES[0], sha256: 'b'.repeat(64) }];
    const found = differencesOf(recorded, { ...recorded, files: other });
    expect(isOtherModel(found)).toBe(true);
    expect(found.map(differenceText)).toEqual([
      `model file: recorded model.gguf, SHA-256 ${HASH}, now model.gguf, SHA-256 ${'b'.repeat(64)}`,
    ]);
    const parts = [...FILES, { name: 'tokenizer.json', bytes: 1, sha256: HASH }];
    expect(differencesOf({ ...recorded, files: parts }, recorded).map(({ now }) => now)).toEqual(['no such file']);
    const renamed = parts.map((file) => ({ ...file, name: `new-${file.name}` }));
    expect(differencesOf({ ...recorded, files: parts }, { ...recorded, files: renamed })).toMatchObject([
      { recorded: `model.gguf, SHA-256 ${HASH}`, now: `new-model.gguf, SHA-256 ${HASH}` },
    ]);
  });

  it('name executor, threads, context size, cache type, kernels and versions with both values', () => {
    const { kernels } = CONDITIONS;
    const texts = (change: Partial<Receipt['conditions']>) => {
      const found = differencesOf(recorded, changed(change));
      expect(isOtherModel(found)).toBe(false);
      return found.map(differenceText);
    };
    expect(texts({ executor: 'reference', kernels: null })).toEqual(['executor: recorded wasm, now reference']);
    expect(texts({ kernels: { ...kernels!, threads: 1 } })).toEqual([
      'threads: recorded 4, now 1 (does not change the reply)',
    ]);
    expect(texts({ contextSize: 300 })).toEqual(['context size: recorded 1,000 tokens, now 300 tokens']);
    expect(texts({ kernels: { ...kernels!, kvCacheType: 'q8' } })).toEqual(['KV cache type: recorded f32, now q8']);
    expect(texts({ kernels: { ...kernels!, variant: 'simd', revision: null } })).toEqual([
      'kernels: recorded wide 12ab, 32-bit sums, now simd, 32-bit sums',
    ]);
    expect(texts({ versions: { Tokenscope: '1.0.0', Chrome: '140' } })).toEqual([
      'versions: recorded V8 14.0, now Chrome 140',
    ]);
  });
});
