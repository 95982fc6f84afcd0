import { describe, expect, it } from 'vitest';
import type { TypedValue } from '../../formats/gguf/writer.ts';
import { memoryModelFiles } from '../../test-support/model-files.ts';
import { rewriteGguf } from '../../test-support/rewrite-gguf.ts';
import { tinyGguf } from '../../test-support/tiny-gguf.ts';
import { openSource } from '../open-model.ts';

const uint = (value: number): TypedValue => ({ type: 'uint32', value });
/** What converters write for a special token that there is not. */
const NONE = uint(4_294_967_295);

/** A tiny model whose file has other metadata, and the warnings about it. */
async function opened(name: string, metadata: Readonly<Record<string, TypedValue>>) {
  const warnings: string[] = [];
  const files = memoryModelFiles(name, { 'model.gguf': await rewriteGguf(await tinyGguf(name), { metadata }) });
  const source = await openSource(files, { onWarning: (message) => warnings.push(message) });
  return { source, warnings };
}

const ignored = (key: string, id: number) =>
  `model.gguf: "tokenizer.ggml.${key}_token_id" is ${id}, which is not the id of a token. It is ignored.`;

describe('a special token of a GGUF file that is not in the vocabulary is ignored, as in llama.cpp', () => {
  it('with a warning, even if the kind of tokenizer has no use for it', async () => {
    const { source, warnings } = await opened('llama', { 'tokenizer.ggml.seperator_token_id': uint(320) });
    expect(warnings).toEqual([ignored('seperator', 320)]);
    expect(source.bosTokenId).toBe(315);
  });

  it('without one if the id says that there is none', async () => {
    const { source, warnings } = await opened('llama', { 'tokenizer.ggml.seperator_token_id': NONE });
    expect(warnings).toEqual([]);
    expect(source.bosTokenId).toBe(315);
  });

  it('so that the model has no such token', async () => {
    const bos = await opened('llama', { 'tokenizer.ggml.bos_token_id': uint(320) });
    expect(bos.warnings).toEqual([ignored('bos', 320)]);
    expect([bos.source.bosTokenId, bos.source.chat.bosToken]).toEqual([null, '']);
    expect(bos.source.tokenizer.encode('Hello')[0]).not.toBe(315);

    const eos = await opened('llama', { 'tokenizer.ggml.eos_token_id': { type: 'int32', value: -1 } });
    expect(eos.warnings).toEqual([ignored('eos', -1)]);
    expect(eos.source.chat.eosToken).toBe('');
    // Another key names the same end of a reply.
    expect(eos.source.eosTokenIds).toContain(314);
  });

  it('so that it is the usual one of the kind of tokenizer, if that has one', async () => {
    const { source } = await opened('llama-spm', {
      'tokenizer.ggml.bos_token_id': NONE,
      'tokenizer.ggml.eos_token_id': NONE,
    });
    expect(source.bosTokenId).toBe(1);
    expect(source.chat.eosToken).toBe(source.tokenizer.piece(2));
    expect(source.eosTokenIds).toContain(2);
  });

  it('in a file without a vocabulary, too', async () => {
    const { source, warnings } = await opened('llama', {
      'tokenizer.ggml.model': { type: 'string', value: 'none' },
      'tokenizer.ggml.bos_token_id': uint(320),
    });
    expect(warnings).toEqual([ignored('bos', 320)]);
    expect({ bos: source.bosTokenId, ends: source.eosTokenIds }).toEqual({ bos: null, ends: [314] });
  });
});

describe('the unknown token', () => {
  it('is not what a byte-level vocabulary gives: a token with that id is itself', async () => {
    const { source } = await opened('llama', { 'tokenizer.ggml.unknown_token_id': uint(312) });
    const [piece] = source.tokenizer.encodePieces('<|endoftext|>', { addSpecial: false, parseSpecial: true });
    expect(piece).toMatchObject({ id: 312, special: true, unknown: false });
  });

  it('is what SentencePiece gives for text that it cannot spell', async () => {
    const { source } = await opened('llama-spm', { 'tokenizer.ggml.unknown_token_id': uint(0) });
    expect(source.tokenizer.unkTokenId).toBe(0);
  });
});
