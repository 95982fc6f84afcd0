import { describe, expect, it } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { PromptInput } from '../../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import { AttachmentDrafts } from './attachment-drafts.svelte.ts';
import { AttachmentFit, isCut } from './attachment-fit.svelte.ts';
import { decodeText } from './decode-text.ts';
import { isAttachable, kindOf, languageOf } from './kinds.ts';
import { attachedText, blockOf, filesIn, messageFrom, typedOf, withTyped, type AttachedFile } from './message-text.ts';
import { pastedFiles } from './pasted-files.ts';
import { MAX_TEXT_FILE, readFile } from './read-file.ts';
import { hasHeader, pdfProblem } from './read-pdf.ts';

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
  });

  it('of dropped files are models if their names say so; what has no extension is attached', () => {
    const hash = '0123456789abcdef'.repeat(4);
    for (const name of ['a.txt', 'Dockerfile', 'LICENSE', 'Makefile', '.gitignore', 'sha256-notes']) {
      expect([name, isAttachable(name)]).toEqual([name, true]);
    }
    const models = ['m.gguf', 'model.safetensors', 'model.bin', 'run.tokenscope', `sha256-${hash}`, hash];
    for (const name of models) expect([name, isAttachable(name)]).toEqual([name, false]);
  });
});

describe('pastedFiles', () => {
  const paste = (text: string, ...types: string[]) => {
    const files = types.map((type) => ({ type }) as File);
    return pastedFiles({ files: files as unknown as FileList, getData: () => text }).map(({ type }) => type);
  };

  it('are not pasted where they are pictures of the text', () => {
    expect(paste('1\t2', 'image/png')).toEqual([]);
    expect(paste('1\t2', 'image/png', 'image/svg+xml')).toEqual([]);
  });

  it('are pasted without a text, or if one is something else', () => {
    expect(paste('', 'image/png')).toEqual(['image/png']);
    expect(paste('note.txt', 'text/plain')).toEqual(['text/plain']);
    expect(paste('a b', 'image/png', 'application/pdf')).toEqual(['image/png', 'application/pdf']);
    expect(paste('a')).toEqual([]);
    expect(pastedFiles(null)).toEqual([]);
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

  it('keep their files, or some of them, when they are edited', () => {
    const edited = withTyped(message, 'And y?');
    expect(edited).toEqual(messageFrom('And y?', files));
    expect(withTyped(message, ' ')).toEqual(messageFrom('', files));
    expect(withTyped(message, 'And y?', message.attachments.slice(1))).toEqual(messageFrom('And y?', files.slice(1)));
    expect(withTyped(message, 'And y?', [])).toEqual(messageFrom('And y?', []));
    expect(typedOf(messageFrom('', files))).toBe('');
    expect(typedOf(messageFrom('\n\nblank lines', files))).toBe('\n\nblank lines');
  });

  it('give their files back, which are the same when they are sent again', () => {
    const sent = messageFrom('', [...files, fileOf('empty.txt', ''), fileOf('c d.txt', '\n```\n\n')]);
    const back = filesIn(sent);
    expect(back.map(({ content }) => content)).toEqual(['x = 1\n', '```js\ny\n```\n', '', '\n```\n\n']);
    expect(back[0]).toMatchObject({ name: 'a.py', kind: 'code', bytes: 6, notes: [] });
    expect(messageFrom('', back)).toEqual(sent);
    expect(filesIn({ text: 'a', attachments: [] })).toEqual([]);
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

it('a file of fences alone is fenced', () => {
  expect(blockOf(fileOf('a.txt', '```\n'.repeat(200_000))).startsWith('File: a.txt\n````\n```\n')).toBe(true);
});

describe('readFile', () => {
  it('reads the text of PDF files, and says what is missing', async () => {
    const pages = ['One', ' ', 'Three', ''];
    const file = await readFile(source('a.pdf', '%PDF'), async () => ({ pages, total: 9, damaged: [4] }));
    expect(file).toMatchObject({ kind: 'pdf', content: 'One\n\nThree', bytes: 4 });
    expect(file.notes).toEqual([
      'The text of 2 pages, without layout and images.',
      'Only the first 4 of 9 pages.',
      '1 page without text, perhaps scanned.',
      '1 damaged page left out.',
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

  it.each([
    ['scanned', { pages: ['', ''], total: 2, damaged: [2] }, 'a.pdf has no text, only images.'],
    ['damaged', { pages: ['', ''], total: 2, damaged: [1, 2] }, 'a.pdf is damaged: none of its 2 pages can be read.'],
  ])('refuses %s PDF files', async (_, read, why) => {
    await expect(readFile(source('a.pdf', 'x'), async () => read)).rejects.toThrow(why);
  });

  it('says why a PDF could not be parsed', () => {
    const named = (name: string) => Object.assign(new Error('Bad XRef entry.'), { name });
    const problems = [
      pdfProblem('a.pdf', named('PasswordException'), true),
      pdfProblem('a.pdf', named('InvalidPDFException'), true),
      pdfProblem('a.pdf', named('InvalidPDFException'), false),
      pdfProblem('a.pdf', named('Error'), true),
      pdfProblem('a.pdf', new DOMException('', 'TimeoutError'), true),
    ];
    expect(problems).toEqual([
      'a.pdf is protected by a password. Save a copy without one and attach that.',
      'a.pdf is damaged: no pages were found in it. Get the file again.',
      'a.pdf is not a PDF, although its name says so.',
      'a.pdf could not be read. Bad XRef entry.',
      'a.pdf could not be read within two minutes. Save fewer of its pages as a PDF and attach that.',
    ]);
    const bytesOf = (text: string) => new TextEncoder().encode(text).buffer;
    expect(hasHeader(bytesOf('garbage before\n%PDF-1.4'))).toBe(true);
    expect(hasHeader(bytesOf('PK'))).toBe(false);
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

it('drafts have no more files than a message can have, however they are attached', async () => {
  const drafts = new AttachmentDrafts(
    () => 'one',
    () => Promise.reject(new Error('No PDF.')),
  );
  const some = (from: number) => Array.from({ length: 12 }, (_, at) => new File(['x'], `${from + at}.txt`));
  await Promise.all([drafts.add(some(0)), drafts.add(some(12))]);
  expect(drafts.files).toHaveLength(20);
  expect(drafts.problems).toHaveLength(4);
  expect(drafts.reading).toEqual([]);
});

it('drafts of a chat join those of another, also while they are read', async () => {
  let key = 'one';
  const drafts = new AttachmentDrafts(
    () => key,
    () => Promise.reject(new Error('No PDF.')),
  );
  const file = (name: string) => new File(['x'], name);
  await drafts.add([file('a.txt')]);
  key = 'two';
  await drafts.add([file('b.txt')]);
  const adding = drafts.add([file('c.txt')]);
  key = 'one';
  drafts.move('two', 'one');
  await adding;
  expect(drafts.files.map(({ name }) => name)).toEqual(['a.txt', 'b.txt', 'c.txt']);
  key = 'two';
  expect(drafts.files).toEqual([]);
});

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
    expect(cut.map(isCut)).toEqual([false, true]);
    await fit.measure({ files: cut, prompt: promptOf(cut) }, limits, new AbortController().signal);
    expect(fit.isTooBig).toBe(false);
  });

  it('are cut any number of times, and say only how much is left', async () => {
    const fit = new AttachmentFit(() => ({ ready: async () => engine }));
    let cut: readonly AttachedFile[] = [{ ...fileOf('big.txt', 'y'.repeat(500)), notes: ['Read as UTF-16LE.'] }];
    for (let window = 400; window > 150; window -= 20) {
      cut = await fit.cut(cut, promptOf, { ...limits, window });
    }
    expect(cut[0]?.notes).toEqual(['Read as UTF-16LE.', `Cut to the first ${cut[0]?.content.length} of 500 tokens.`]);
  });

  it('are counted without the turns that would be dropped', async () => {
    const fit = new AttachmentFit(() => ({ ready: async () => engine }));
    const messages = [
      { role: 'system', text: 'xxxxx' },
      { role: 'user', text: 'x'.repeat(300) },
      { role: 'assistant', text: 'x'.repeat(300) },
      { role: 'user', text: 'x'.repeat(100) },
    ] as const;
    const promptWhen = (whenFull: 'stop' | 'drop_oldest'): PromptInput => ({
      kind: 'chat',
      messages: [...messages],
      whenFull,
    });
    const { signal } = new AbortController();
    await fit.measure({ files, prompt: promptWhen('stop') }, limits, signal);
    expect(fit.count?.prompt).toBe(705);
    await fit.measure({ files, prompt: promptWhen('drop_oldest') }, limits, signal);
    expect(fit.count?.prompt).toBe(105);
    expect(fit.isTooBig).toBe(false);
  });

  it('are refused if too little of them would be left', async () => {
    const fit = new AttachmentFit(() => ({ ready: async () => engine }));
    await expect(fit.cut(files, promptOf, { window: 60, maxTokens: 10 })).rejects.toThrow('no room');
  });
});
