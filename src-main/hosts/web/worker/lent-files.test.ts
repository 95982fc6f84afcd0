import { expect, it } from 'vitest';
import { LentFiles } from './lent-files.ts';

const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);

it('reads slices of the files of a model, under the id from the page', async () => {
  const lent = new LentFiles();
  lent.lend('lent-1', 'A model', [new File([bytes], 'a.gguf'), new File([], 'b.gguf')]);
  const files = lent.open('lent-1')!;
  expect(files).toMatchObject({ id: 'lent-1', name: 'A model', names: ['a.gguf', 'b.gguf'] });
  const source = await files.open('a.gguf');
  expect(source).toMatchObject({ name: 'a.gguf', size: 100 });
  expect([...(await source.read(5, 3))]).toEqual([5, 6, 7]);
  await expect(source.read(98, 3)).rejects.toMatchObject({ code: 'MODEL_FORMAT' });
  await expect(source.read(-1, 3)).rejects.toMatchObject({ code: 'MODEL_FORMAT' });
  await expect(files.open('c.gguf')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
});

it('refuses an id without lent files', () => {
  const lent = new LentFiles();
  lent.lend('lent-1', 'A model', [new File([bytes], 'a.gguf')]);
  lent.takeBack('lent-1');
  expect(lent.open('lent-1')).toBeNull();
});

it('says what to do when a file can no longer be read', async () => {
  const lent = new LentFiles();
  const file = new File([bytes], 'a.gguf');
  file.slice = () => {
    const blob = new Blob();
    blob.arrayBuffer = () => Promise.reject(new Error('NotReadableError'));
    return blob;
  };
  lent.lend('lent-1', 'A model', [file]);
  const source = await lent.open('lent-1')!.open('a.gguf');
  await expect(source.read(0, 1)).rejects.toMatchObject({ code: 'MODEL_IO' });
});

it('distinguishes files of the same name and length', () => {
  const lent = new LentFiles();
  const stampOf = (lastModified: number, length = 100) => {
    lent.lend('lent-1', 'A model', [new File([bytes.subarray(0, length)], 'a.gguf', { lastModified })]);
    return lent.open('lent-1')!.stamp;
  };
  expect(stampOf(1)).toBe(stampOf(1));
  expect(stampOf(2)).not.toBe(stampOf(1));
  expect(stampOf(1, 99)).not.toBe(stampOf(1));
});
