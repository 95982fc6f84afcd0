import { afterEach, expect, it, vi } from 'vitest';
import type { TokenscopeBridge } from '../../src-main/protocol/app/app-bridge.ts';
import type { AppServices, ModelListing } from '../../src-main/protocol/app/app-services.ts';
import type { Dropped } from './dropped.ts';
import { electronModelOpener, webModelOpener, type LendFiles } from './model-opener.ts';

afterEach(() => void vi.useRealTimers());

const BUILT_IN = { id: 'tiny-transformer', name: 'TinyTransformer', builtIn: true } as ModelListing;
const services = {
  invoke: async () => [BUILT_IN],
  onEvent: () => () => undefined,
} as unknown as AppServices;

const dropped = (files: readonly File[], hasFolder = false): Dropped => ({ files, hasFolder });
const file = (name: string, bytes = 10) => new File([new Uint8Array(bytes)], name);
const withoutExtension = (name: string) => new File(['GGUF\u0003\0\0\0'], name, { lastModified: 7 });

function web() {
  const lent: { id: string; name: string; files: string[] | null }[] = [];
  const lend: LendFiles = (id, name, files) => {
    lent.push({ id, name, files: files && files.map((one) => one.name) });
  };
  return { opener: webModelOpener(services, lend, true), lent };
}

it('lends the engine what was dropped on a browser, under an id that gives nothing away', async () => {
  const { opener, lent } = web();
  const model = await opener.drop(dropped([file('story.Q4_0.gguf', 30)]));
  expect(model).toMatchObject({ name: 'story.Q4_0', fileBytes: 30, builtIn: false, path: null, problem: null });
  expect(model.id).toMatch(/^lent-[0-9a-f-]{36}$/);
  expect(lent).toEqual([{ id: model.id, name: 'story.Q4_0', files: ['story.Q4_0.gguf'] }]);
  expect(await opener.list()).toEqual([BUILT_IN, model]);
  // Again, it is the same model, whose file may be another one.
  vi.setSystemTime(Date.now() + 1000);
  const again = await opener.drop(dropped([file('story.Q4_0.gguf', 30)]));
  expect(again).toEqual({ ...model, addedAt: expect.any(String) as string });
  expect(again.addedAt).not.toBe(model.addedAt);
  const restore = await opener.remove(model.id);
  expect(lent.at(-1)).toEqual({ id: model.id, name: '', files: null });
  expect(await opener.list()).toEqual([BUILT_IN]);
  await restore();
  expect(lent.at(-1)).toEqual({ id: model.id, name: 'story.Q4_0', files: ['story.Q4_0.gguf'] });
  expect(await opener.list()).toEqual([BUILT_IN, again]);
});

it('names a file as the catalogue does, if its name and size are those of an entry', async () => {
  const entry = { id: 'story-q4', name: 'Story Q4', file: 'story.Q4_0.gguf', bytes: 30 };
  const withCatalogue = {
    ...services,
    invoke: async (method: string) => (method === 'catalogueList' ? [entry] : [BUILT_IN]),
  } as unknown as AppServices;
  const opener = webModelOpener(withCatalogue, () => undefined, true);
  const named = { name: 'Story Q4', catalogueId: 'story-q4', sha256: null };
  expect(await opener.drop(dropped([file('story.Q4_0.gguf', 30)]))).toMatchObject(named);
  const other = { name: 'story.Q4_0', catalogueId: null };
  expect(await opener.drop(dropped([file('story.Q4_0.gguf', 31)]))).toMatchObject(other);

  const invoke = async (method: string) => {
    if (method === 'catalogueList') throw new Error('No catalogue.');
    return [BUILT_IN];
  };
  const withoutCatalogue = { ...services, invoke } as unknown as AppServices;
  const alone = webModelOpener(withoutCatalogue, () => undefined, true);
  expect(await alone.drop(dropped([file('story.Q4_0.gguf', 30)]))).toMatchObject(other);
});

it('takes the parts of a split file together, and the files of a folder', async () => {
  const { opener, lent } = web();
  const parts = [file('big-00002-of-00002.gguf'), file('big-00001-of-00002.gguf'), file('notes.txt')];
  expect(await opener.drop(dropped(parts))).toMatchObject({ name: 'big', fileBytes: 20 });
  expect(lent.at(-1)?.files).toEqual(['big-00002-of-00002.gguf', 'big-00001-of-00002.gguf']);
  const folder = [file('config.json'), file('model.safetensors'), file('tokenizer.json')];
  expect(await opener.drop(dropped(folder))).toMatchObject({ name: 'Model folder', fileBytes: 30 });
  expect(lent.at(-1)?.files).toHaveLength(3);
  // Conversions of the folder's own model.
  await opener.drop(dropped([...folder, file('a.gguf'), file('b.gguf')]));
  expect(lent.at(-1)?.files).toHaveLength(5);
});

it('lends a GGUF file without an extension under a name with it, and no projector', async () => {
  const lend = vi.fn<LendFiles>();
  const opener = webModelOpener(services, lend, true);
  const files = [file('mmproj-F16.gguf'), file('README'), withoutExtension('sha256-abc')];
  expect(await opener.drop(dropped(files))).toMatchObject({ name: 'sha256-abc', fileBytes: 8 });
  const [, , lent] = lend.mock.lastCall!;
  expect(lent?.map(({ name, size, lastModified }) => [name, size, lastModified])).toEqual([['sha256-abc.gguf', 8, 7]]);
});

it('says what cannot be opened', async () => {
  const { opener } = web();
  await expect(opener.drop(dropped([file('notes.txt')]))).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  await expect(opener.drop(dropped([]))).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  await expect(opener.drop(dropped([file('folder', 0)], true))).rejects.toThrow(
    'Drop all the files in the folder together',
  );
});

it('gives Electron the dropped file itself, and hears of the model or why there is none', async () => {
  const given: string[] = [];
  const bridge = {
    dropModel: async (one: File) => {
      given.push(one.name);
      return one.name.endsWith('.gguf')
        ? { result: { ...BUILT_IN, id: 'opened-1' } }
        : { error: { code: 'BAD_REQUEST', message: 'notes.txt is not a model.', details: {} } };
    },
  } as unknown as TokenscopeBridge;
  const opener = electronModelOpener(bridge, services);
  expect(await opener.drop(dropped([file('readme.txt'), file('a.gguf')]))).toMatchObject({ id: 'opened-1' });
  await expect(opener.drop(dropped([file('notes.txt')]))).rejects.toThrow('notes.txt is not a model.');
  expect(given).toEqual(['a.gguf', 'notes.txt']);
  await opener.drop(dropped([file('mmproj-b.gguf'), file('b.gguf')]));
  await expect(opener.drop(dropped([file('README'), withoutExtension('blob')]))).rejects.toThrow();
  expect(given.slice(2)).toEqual(['b.gguf', 'blob']);
});
