/** Files in messages. */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import { expectNoViolations, expectNoViolationsIn } from './support/axe.ts';
import { smallPdf } from './support/small-pdf.ts';
import { expect, test } from './support/test.ts';

/** Written by reportlab and, where they are encrypted, pypdf. */
const FIXTURES = resolve('src-renderer/features/chat/attachments/fixtures');

test('files are attached, sent, edited, and read again after a restart', async ({ app, dataDir }) => {
  const files = { text: join(dataDir, 'note.txt'), pdf: join(dataDir, 'report.pdf'), image: join(dataDir, 'x.png') };
  await writeFile(files.text, Buffer.from('caf\u00e9', 'latin1'));
  await writeFile(files.pdf, smallPdf(['The first page.', 'The (second) page.']));
  await writeFile(files.image, Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0]));
  let chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 5);
  await chat.id('attach-file').setInputFiles([files.text, files.pdf, files.image]);
  const attached = chat.id('attached-file');
  await expect(chat.id('attach-problem')).toHaveText(/^\s*x\.png is a PNG image/);
  await expect(attached).toHaveCount(2);
  await expect(attached.first()).toContainText('Not valid UTF-8, so it was read as Latin-1.');
  await expect(attached.first()).toContainText(/\d+\stokens?/);
  await expectNoViolations(app.page, 'attached files');
  await expectNoViolationsIn(['dark', 'contrast'], app.page, 'attached files');

  await chat.openPanel('prompt');
  await expect(chat.id('rendered-chat')).toContainText('The first page.');
  expect((await chat.ask('What is it?')).reason).not.toBe('error');
  await expect(chat.id('text-model-hint')).toContainText('TinyTransformer continues texts.');
  await expect(attached).toHaveCount(0);
  const turn = chat.id('user-turn');
  await expect(turn).toContainText('What is it?');
  await expect(turn).not.toContainText('The first page.');
  await turn.getByTestId('turn-file').last().click();
  await expect(turn.getByTestId('turn-file-text')).toContainText('File: report.pdf');
  await expect(turn.getByTestId('turn-file-text')).toContainText('The (second) page.');
  await expectNoViolations(app.page, 'a message with files');
  await expectNoViolationsIn(['dark', 'contrast'], app.page, 'a message with files');

  // Another version has the same files, unless they are removed in the editor.
  await chat.id('edit-turn').click();
  await expect(chat.id('turn-editor-text')).toHaveValue('What is it?');
  await expectNoViolationsIn(['light', 'dark', 'contrast'], app.page, 'files in an editor');
  await turn.getByTestId('turn-file-remove').last().click();
  await expect(turn.getByTestId('turn-file')).toHaveText([/note\.txt/]);
  await chat.id('turn-editor-cancel').click();
  await chat.id('edit-turn').click();
  await expect(turn.getByTestId('turn-file')).toHaveCount(2);
  await turn.getByTestId('turn-file-remove').last().click();
  await chat.id('turn-editor-text').fill('And now?');
  await chat.id('editor-send').click();
  await expect(turn.getByTestId('pager')).toContainText('2 / 2');
  await chat.finished();
  await app.restart();
  chat = new ChatPage(app.page);
  await chat.ready();
  await expect(chat.id('user-turn')).toContainText('And now?');
  await expect(chat.id('turn-file')).toHaveText([/note\.txt/]);
  const [summary] = await app.services.invoke('chatsList');
  const stored = await app.services.invoke('chatGet', summary!.id);
  const user = stored!.turns.findLast(({ role }) => role === 'user')!;
  expect(user.text).toBe('File: note.txt\n```\ncafé\n```\n\nAnd now?');
  // The first version is unchanged.
  expect(stored!.turns.find(({ role }) => role === 'user')!.text).toBe(
    'File: note.txt\n```\ncafé\n```\n\nFile: report.pdf\n```\nThe first page.\n\nThe (second) page.\n```\n\nWhat is it?',
  );
});

test('a file that is too big is cut, or removed', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  const models = new ModelsPage(app);
  // Dropped anywhere.
  await models.drag('long.md', Buffer.from('Once upon a time there was a dog. '.repeat(400)), ['dragenter', 'drop']);
  await expect(chat.id('attach-too-big')).toContainText('The window holds 1,000');
  await expect(chat.id('send')).toBeDisabled();
  await expectNoViolationsIn(['light', 'dark', 'contrast'], app.page, 'a file that is too big');
  await chat.id('attach-cut').click();
  await expect(chat.id('attached-note')).toContainText(/Cut to the first [\d,]+ of [\d,]+\stokens/);
  // Only the note counts.
  await expect(chat.id('attached-file')).not.toContainText(/B, [\d,]+\stokens/);
  await expect(chat.id('attach-too-big')).toHaveCount(0);
  expect((await chat.ask('Continue.')).reason).not.toBe('error');

  await chat.newChat();
  await models.drag('long.md', Buffer.from('Once upon a time there was a dog. '.repeat(400)), ['dragenter', 'drop']);
  await chat.id('attach-cancel').click();
  await expect(chat.id('attached-file')).toHaveCount(0);
});

test(
  'text is pasted without its picture; a file without an extension is attached',
  { tag: '@full' },
  async ({ app }) => {
    const chat = new ChatPage(app.page);
    await chat.ready();
    /** @returns whether the browser pastes the text */
    const paste = (file: { name: string; type: string }) =>
      chat.id('composer').evaluate((box, { name, type }) => {
        const clipboardData = new DataTransfer();
        clipboardData.setData('text/plain', '1\t2');
        clipboardData.items.add(new File(['12'], name, { type }));
        return box.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
      }, file);
    // As spreadsheets copy cells.
    expect(await paste({ name: 'image.png', type: 'image/png' })).toBe(true);
    expect(await paste({ name: 'note.txt', type: 'text/plain' })).toBe(false);
    await expect(chat.id('attached-file')).toHaveText([/note\.txt/]);
    await expect(chat.id('attach-problem')).toHaveCount(0);

    await new ModelsPage(app).drag('LICENSE', Buffer.from('Do what you want.'), ['dragenter', 'drop']);
    await expect(chat.id('attached-file')).toHaveText([/note\.txt/, /LICENSE/]);
    await expect(chat.id('composer-box')).toBeVisible();
  },
);

test('the text of a sent file is scrolled by keyboard', { tag: '@full' }, async ({ app, dataDir }) => {
  const chat = await new ChatPage(app.page).readyForShortReplies();
  const path = join(dataDir, 'lines.txt');
  await writeFile(path, Array.from({ length: 40 }, (_, at) => `Line ${at}`).join('\n'));
  await chat.id('attach-file').setInputFiles(path);
  await expect(chat.id('attached-file')).toHaveCount(1);
  await chat.ask('What is it?');
  await chat.id('turn-file').click();
  const text = chat.id('turn-file-text').locator('pre');
  await text.focus();
  await app.page.keyboard.press('ArrowDown');
  await expect.poll(() => text.evaluate(({ scrollTop }) => scrollTop)).toBeGreaterThan(0);
  await expect(text).toBeFocused();
});

test('PDF files are read in any language, or refused with the reason', { tag: '@full' }, async ({ app, dataDir }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  const written = async (name: string, bytes: Buffer) => {
    await writeFile(join(dataDir, name), bytes);
    return join(dataDir, name);
  };
  const fixture = (name: string) => join(FIXTURES, name);
  const attached = chat.id('attached-file');
  // They name fonts that are not in them, so the text needs the character maps.
  const languages = ['chinese', 'japanese', 'korean'].map((name) => fixture(`${name}.pdf`));
  await chat.id('attach-file').setInputFiles([...languages, fixture('owner-password.pdf')]);
  await expect(attached).toHaveCount(4);
  await expect(chat.id('attach-problem')).toHaveCount(0);
  await chat.ask('What is it?');
  for (const [at, text] of ['简体中文文件。', '日本語の文書。', '한국어 문서.', 'The secret page.'].entries()) {
    await chat.id('turn-file').nth(at).click();
    await expect(chat.id('turn-file-text')).toContainText(text);
  }

  await chat.newChat();
  const refused = [
    fixture('password.pdf'),
    await written('scanned.pdf', smallPdf([''])),
    await written('damaged.pdf', Buffer.from('%PDF-1.7\nnothing else')),
    await written('letter.pdf', Buffer.from([0x50, 0x4b, 3, 4, 20, 0])),
    await written('empty.pdf', Buffer.alloc(0)),
  ];
  await chat.id('attach-file').setInputFiles(refused);
  await expect(chat.id('attach-problem').locator('.block')).toHaveText([
    'password.pdf is protected by a password. Save a copy without one and attach that.',
    'scanned.pdf has no text, only images. Recognise its text (OCR) with another program first.',
    'damaged.pdf is damaged: no pages were found in it. Get the file again.',
    'letter.pdf is not a PDF, although its name says so.',
    'empty.pdf is empty.',
  ]);
  await expect(attached).toHaveCount(0);
  await expectNoViolations(app.page, 'files that were refused');

  // A file that was cut off in transfer still has its first pages.
  const whole = smallPdf(['The first page.', 'The second page.', 'The third page.']);
  await chat.id('attach-file').setInputFiles(await written('cut.pdf', whole.subarray(0, whole.length * 0.8)));
  await expect(chat.id('attach-problem').or(attached)).toContainText('cut.pdf');
});
