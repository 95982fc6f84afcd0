import { expect, it } from 'vitest';
import { hostProof } from '../../../protocol/app/known-host.ts';
import { libraryModels } from './library-model.ts';

const ORIGIN = 'http://127.0.0.1:4317';

interface Asked {
  url: string;
  token: string | undefined;
}

/** @param key of the program that answers */
function webHost(answers: Record<string, unknown>, key = 'secret') {
  const asked: Asked[] = [];
  const proofs: RequestInit[] = [];
  const fetchFile = (async (url: string, init: RequestInit = {}) => {
    if (url === '/api/proof') {
      proofs.push(init);
      const { nonce } = JSON.parse(init.body as string) as { nonce: string };
      return new Response(JSON.stringify({ result: hostProof(key, ORIGIN, nonce) }));
    }
    asked.push({ url, token: (init.headers as Record<string, string>)['x-tokenscope-token'] });
    const answer = answers[url];
    if (answer === undefined) return new Response('', { status: 404 });
    const body = answer instanceof Uint8Array ? answer : JSON.stringify(answer);
    return new Response(body as BodyInit, { headers: { 'content-length': String(body.length) } });
  }) as typeof fetch;
  return { asked, proofs, fetchFile };
}

it('opens a model of the library by its id, with the token in every request', async () => {
  const { asked, fetchFile } = webHost({
    '/api/models/story': { result: { name: 'Story', files: [{ name: 'a b.gguf', size: 3 }], stamp: 'as first seen' } },
    '/api/models/story/a%20b.gguf': Uint8Array.of(1, 2, 3),
  });
  const model = await libraryModels('secret', fetchFile, ORIGIN)('story');
  expect(model).toMatchObject({ id: 'story', name: 'Story', names: ['a b.gguf'], stamp: 'as first seen' });
  const source = await model?.open('a b.gguf');
  expect([...((await source?.read(1, 2)) ?? [])]).toEqual([2, 3]);
  await expect(model?.open('other')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  const requests = asked.length;
  expect(await model?.open('a b.gguf'), 'it is still in memory').toBe(source);
  expect(asked).toHaveLength(requests);
  expect(new Set(asked.map(({ token }) => token))).toEqual(new Set(['secret']));
});

it('returns null for a model that is not in the library, and reports why one of it cannot be opened', async () => {
  const gone = { error: { code: 'MODEL_NOT_FOUND', message: 'It is gone.', details: {} } };
  const { asked, fetchFile } = webHost({ '/api/models/tiny': { result: null }, '/api/models/gone': gone });
  const openModel = libraryModels('secret', fetchFile, ORIGIN);
  expect(await openModel('tiny')).toBeNull();
  await expect(openModel('gone')).rejects.toMatchObject({
    code: 'MODEL_NOT_FOUND',
    message: 'It is gone.',
  });
  expect(await openModel('../x')).toBeNull();
  expect(await libraryModels('', fetchFile, ORIGIN)('tiny')).toBeNull();
  expect(asked).toHaveLength(2);
  const offline = (() => Promise.reject(new TypeError('fetch failed'))) as typeof fetch;
  await expect(libraryModels('secret', offline, ORIGIN)('tiny')).rejects.toMatchObject({
    code: 'MODEL_IO',
    message: 'Cannot fetch /api/models/tiny (fetch failed). Check whether Tokenscope is still running.',
  });
});

it('gives the token to no other program, and wants a proof for each model after the first', async () => {
  const files = { '/api/models/story': { result: { name: 'Story', files: [], stamp: '' } } };
  const [host, other] = [webHost(files), webHost(files, 'other')];
  let { fetchFile } = host;
  const current = ((url: string, init?: RequestInit) => fetchFile(url, init)) as typeof fetch;
  const openModel = libraryModels('secret', current, ORIGIN);
  await openModel('story');
  expect(host.proofs, 'a start does not wait for one').toEqual([]);
  ({ fetchFile } = other);
  await expect(openModel('story')).rejects.toMatchObject({ code: 'MODEL_IO' });
  expect(other.asked).toEqual([]);
  expect(other.proofs.map(({ headers }) => headers)).toEqual([{ 'content-type': 'application/json' }]);
  ({ fetchFile } = host);
  for (let load = 0; load < 2; load++) await openModel('story');
  expect(host.proofs).toHaveLength(2);
});
