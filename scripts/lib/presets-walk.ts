/** Screenshots of the simple sampling panel, of presets, and of messages with files. */
import type { Page } from 'playwright';
import { ChatPage } from '../../e2e/pages/chat.ts';
import { smallPdf } from '../../e2e/support/small-pdf.ts';
import { withNewChart } from './new-chart.ts';
import type { Shot } from '../screenshots.ts';

const MODELFILE = `FROM llama3.2
PARAMETER temperature 0.45
PARAMETER top_p 0.8
PARAMETER num_ctx 4096
PARAMETER penalize_newline false
SYSTEM You are a patient teacher. Explain one thing at a time.
`;
const NOTES = Buffer.from('# Notes\n\nOnce upon a time there was a little robot named Tom.\n');
const TABLE = Buffer.from('name,age\nTom,7\nLily,6\n');

const file = (name: string, buffer: Buffer) => ({ name, buffer, mimeType: 'application/octet-stream' });

export async function walkPresets(page: Page, shot: Shot): Promise<void> {
  const chat = new ChatPage(page);
  await chat.ready();
  const showPanel = async () => {
    const tab = chat.id('panel-tab-sampling');
    if (!(await tab.isVisible())) await chat.id('panel-toggle').click();
    await tab.click();
  };
  const escape = () => page.keyboard.press('Escape');
  await showPanel();
  await withNewChart(page, () => chat.id('setting-preset').selectOption('precise'));
  await chat.set('maxTokens', 24);
  await shot('presets-panel');
  await shot.small('presets-panel', showPanel, escape);

  await chat.id('preset-menu').click();
  await chat.id('preset-save').click();
  await chat.id('item-name').fill('For short stories');
  await shot('presets-save');
  await chat.id('item-save').click();
  await chat.set('temperature', 0.5);
  await chat.id('preset-menu').click();
  await shot('presets-menu');
  await escape();
  await chat.id('preset-file').setInputFiles(file('Modelfile', Buffer.from(MODELFILE)));
  await chat.id('unmapped').waitFor();
  await shot('presets-import');
  await shot.small(
    'presets-import',
    () => chat.id('panel-toggle').click(),
    async () => {
      await chat.id('preset-import-close').click();
      await escape();
    },
  );
  await chat.id('system-prompt-toggle').click();
  await chat.id('prompt-library').click();
  await shot('presets-library');
  await escape();
  await shot.small('presets-library', () => chat.id('prompt-library').click(), escape);
  await chat.id('system-prompt-toggle').click();
  await chat.id('panel-toggle').click();

  const files = [
    file('notes.md', NOTES),
    file('children.csv', TABLE),
    file('A report with a rather long name, second edition.pdf', smallPdf(['The little robot had a red ball.'])),
    file('photo.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 0])),
  ];
  await chat.id('attach-file').setInputFiles(files);
  await chat.id('attach-problem').waitFor();
  await chat.id('composer').fill('Tell me more about Tom.');
  // The image is refused.
  for (const index of [0, 1, 2]) {
    const counted = chat
      .id('attached-file')
      .nth(index)
      .getByText(/\d tokens?$/);
    await counted.waitFor();
  }
  await shot('attachments-composer');
  await shot.small('attachments-composer');
  await chat.id('composer').press('Enter');
  await chat.finished();
  await chat.id('turn-file').first().click();
  await shot('attachments-thread');
  await shot.small('attachments-thread');
  await chat.id('turn-file').first().click();
  await chat.id('user-turn').hover();
  await chat.id('edit-turn').click();
  await shot('attachments-edit');
  await shot.small('attachments-edit');
  await chat.id('turn-editor-cancel').click();

  await chat.newChat();
  const long = Buffer.from('Once upon a time there was a dog. '.repeat(400));
  await chat.id('attach-file').setInputFiles(file('a long story.txt', long));
  await chat.id('attach-too-big').waitFor();
  await shot('attachments-too-big');
  await shot.small('attachments-too-big');
  await chat.id('attach-cut').click();
  // The whole file has thousands of tokens.
  await chat.id('attach-too-big').waitFor({ state: 'hidden' });
  await chat
    .id('attached-note')
    .filter({ hasText: /Cut to the first \d{1,3} of/ })
    .waitFor();
  await shot('attachments-cut');
}
