import { describe, expect, it } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { PromptInput } from '../../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import { AttachmentDrafts } from './attachment-drafts.svelte.ts';
import { AttachmentFit } from './attachment-fit.svelte.ts';
import { decodeText } from './decode-text.ts';
import { isAttachable, kindOf, languageOf } from './kinds.ts';
import { attachedText, blockOf, messageFrom, typedOf, withTyped, type AttachedFile } from './message-text.ts';
import { MAX_TEXT_FILE, readFile } from './read-file.ts';

const bytes = (...values: number[]) => new Uint8Array(values);
const utf16 = (text: string, first: number[], big: boolean) =>
  new Uint8Array([...first, ...[...text].flatMap((one) => (big ? [0, one.charCodeAt(0)] : [one.charCodeAt(0), 0]))]);

describe('decodeText', () => {
  it.each([
    ['UTF-8', new TextEncoder().encode('Grüße 🙂\r\nx\ry'), 'Grüße 🙂\nx\ny', null],
    ['UTF-8 with a mark', bytes(0xef, 0xbb, 0xbf, 0x61), 'a', null],
    ['UTF-16 little-endian', utf16('ab', [0xff, 0xfe], false), 'ab', 'Read as UTF-16LE.'],
    ['UTF-16 big-endian', utf16('ab', [0xfe, 0xff], true), 'ab', 'Read as UTF-16BE.'],
    ['UTF-16 without a mark', utf16('hello', [], false), 'hello', 'Read as UTF-16LE.'],
    ['Latin-1', bytes(0x63, 0x61, 0x66, 0xe9), 'café', 'Not valid UTF-8, so it was read as Latin-1.'],
  ])('reads %s', (_, file, text, note) => {
    expect(decodeText(file, 'a.txt')).toEqual({ text, note });
  });

  it.each([
    ['a PNG image', bytes(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0)],
    ['a ZIP archive', bytes(0x50, 0x4b, 0x03, 0x04, 0x14, 0)],
    ['a model file', bytes(0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0)],
    ['byte 3 is 0', bytes(0x61, 0x62, 0x63, 0, 0x64)],
    ['control characters', bytes(1, 2, 3, 0x61, 0x62, 0x63, 0x64)],
  ])('refuses %s', (what, file) => {
    expect(() => decodeText(file, 'x.txt')).toThrow(what);
  });
});

describe('kinds', () => {
  it('are known by the extension', () => {
    const names = ['a.MD', 'b.csv', 'c.pdf', 'd.py', 'e.txt', 'Makefile'];
    expect(names.map(kindOf)).toEqual(['markdown', 'csv', 'pdf', 'code', 'text', 'text']);
    expect(names.map(languageOf)).toEqual(['markdown', 'csv', '', 'python', '', '']);
    expect(['a.txt', 'm.gguf', 'model.safetensors', 'model.bin', 'run.tokenscope', 'folder'].map(isAttachable)).toEqual(
      [...[true, false, false, false, false, false]],
    );
  });
});

const fileOf = (name: string, content: string): AttachedFile => ({
  ...{ id: name, name, kind: kindOf(name), bytes: content.length, content, notes: [] },
});

describe('messages with files', () => {
  const files = [fileOf('a.py', 'x = 1\n'), fileOf('b.md', '```js\ny\n```')];
  const message = messageFrom('What is x?', files);

  it('are exactly what the model reads', () => {
    expect(message.text).toBe(
      'File: a.py\n```python\nx = 1\n```\n\nFile: b.md\n````markdown\n```js\ny\n```\n````\n\nWhat is x?',
    );
    expect(message.attachments.map((one) => attachedText(message, one))).toEqual(files.map(blockOf));
    expect(typedOf(message)).toBe('What is x?');
  });

  it('keep their files when the typed text is edited', () => {
    const edited = withTyped(message, 'And y?');
    expect(edited).toEqual(messageFrom('And y?', files));
    expect(withTyped(message, ' ')).toEqual(messageFrom('', files));
    expect(typedOf(messageFrom('', files))).toBe('');
    expect(typedOf(messageFrom('\n\nblank lines', files))).toBe('\n\nblank lines');
  });

  it('are as they were typed without files', () => {
    expect(messageFrom(' hello ', [])).toEqual({ text: ' hello ', attachments: [] });
    expect(withTyped({ text: 'a', attachments: [] }, 'b')).toEqual({ text: 'b', attachments: [] });
  });
});

const source = (name: string, content: string, size = content.length) => ({
  name,
  size,
  arrayBuffer: async () => new TextEncoder().encode(content).buffer,
});
const noPdf = () => Promise.reject(new EngineError('BAD_REQUEST', 'broken'));

describe('readFile', () => {
  it('reads the text of PDF files, and says what is missing', async () => {
    const file = await readFile(source('a.pdf', '%PDF'), async () => ({ pages: ['One', ' ', 'Three'], total: 9 }));
    expect(file).toMatchObject({ kind: 'pdf', content: 'One\n\nThree', bytes: 4 });
    expect(file.notes).toEqual([
      'The text of 3 pages, without its layout and images.',
      'Only the first 3 of 9 pages.',
      '1 page without text.',
    ]);
  });

  it.each([
    ['an empty file', source('a.txt', ''), 'is empty'],
    ['a file without text', source('a.txt', ' \n'), 'has no text'],
    ['a large file', source('a.txt', 'x', MAX_TEXT_FILE + 1), 'The limit is'],
    ['a broken PDF', source('a.pdf', 'x'), 'broken'],
  ])('refuses %s', async (_, file, why) => {
    await expect(readFile(file, noPdf)).rejects.toThrow(why);
  });

  it('refuses scanned PDF files', async () => {
    const scanned = readFile(source('a.pdf', 'x'), async () => ({ pages: [''], total: 1 }));
    await expect(scanned).rejects.toThrow('only images');
  });
});

it('drafts keep files per chat, and why others were refused', async () => {
  let key = 'one';
  const drafts = new AttachmentDrafts(() => key, noPdf);
  await drafts.add([new File(['hello'], 'a.txt'), new File([bytes(0, 1)], 'b.txt'), new File(['x'], 'c.txt')]);
  expect(drafts.files.map(({ name }) => name)).toEqual(['a.txt', 'c.txt']);
  expect(drafts.problems).toEqual([expect.stringContaining('b.txt is a binary file') as string]);
  key = 'two';
  expect(drafts.files).toEqual([]);
  key = 'one';
  const taken = drafts.take();
  expect(drafts.files).toEqual([]);
  drafts.putBack(taken);
  drafts.remove(taken[0]!.id);
  expect(drafts.files.map(({ name }) => name)).toEqual(['c.txt']);
});

/** An engine in which a token is one character. */
const engine = {
  call: async (method: string, params: { text?: string; messages?: { text: string }[] }) => {
    const text = params.text ?? params.messages?.map((message) => message.text).join('') ?? '';
    const ids = [...text].map((_, at) => at);
    return { ids, ranges: Int32Array.from(ids.flatMap((at) => [at, at + 1])), method };
  },
} as unknown as EngineApi;

describe('files that are too big', () => {
  const limits = { window: 200, maxTokens: 1000 };
  const promptOf = (files: readonly AttachedFile[]): PromptInput => ({
    kind: 'chat',
    messages: [{ role: 'user', text: messageFrom('Why?', files).text }],
  });
  const files = [fileOf('small.txt', 'x'.repeat(30)), fileOf('big.txt', 'y'.repeat(500))];

  it('are counted with the prompt, and cut until they fit with room for the reply', async () => {
    const fit = new AttachmentFit(() => ({ ready: async () => engine }));
    await fit.measure({ files, prompt: promptOf(files) }, limits, new AbortController().signal);
    expect(fit.count?.files.get('big.txt')).toBe(500);
    expect(fit.isTooBig).toBe(true);
    const cut = await fit.cut(files, promptOf, limits);
    expect(cut[0]).toBe(files[0]);
    expect(messageFrom('Why?', cut).text.length).toBeLessThanOrEqual(limits.window - 50);
    expect(cut[1]?.notes).toEqual([`Cut to the first ${cut[1]?.content.length} of 500 tokens.`]);
    await fit.measure({ files: cut, prompt: promptOf(cut) }, limits, new AbortController().signal);
    expect(fit.isTooBig).toBe(false);
  });

  it('are refused if too little of them would be left', async () => {
    const fit = new AttachmentFit(() => ({ ready: async () => engine }));
    await expect(fit.cut(files, promptOf, { window: 60, maxTokens: 10 })).rejects.toThrow('no room');
  });
});
