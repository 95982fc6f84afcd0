/** Presets of one's own, settings files of other programs, system prompts, and settings of one chat. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatPage } from './pages/chat.ts';
import { expectNoViolations, expectNoViolationsIn } from './support/axe.ts';
import { saveOffered } from './support/saved-file.ts';
import { expect, test } from './support/test.ts';

const MODELFILE = `FROM llama3.2
PARAMETER temperature 0.45
PARAMETER top_p 0.8
PARAMETER num_ctx 4096
SYSTEM You are Mario.
`;

test('presets are saved, imported and chosen, and a chat has its own settings', async ({ app, dataDir }) => {
  let chat = new ChatPage(app.page);
  await chat.ready();
  const preset = chat.id('setting-preset');
  await chat.id('panel-tab-sampling').click();
  // Only the usual settings, until the chain is opened.
  await expect(chat.id('full-chain')).toHaveAttribute('aria-expanded', 'false');
  await expect(chat.id('chain')).toHaveCount(0);
  await expect(preset.locator('option')).toHaveText(['Balanced', 'Precise', 'Creative', 'Deterministic']);
  await preset.selectOption('precise');
  await expect(chat.id('setting-temperature')).toHaveValue('0.30');
  await expect(chat.id('other-settings')).toHaveText('Also on: Top-k, Min-p');
  await expectNoViolations(app.page, 'the simple sampling panel');
  await expectNoViolationsIn(['dark', 'contrast'], app.page, 'the simple sampling panel');

  await chat.set('temperature', 0.35);
  await expect(preset).toHaveValue('own');
  await chat.set('maxTokens', 5);
  await chat.id('preset-menu').click();
  await chat.id('preset-save').click();
  await chat.id('item-name').fill('My own');
  await chat.id('item-save').click();
  await expect(preset.locator('option:checked')).toHaveText('My own');
  await chat.set('temperature', 0.4);
  await expect(preset.locator('option:checked')).toHaveText('My own (edited)');
  // It is still so after another tab was shown.
  await chat.id('panel-tab-stop').click();
  await chat.id('panel-tab-sampling').click();
  await expect(preset.locator('option:checked')).toHaveText('My own (edited)');
  await chat.id('preset-menu').click();
  await chat.id('preset-update').click();
  await expect(preset.locator('option:checked')).toHaveText('My own');

  const modelfile = join(dataDir, 'Modelfile');
  await writeFile(modelfile, MODELFILE);
  await chat.id('preset-file').setInputFiles(modelfile);
  await expect(chat.id('unmapped').locator('tbody tr')).toHaveText([/^FROM/, /^num_ctx/]);
  await expectNoViolations(app.page, 'what an import left out');
  await expectNoViolationsIn(['dark', 'contrast'], app.page, 'what an import left out');
  await chat.id('preset-import-close').click();
  await preset.selectOption('Modelfile');
  await expect(chat.id('setting-topP')).toHaveValue('0.80');

  // The system prompt of the file is in the library.
  await chat.id('system-prompt-toggle').click();
  await chat.id('prompt-library').click();
  await chat.id('prompt-saved').click();
  await expect(chat.id('system-prompt')).toHaveValue('You are Mario.');

  // Of this chat only.
  await chat.id('setting-scope').selectOption('chat');
  await preset.selectOption('deterministic');
  const first = await chat.ask('Once upon a time');
  expect(first.reason).not.toBe('error');
  await chat.newChat();
  await expect(preset.locator('option:checked')).toHaveText('Modelfile');
  await app.restart();
  chat = new ChatPage(app.page);
  await chat.ready();
  await chat.id('chat-item').click();
  await expect(chat.id('setting-preset')).toHaveValue('deterministic');
  await expect(chat.id('setting-scope')).toHaveValue('chat');
});

test('exported presets are imported again, and deletions are undone', { tag: '@full' }, async ({ app, dataDir }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.id('panel-tab-sampling').click();
  await chat.set('temperature', 0.35);
  await chat.id('preset-menu').click();
  await chat.id('preset-save').click();
  await chat.id('item-name').fill('Shared');
  await chat.id('item-name').press('Enter');
  await expect(chat.id('setting-preset').locator('option:checked')).toHaveText('Shared');
  await expect(app.page.getByRole('dialog')).toHaveCount(0);
  // The focus is back on the menu's button, which the same key must not press.
  await expect(chat.id('preset-menu')).toBeFocused();
  await expect(app.page.getByRole('menu')).toHaveCount(0);
  const path = join(dataDir, 'shared.json');
  const name = await saveOffered(app, path, async () => {
    await chat.id('preset-menu').click();
    await chat.id('preset-export').click();
  });
  expect(name).toBe('Shared.json');
  await chat.id('preset-menu').click();
  await chat.id('preset-delete').click();
  const labels = ['Balanced', 'Precise', 'Creative', 'Deterministic', 'Custom'];
  await expect(chat.id('setting-preset').locator('option')).toHaveText(labels);
  await chat.id('preset-file').setInputFiles(path);
  await chat.id('preset-import-close').click();
  await expect(chat.id('setting-preset').locator('option:checked')).toHaveText('Shared');
  expect(JSON.parse(await readFile(join(dataDir, 'presets.json'), 'utf8'))).toMatchObject({
    version: 1,
    items: [{ name: 'Shared', sampling: { temperature: 0.35 } }],
  });
  await writeFile(path, 'Hello world');
  await chat.id('preset-file').setInputFiles(path);
  await expect(chat.id('preset-import-problem')).toContainText('no settings that Tokenscope knows');
});

test('the name of a saved prompt is not that of the next one', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.id('system-prompt-toggle').click();
  const startSaving = async (text: string) => {
    await chat.id('system-prompt').fill(text);
    await chat.id('prompt-library').click();
    await chat.id('prompt-save').click();
  };
  await startSaving('Be brief.');
  await chat.id('item-name').fill('Brief');
  await chat.id('item-name').press('Enter');
  await expect(chat.id('prompt-library')).toContainText('Brief');
  await startSaving('Explain each step.');
  await expect(chat.id('item-name')).toBeFocused();
  await expect(chat.id('item-name')).toHaveValue('');
});

test(
  'a preset with two biases for one text is shown, and named again when it is updated',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const chat = new ChatPage(app.page);
    await chat.ready();
    await chat.openPanel('sampling');
    const textBias = [
      ['cat', 1],
      ['cat', 2],
    ];
    const stored = { kind: 'preset', id: 'twice', name: 'Twice', sampling: { temperature: 0.5, textBias }, stop: {} };
    const path = join(dataDir, 'twice.json');
    await writeFile(path, JSON.stringify({ format: 'tokenscope-presets', version: 1, items: [stored] }));
    await chat.id('preset-file').setInputFiles(path);
    await chat.id('preset-import-close').click();
    const preset = chat.id('setting-preset');
    await preset.selectOption('Twice');
    const biases = chat.id('biases').getByRole('listitem');
    await expect(biases).toHaveCount(2);

    // They belong to this preset.
    await chat.set('temperature', 0.4);
    await expect(preset.locator('option:checked')).toHaveText('Twice (edited)');
    await chat.id('preset-menu').click();
    await chat.id('preset-update').click();
    await expect(preset.locator('option:checked')).toHaveText('Twice');
    expect(JSON.parse(await readFile(join(dataDir, 'presets.json'), 'utf8'))).toMatchObject({
      items: [{ name: 'Twice', sampling: { temperature: 0.4, textBias } }],
    });
    await app.page.getByRole('button', { name: 'Remove the bias for cat' }).first().click();
    await expect(biases).toHaveCount(0);
  },
);
