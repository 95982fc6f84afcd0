import { expect, it } from 'vitest';
import { readTextFile, textFileIn } from './text-file.ts';

const fileOf = (bytes: readonly number[] | string, name = 'story.txt') =>
  new File([typeof bytes === 'string' ? bytes : new Uint8Array(bytes)], name);

it('reads UTF-8 with any ends of lines', async () => {
  expect(await readTextFile(fileOf('\ufeffÉin\r\nzwei\rdrei\n'))).toBe('Éin\nzwei\ndrei\n');
  expect(await readTextFile(fileOf(''))).toBe('');
});

it('refuses what is not text, or too large', async () => {
  await expect(readTextFile(fileOf([0xff, 0xfe, 0x41, 0x00]))).rejects.toThrow(
    'story.txt is not a text file in UTF-8.',
  );
  await expect(readTextFile(fileOf([0x41, 0x00]))).rejects.toThrow('is not a text file');
  const large = { ...fileOf(''), name: 'large.txt', size: 3_000_000, arrayBuffer: () => Promise.reject(new Error()) };
  await expect(readTextFile(large)).rejects.toThrow('large.txt has 3');
});

it('takes a text file that was dropped alone', () => {
  const file = fileOf('x', 'NOTES.MD');
  expect(textFileIn([file])).toBe(file);
  expect(textFileIn([file, file])).toBeNull();
  expect(textFileIn([fileOf('x', 'model.gguf')])).toBeNull();
  expect(textFileIn([])).toBeNull();
});
