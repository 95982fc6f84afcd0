import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../engine/models/open-model.ts';
import { tinyGguf } from '../../engine/test-support/tiny-gguf.ts';
import { modelIdOfPath, openModelPath } from './model-path.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tokenscope-path-'));
  await mkdir(join(dir, 'folder', 'inner'), { recursive: true });
  for (const name of ['one.gguf', 'big-00001-of-00002.gguf', 'big-00002-of-00002.gguf', 'other-00001-of-00002.gguf']) {
    await writeFile(join(dir, name), name);
  }
  await writeFile(join(dir, 'notes.txt'), '');
  await writeFile(join(dir, 'folder', 'config.json'), '{}');
});
afterAll(() => rm(dir, { recursive: true }));

describe('the model at a path', () => {
  it('is a single GGUF file', async () => {
    const files = await openModelPath(join(dir, 'one.gguf'));
    expect({ id: files.id, names: files.names }).toEqual({ id: 'one', names: ['one.gguf'] });
    const source = await files.open('one.gguf');
    expect(source.size).toBe(8);
    await source.close?.();
    await expect(files.open('notes.txt')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('is a GGUF file without the extension', async () => {
    const path = join(dir, 'sha256-abc');
    await writeFile(path, 'GGUF and more');
    const files = await openModelPath(path);
    expect(files).toMatchObject({ id: 'sha256-abc', names: ['sha256-abc.gguf'] });
    const source = await files.open('sha256-abc.gguf');
    expect(source.size).toBe(13);
    await source.close?.();
    await expect(files.open('sha256-abc')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('is all parts of a split file', async () => {
    const { names } = await openModelPath(join(dir, 'big-00002-of-00002.gguf'));
    expect([...names].sort()).toEqual(['big-00001-of-00002.gguf', 'big-00002-of-00002.gguf']);
  });

  it('is the files of a folder', async () => {
    const { id, names } = await openModelPath(join(dir, 'folder'));
    expect({ id, names }).toEqual({ id: 'folder', names: ['config.json'] });
  });

  it('is the GGUF file in a folder with a config.json, but without safetensors', async () => {
    const folder = join(dir, 'converted');
    await mkdir(folder);
    await writeFile(join(folder, 'config.json'), '{"model_type":"llama"}');
    await writeFile(join(folder, 'model-F32.gguf'), await tinyGguf('llama'));
    // A projector is not a model of its own.
    await writeFile(join(folder, 'mmproj-F16.gguf'), '');
    const model = await openModel(await openModelPath(folder), { contextSize: 16 });
    expect(model.config).toMatchObject({ id: 'converted', architecture: 'llama' });
    await writeFile(join(folder, 'second.gguf'), '');
    await expect(openModelPath(folder).then((files) => openModel(files))).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringMatching(/model-F32\.gguf.*Open one of them instead/) as string,
    });
  });

  it('has a stamp that depends on content and path', async () => {
    for (const name of ['stamped.gguf', 'stamped-00001-of-00002.gguf', 'blob', join('folder', 'config.json')]) {
      const path = join(dir, name);
      const opened = name.startsWith('folder') ? join(dir, 'folder') : path;
      await writeFile(path, 'GGUF 1');
      const { stamp } = await openModelPath(opened);
      expect(stamp).toContain(path);
      expect((await openModelPath(opened)).stamp).toBe(stamp);
      await writeFile(path, 'GGUF 2, longer');
      const longer = (await openModelPath(opened)).stamp;
      expect(longer).not.toBe(stamp);
      // Of the same length, modified later.
      await utimes(path, new Date(), new Date(Date.now() + 5000));
      expect((await openModelPath(opened)).stamp).not.toBe(longer);
    }
  });

  it('is named in the error when it is missing or of another kind', async () => {
    await expect(openModelPath(join(dir, 'none.gguf'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(openModelPath(join(dir, 'one.gguf', 'x'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(openModelPath(join(dir, 'notes.txt'))).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringContaining('notes.txt is not a GGUF file. Pass the path of a .gguf file') as string,
    });
  });

  it.each([
    ['/models/SmolLM2-135M.Q4_1.gguf', 'SmolLM2-135M.Q4_1'],
    ['/models/folder/', 'folder'],
    ['/models/.hidden model (1).GGUF', 'hidden-model--1-'],
    [`/models/${'x'.repeat(200)}`, 'x'.repeat(128)],
    ['/models/模型.gguf', 'model'],
  ])('%s has a valid id: %s', (path, id) => expect(modelIdOfPath(path)).toBe(id));
});
