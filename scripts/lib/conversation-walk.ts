/** Screenshots of formatted replies, versions and the map of a chat, a full context window, find and the command palette. */
import type { Page } from 'playwright';
import { ChatPage } from '../../e2e/pages/chat.ts';
import { ModelsPage } from '../../e2e/pages/models.ts';
import { FORMATTED, longStory } from './picture-texts.ts';
import type { Shot } from '../screenshots.ts';

const WINDOW = 256;

export async function walkConversation(page: Page, shot: Shot): Promise<void> {
  const chat = new ChatPage(page);
  await chat.ready();
  await chat.id('tour-start').click();
  await shot('habits-tour');
  await chat.id('tour-skip').click();
  await chat.readyForShortReplies();
  await chat.openPanel('sampling');
  await chat.set('seed', 1);
  await chat.openPanel('stop');
  await formatted(chat, page, shot);
  await versions(chat, page, shot);
  await searches(chat, page, shot);
  await fullWindow(chat, page, shot);
}

async function formatted(chat: ChatPage, page: Page, shot: Shot): Promise<void> {
  await chat.ask(FORMATTED.question);
  await chat.turnMenu(chat.id('user-turn').first(), 'turn-write');
  await chat.id('turn-editor-text').fill(FORMATTED.reply);
  await chat.id('turn-editor-text').press('Control+Enter');
  const reply = chat.replies.first();
  await reply.locator('math').first().waitFor();
  // The status bar counts what a generated reply had as its prompt.
  await chat.ask('Thank you.');
  const toStart = () => reply.evaluate((element) => element.scrollIntoView({ block: 'start' }));
  await toStart();
  await shot('markdown');
  await shot.small('markdown', toStart);
  await reply
    .getByTestId('maths')
    .last()
    .evaluate((formula) => formula.scrollIntoView({ block: 'center' }));
  await page.mouse.move(0, 0);
  await shot('markdown-table');
}

async function versions(chat: ChatPage, page: Page, shot: Shot): Promise<void> {
  await chat.newChat();
  await chat.ask('The cat sat');
  await chat.ask('Then it');
  await chat.id('user-turn').first().hover();
  await chat.id('user-turn').first().getByTestId('edit-turn').click();
  await chat.id('turn-editor-text').fill('The dog ran');
  await shot('messages-edit');
  await shot.small('messages-edit');
  await chat.id('turn-editor-text').press('Enter');
  await chat.finished();
  await chat.turnMenu(chat.lastReply, 'turn-branch');
  await chat.ask('And then');
  await page.mouse.move(0, 0);
  await shot('messages-versions');
  await chat.id('open-map').click();
  await chat.id('map-segment').first().waitFor();
  await shot('messages-map');
  await shot.small('messages-map');
  await page.keyboard.press('Escape');
}

async function searches(chat: ChatPage, page: Page, shot: Shot): Promise<void> {
  await page.mouse.move(0, 0);
  await page.keyboard.press('Control+f');
  await chat.id('find-field').fill('the');
  await chat.id('find-count').getByText('of').waitFor();
  await shot('habits-find');
  await shot.small('habits-find');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await chat.id('palette-item').first().waitFor();
  await shot('habits-palette');
  await shot.small('habits-palette');
  await page.keyboard.press('Control+k');
  await chat.id('palette').waitFor({ state: 'detached' });
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.keyboard.press('?');
  await chat.id('shortcuts').waitFor();
  await shot('habits-shortcuts');
  await shot.small('habits-shortcuts');
  await page.keyboard.press('Escape');
}

async function fullWindow(chat: ChatPage, page: Page, shot: Shot): Promise<void> {
  const models = new ModelsPage({ page, electron: null });
  await models.show();
  await models.id('context-size').fill(String(WINDOW));
  await models.id('context-size').press('Enter');
  await models.id('load-again').click();
  await models.id('load-again').waitFor({ state: 'hidden' });
  await page.keyboard.press('Control+1');
  await chat.ready();
  await chat.newChat();
  await chat.greedy();
  await chat.endless();
  await chat.set('useKvCache', true);
  await chat.ask('The cat sat on the');
  await chat.openPanel('context');
  await page.mouse.move(0, 0);
  await shot('context-full');
  await shot.small('context-full');
  await chat.openPanel('stop');
  await chat.set('maxTokens', 20);
  await chat.openPanel('context');
  await chat.id('full-drop').click();
  await chat.id('context-event').waitFor();
  await chat.finished();
  await chat.id('setting-whenFull-drop_oldest').check();
  await chat.ask('The dog');
  await chat.id('context-boundary').waitFor();
  await shot('context-dropped');
  await shot.small('context-dropped');
  await chat.id('composer').fill(longStory(400));
  await chat.id('too-long').waitFor();
  await shot('context-too-long');
  await chat.id('composer').fill('');
}
