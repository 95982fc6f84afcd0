import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../test-support/support.ts';
import { findModels } from './found-models.ts';

const GGUF = Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(60)]);
const HASH = 'a'.repeat(64);

async function put(path: string, content: string | Uint8Array): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

async function link(target: string, path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path);
  return path;
}

function look(home: string, env: Record<string, string> = {}, known: { id: string; path: string }[] = []) {
  return findModels(known, { home, env, platform: 'darwin' });
}

test('finds nothing in missing folders, and reports where it searched', async () => {
  const home = await temporaryFolder();
  expect(await look(home)).toEqual({
    places: [
      { source: 'huggingface-cache', folder: join(home, '.cache/huggingface/hub'), state: 'missing' },
      { source: 'ollama', folder: join(home, '.ollama/models'), state: 'missing' },
      { source: 'lmstudio', folder: join(home, '.lmstudio/models'), state: 'missing' },
      { source: 'lmstudio', folder: join(home, '.cache/lm-studio/models'), state: 'missing' },
    ],
    models: [],
  });
  const env = { HF_HOME: '/h', OLLAMA_MODELS: '/o' };
  expect((await look(home, env)).places.map(({ folder }) => folder).slice(0, 2)).toEqual(['/h/hub', '/o']);
  expect((await look(home, { HF_HUB_CACHE: '/c' })).places[0]?.folder).toBe('/c');
});

test('finds folders and files of the hub’s cache, in the snapshot in use', async () => {
  const home = await temporaryFolder();
  const hub = join(home, 'hub');
  const smol = join(hub, 'models--HuggingFaceTB--SmolLM2-135M');
  await put(join(smol, 'refs/main'), 'abc\n');
  await put(join(smol, 'blobs/1'), '{}');
  await put(join(smol, 'blobs/2'), 'weights');
  await link('../../blobs/1', join(smol, 'snapshots/abc/config.json'));
  await link('../../blobs/2', join(smol, 'snapshots/abc/model.safetensors'));
  await put(join(smol, 'snapshots/xyz/config.json'), '{}');
  const packed = join(hub, 'models--somebody--Packed-GGUF');
  await put(join(packed, 'blobs/3'), GGUF);
  const file = await link('../../blobs/3', join(packed, 'snapshots/def/packed.Q4_0.gguf'));
  await put(join(packed, 'snapshots/def/mmproj-f16.gguf'), GGUF);
  await put(join(hub, 'datasets--x--y/snapshots/1/config.json'), '{}');

  const { models, places } = await look(home, { HF_HUB_CACHE: hub }, [{ id: 'mine', path: file }]);
  expect(places[0]).toMatchObject({ state: 'read' });
  const source = 'huggingface-cache';
  expect(models).toEqual([
    {
      ...{ id: expect.stringMatching(/^found-[0-9a-f]{24}$/) as string, source, modelId: null },
      ...{ name: 'HuggingFaceTB/SmolLM2-135M', path: join(smol, 'snapshots/abc'), bytes: 9 },
    },
    expect.objectContaining({ name: 'somebody/Packed-GGUF, packed.Q4_0', path: file, bytes: 64, modelId: 'mine' }),
  ]);
});

test('finds a repository of the hub without an owner', async () => {
  const hub = join(await temporaryFolder(), 'hub');
  const snapshot = join(hub, 'models--gpt2/snapshots/abc');
  await put(join(snapshot, 'config.json'), '{}');
  await put(join(snapshot, 'model.safetensors'), 'weights');
  const { models } = await look(hub, { HF_HUB_CACHE: hub });
  expect(models).toMatchObject([{ source: 'huggingface-cache', name: 'gpt2', path: snapshot, bytes: 9 }]);
});

test('finds the files of Ollama’s manifests, and ignores invalid ones', async () => {
  const home = await temporaryFolder();
  const folder = join(home, '.ollama/models');
  const blob = await put(join(folder, `blobs/sha256-${HASH}`), GGUF);
  const layer = (digest: string) =>
    JSON.stringify({ layers: [{ mediaType: 'application/vnd.ollama.image.model', digest }] });
  const manifest = (name: string, content: string) => put(join(folder, 'manifests', name), content);
  await manifest('hub.example/library/llama3.2/1b', layer(`sha256:${HASH}`));
  // Other names for the same file, as `ollama cp` and a tag without a size make them.
  await manifest('hub.example/library/llama3.2/latest', layer(`sha256:${HASH}`));
  await manifest('hub.example/somebody/assistant/latest', layer(`sha256:${HASH}`));
  const story = await put(join(folder, `blobs/sha256-${'e'.repeat(64)}`), GGUF);
  await manifest('hub.example/somebody/story/latest', layer(`sha256:${'e'.repeat(64)}`));
  await manifest('hub.example/library/no-json/latest', '{');
  await manifest('hub.example/library/no-layers/latest', '{"layers":"many"}');
  await manifest('hub.example/library/path/latest', layer('sha256:../../../../etc/passwd'));
  await manifest('hub.example/library/gone/latest', layer(`sha256:${'b'.repeat(64)}`));
  await put(join(folder, `blobs/sha256-${'c'.repeat(64)}`), 'no GGUF at all');
  await manifest('hub.example/library/other/latest', layer(`sha256:${'c'.repeat(64)}`));
  await put(join(home, 'outside.gguf'), GGUF);
  await link(join(home, 'outside.gguf'), join(folder, `blobs/sha256-${'d'.repeat(64)}`));
  await manifest('hub.example/library/outside/latest', layer(`sha256:${'d'.repeat(64)}`));
  await manifest('hub.example/library/huge/latest', ' '.repeat(1024 * 1024) + layer(`sha256:${HASH}`));
  const { models } = await look(home);
  expect(models).toMatchObject([
    { source: 'ollama', name: 'llama3.2:1b', path: blob, bytes: 64 },
    { source: 'ollama', name: 'somebody/story:latest', path: story },
  ]);
  expect(new Set(models.map(({ id }) => id)).size).toBe(models.length);
});

test('finds LM Studio’s files, combines parts, and follows neither cycles nor links to the outside', async () => {
  const home = await temporaryFolder();
  const folder = join(home, '.lmstudio/models');
  await put(join(folder, 'a/b/model-Q4_K_M.gguf'), GGUF);
  await put(join(folder, 'a/b/mmproj-model.gguf'), GGUF);
  await put(join(folder, 'a/b/model-mmproj-f16.gguf'), GGUF);
  const first = await put(join(folder, 'a/big/big-00001-of-00002.gguf'), GGUF);
  await put(join(folder, 'a/big/big-00002-of-00002.gguf'), GGUF);
  await put(join(folder, 'a/b/c/d/too-deep.gguf'), GGUF);
  await link(folder, join(folder, 'a/circle'));
  await link('loop.gguf', join(folder, 'a/loop.gguf'));
  await put(join(home, 'secret.gguf'), GGUF);
  await link(join(home, 'secret.gguf'), join(folder, 'a/secret.gguf'));
  expect((await look(home)).models).toMatchObject([
    { source: 'lmstudio', name: 'model-Q4_K_M' },
    { name: 'big', path: first, bytes: 128 },
  ]);
});

test('stops in endless folders, and reports it', async () => {
  const home = await temporaryFolder();
  const folder = join(home, '.lmstudio/models/a/b');
  await mkdir(folder, { recursive: true });
  await Promise.all(Array.from({ length: 5100 }, (_, i) => writeFile(join(folder, `${i}.txt`), '')));
  const { places } = await look(home);
  expect(places.find(({ source, state }) => source === 'lmstudio' && state !== 'missing')?.state).toBe('limited');
});
