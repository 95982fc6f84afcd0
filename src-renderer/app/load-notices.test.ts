import { expect, it } from 'vitest';
import { MODEL } from '../features/chat/test-support/fakes.ts';
import { LoadNotices } from './load-notices.ts';

it('shows the notices of each model once, however often it is reloaded', () => {
  const shown: string[] = [];
  const notices = new LoadNotices((text) => shown.push(text));
  const first = {
    ...MODEL,
    id: 'opened-1',
    notices: ['a.gguf: the split was guessed.', 'a.gguf: a tensor is ignored.'],
  };
  const second = { ...MODEL, id: 'opened-2', notices: ['b.gguf: the split was guessed.'] };
  for (const model of [MODEL, first, MODEL, { ...first, contextSize: 2000 }, second]) notices.loaded(model);
  expect(shown).toEqual([
    'a.gguf: the split was guessed. a.gguf: a tensor is ignored.',
    'b.gguf: the split was guessed.',
  ]);
  // The file was replaced by another one.
  notices.loaded({ ...first, notices: ['a.gguf: a tensor is ignored.'] });
  expect(shown).toHaveLength(3);
});
