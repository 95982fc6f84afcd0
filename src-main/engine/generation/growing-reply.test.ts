import { expect, it } from 'vitest';
import { tokenizerFromJson } from '../tokenizer/from-tokenizer-json.ts';
import { ReplyParts } from './reply-parts.ts';
import { GrowingReply, type DrawnToken } from './growing-reply.ts';

it('keeps the leading space of a SentencePiece reply, which decoding it separately would lose', () => {
  const tokenizer = tokenizerFromJson(
    {
      added_tokens: [],
      model: { type: 'WordLevel', vocab: { '<unk>': 0, '▁Hello': 1, '▁world': 2 }, unk_token: '<unk>' },
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
          { type: 'Fuse' },
          { type: 'Strip', content: ' ', start: 1, stop: 0 },
        ],
      },
    },
    'tokenizer.json',
  );
  const reply = new GrowingReply(tokenizer, [], new ReplyParts(null, ''));
  for (const id of [1, 2]) reply.push({ id } as DrawnToken);
  reply.finish();
  expect(reply.text).toBe(' Hello world');
  expect(tokenizer.decode([1, 2])).toBe('Hello world');
});
