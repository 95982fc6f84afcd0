import { expect, it } from 'vitest';
import { openLibraryModel } from './library-model.ts';

interface Asked {
  url: string;
  token: string | undefined;
}

function webHost(answers: Record<string, unknown>) {
  const asked: Asked[] = [];
  const fetchFile = (async (url: string, init: RequestInit = {}) => {
    asked.push({ url, token: (init.headers as Record<string, string>)['x-tokenscope-token'] });
    const answer = answers[url];
    if (answer === undefined) return new Response('', { status: 404 });
    const body = answer instanceof Uint8Array ? answer : JSON.stringify(answer);
    return new Response(body as BodyInit, { headers: { 'content-length': String(body.length) } });
  }) as typeof fetch;
  return { asked, fetchFile };
}

it('opens a model of the library by its id, with the token in every request', async () => {
  const { asked, fetchFile } = webHost({
    '/api/models/story': { result: { name: 'Story', files: [{ name: 'a b.gguf', size: 3 }], stamp: 'as first seen' } },
    '/api/models/story/a%20b.gguf': Uint8Array.of(1, 2, 3),
  });
  const model = await openLibraryModel('story', 'secret', fetchFile);
  expect(model).toMatchObject({ id: 'story', name: 'Story', names: ['a b.gguf'], stamp: 'as first seen' });
  const source = await model?.open('a b.gguf');
  expect([...((await source?.read(1, 2)) ?? [])]).toEqual([2, 3]);
  await expect(model?.open('other')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  expect(new Set(asked.map(({ token }) => token))).toEqual(new Set(['secret']));
});

it('returns null for a model that is not in the library, and reports why one of it cannot be opened', async () => {
  const gone = { error: { code: 'MODEL_NOT_FOUND', message: 'It is gone.', details: {} } };
  const { asked, fetchFile } = webHost({ '/api/models/tiny': { result: null }, '/api/models/gone': gone });
  expect(await openLibraryModel('tiny', 'secret', fetchFile)).toBeNull();
  await expect(openLibraryModel('gone', 'secret', fetchFile)).rejects.toMatchObject({
    code: 'MODEL_NOT_FOUND',
    message: 'It is gone.',
  });
  expect(await openLibraryModel('../x', 'secret', fetchFile)).toBeNull();
  expect(await openLibraryModel('tiny', '', fetchFile)).toBeNull();
  expect(asked).toHaveLength(2);
  const offline = (() => Promise.reject(new TypeError('fetch failed'))) as typeof fetch;
  await expect(openLibraryModel('tiny', 'secret', offline)).rejects.toMatchObject({ code: 'MODEL_IO' });
});
