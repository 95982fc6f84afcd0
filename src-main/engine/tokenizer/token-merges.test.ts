import { describe, expect, it } from 'vitest';
import type { ModelFiles } from '../api/platform.ts';
import { openModel } from '../models/open-model.ts';
import { hfFolder } from '../test-support/hf-fixtures.ts';
import { filesOf } from '../test-support/inside-models.ts';
import { mergesOf } from './token-merges.ts';

describe('mergesOf', () => {
  it('joins the pair of lowest rank first, leftmost among equals', () => {
    const ranks: Record<string, number> = { 'l+o': 1, 'lo+w': 2, 'e+r': 0, 'low+er': 3 };
    const rankOf = (left: string, right: string) => ranks[`${left}+${right}`] ?? null;
    expect(mergesOf('lower', rankOf)).toEqual([
      { left: 'e', right: 'r', rank: 0 },
      { left: 'l', right: 'o', rank: 1 },
      { left: 'lo', right: 'w', rank: 2 },
      { left: 'low', right: 'er', rank: 3 },
    ]);
    expect(mergesOf('lowest', rankOf)).toEqual([]);
    expect(mergesOf('a', rankOf)).toEqual([]);
  });
});

describe('the merges of a vocabulary', () => {
  it.each<[string, () => Promise<ModelFiles> | ModelFiles]>([
    ['byte-level BPE', () => filesOf('llama')],
    ['SentencePiece, by scores', () => filesOf('llama-spm')],
    ['byte-level BPE in tokenizer.json', () => hfFolder('llama')],
  ])('make its pieces: %s', async (_, files) => {
    const { tokenizer } = await openModel(await files(), { contextSize: 8 });
    let explained = 0;
    for (let id = 0; id < tokenizer.vocabularySize; id++) {
      const merges = tokenizer.merges(id);
      if (merges.length === 0) continue;
      explained++;
      expect(merges.at(-1)!.left + merges.at(-1)!.right).toBe(tokenizer.piece(id));
      expect(merges).toHaveLength(Array.from(tokenizer.piece(id)).length - 1);
    }
    expect(explained).toBeGreaterThan(10);
    expect(tokenizer.continuingPrefix).toBeNull();
  });

  it('are none in a WordPiece vocabulary, which has a prefix', async () => {
    const { tokenizer } = await openModel(await filesOf('TinyTransformer'));
    expect(tokenizer.continuingPrefix).toBe('##');
    expect(tokenizer.merges(593)).toEqual([]);
  });
});
