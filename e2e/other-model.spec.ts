/** A chat that used another model than the loaded one. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, root } from '../scripts/lib/run.ts';
import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import { expectNoViolations } from './support/axe.ts';
import { writeTinyModel } from './support/model-files.ts';
import { expect, test } from './support/test.ts';

test('its model is offered before anything is sent; a missing one is reported @full', async ({ app, dataDir }) => {
  const path = await writeTinyModel(dataDir, 'llama');
  const add = [join(root, 'scripts/tokenscope.mjs'), 'models', 'add', path];
  const { code, stderr } = await capture(process.execPath, add, {
    env: { ...process.env, TOKENSCOPE_DATA_DIR: dataDir },
  });
  expect(code, stderr).toBe(0);

  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  const load = async (name: string) => {
    await models.show();
    await models.load(name);
    await chat.id('nav-chat').click();
    await chat.ready();
  };
  /** The last reply was drawn from a vocabulary of that size, whichever model is loaded. */
  const expectVocabulary = async (size: string) => {
    await chat.id('view-tokens').click();
    await expect(chat.lastReply.getByTestId('token').first()).toBeAttached();
    await chat.lastText.focus();
    await app.page.keyboard.press('Home');
    await expect(chat.id('token-popover')).toContainText(` of ${size} could be picked`);
    await app.page.keyboard.press('Escape');
    await chat.id('view-text').click();
  };
  const drawFourTokens = async () => {
    await chat.openPanel('stop');
    await chat.set('maxTokens', 4);
    await chat.set('ignoreEos', true);
  };
  await chat.ready();
  await drawFourTokens();
  await load('tiny-llama');
  await drawFourTokens();
  await chat.ask('by the other model');
  await load('TinyTransformer');

  await expect(chat.id('model-notice')).toContainText('This chat used tiny-llama. TinyTransformer is loaded now.');
  await expectVocabulary('320');
  await chat.id('composer').fill('and on');
  await expect(chat.id('load-and-send')).toHaveText(/Load tiny-llama and send/);
  await expect(chat.id('send-with-loaded')).toHaveText(/Send with TinyTransformer/);
  await expectNoViolations(app.page, 'the choice of a model');
  await chat.id('composer').press('Enter');
  await expect(chat.replies).toHaveCount(2);
  await chat.finished();
  await expect(chat.id('sidebar-model')).toContainText('tiny-llama');
  await expect(chat.id('model-notice')).toBeHidden();
  await expect(chat.id('send')).toBeVisible();

  await load('TinyTransformer');
  await chat.id('composer').fill('with the loaded one');
  await chat.id('send-with-loaded').click();
  await expect(chat.replies).toHaveCount(3);
  await chat.finished();
  await expect(chat.id('model-notice')).toBeHidden();

  await load('tiny-llama');
  await expectVocabulary('8,000');
  // The menu loads the model. The focus stays in the reply, whose control has gone.
  await chat.lastReply.getByTestId('reply-menu').click();
  await chat.id('regenerate-with').hover();
  await chat.id('regenerate-model').filter({ hasText: 'TinyTransformer' }).click();
  await expect(chat.lastReply.getByTestId('pager')).toContainText('2 / 2');
  await expect(chat.lastReply).toBeFocused();
  await chat.finished();
  await load('tiny-llama');
  await chat.newChat();
  await chat.ask('another chat');
  await load('TinyTransformer');
  await rm(path);
  await models.show();
  await chat.id('nav-chat').click();
  await expect(chat.id('model-notice')).toContainText('is no longer on this computer, so TinyTransformer will answer.');
  await chat.ask('and on');
  await expect(chat.id('model-notice')).toBeHidden();
});
