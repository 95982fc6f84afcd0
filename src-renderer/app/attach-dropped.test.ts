import { expect, it } from 'vitest';
import { attachDropped } from './attach-dropped.ts';

const MODEL = 'GGUF\u0003\0\0\0';

it.each([
  ['texts', [new File(['GGUF is a format.'], 'README'), new File(['a'], 'a.txt')], true],
  ['a model without an extension', [new File([MODEL], 'story')], false],
  ['a model among others', [new File(['a'], 'a.txt'), new File([MODEL], 'story')], false],
  ['what is named like a model', [new File([''], 'story.gguf')], false],
  ['nothing', [], false],
])('%s: attached to the message or not', async (_, files, expected) => {
  const added: string[] = [];
  const add = async (some: readonly File[]) => void added.push(...some.map(({ name }) => name));
  expect(await attachDropped({ session: { attachments: { add } } }, files)).toBe(expected);
  expect(added).toEqual(expected ? files.map(({ name }) => name) : []);
});
