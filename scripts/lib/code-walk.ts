/** Screenshots of a reply with code: its white space on screen, in the clipboard and as tokens. */
import type { Page } from 'playwright';
import { ChatPage } from '../../e2e/pages/chat.ts';
import { ModelsPage } from '../../e2e/pages/models.ts';
import { CHAT_MODEL } from './picture-texts.ts';
import type { Shot } from '../screenshots.ts';

export async function walkCode(page: Page, shot: Shot, file: string): Promise<void> {
  const chat = new ChatPage(page);
  const models = new ModelsPage({ page, electron: null });
  await chat.ready();
  await models.show();
  await models.open(file);
  await models.load(CHAT_MODEL);
  await chat.id('nav-chat').click();
  await chat.newChat();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 60);
  await chat.greedy();
  await chat.id('panel-toggle').click();
  await chat.ask('Write a Python function that counts the even numbers in a list. Only code.');
  await shot('code');

  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await chat.lastText.evaluate((body) => {
    // As a pointer that selects text does.
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    document.getSelection()?.selectAllChildren(body);
  });
  await page.keyboard.press('Control+c');
  await chat.id('composer').focus();
  await page.keyboard.press('Control+v');
  await chat.id('draft-tokens').waitFor();
  await chat.id('composer').evaluate((box) => box.scrollTo({ top: 0 }));
  await shot('code-pasted');
  await chat.id('composer').fill('');

  await chat.id('view-tokens').click();
  const lineEnd = chat.lastReply.locator('[data-sign="⏎"]').first();
  await lineEnd.scrollIntoViewIfNeeded();
  const box = await lineEnd.boundingBox();
  if (box === null) throw new Error('A line end has no place.');
  await page.mouse.move(box.x + 5, box.y + box.height / 2);
  await chat.id('token-popover').waitFor();
  await shot('code-tokens');
  await page.mouse.move(0, 0);
  await chat.id('view-text').click();
}
