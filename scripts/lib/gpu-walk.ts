/** What computes a model: the choice with the memory of each, and a reply of the GPU, here a software renderer. */
import type { Page } from 'playwright';
import { ChatPage } from '../../e2e/pages/chat.ts';
import { ModelsPage } from '../../e2e/pages/models.ts';
import type { Shot } from '../screenshots.ts';

/** A software renderer compiles shaders for many seconds. */
const COMPILE_MS = 240_000;
/** For the browser to find it, for the engine to start again, and for a reply, ms. */
const SLOW_MS = 60_000;

export async function walkGpu(page: Page, shot: Shot): Promise<void> {
  const chat = new ChatPage(page);
  const models = new ModelsPage({ page, electron: null });
  const showChoice = () =>
    models.id('executor-choice').evaluate((section) => section.scrollIntoView({ block: 'center' }));
  await chat.ready();
  await models.show();
  await models.select('TinyTransformer');
  await findGpu(chat, models);
  await showChoice();
  await shot('gpu-choice');
  await shot.small(
    'gpu-choice',
    async () => {
      await models.select('TinyTransformer');
      await showChoice();
    },
    () => page.keyboard.press('Escape'),
  );
  await models.id('executor-select').selectOption('webgpu');
  await models.id('detail').getByText('GPU, webgpu executor').waitFor({ timeout: COMPILE_MS });

  await chat.id('nav-chat').click();
  await chat.newChat();
  await chat.greedy();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 60);
  await chat.send('Once upon a time');
  await chat.lastReply.locator('[data-testid="stop-reason"][data-reason]').waitFor({ timeout: SLOW_MS });
  await chat.finished();
  await chat.openPanel('rate');
  await shot('gpu-reply');
  await shot.small('gpu-reply', () => chat.lastReply.getByTestId('reply-stats').scrollIntoViewIfNeeded());
}

/** Waits until the model's page names the GPU, which a browser may find only when it is asked again. */
async function findGpu(chat: ChatPage, models: ModelsPage<{ page: Page; electron: null }>): Promise<void> {
  const reason = models.id('executor-reason').filter({ hasText: /software renderer/ });
  const isFound = await reason.waitFor({ timeout: SLOW_MS }).then(
    () => true,
    () => false,
  );
  if (isFound) return;
  await chat.page.reload();
  await chat.page.locator('[data-testid="engine-state"][data-state="ready"]').waitFor({ timeout: SLOW_MS });
  await models.show();
  await models.select('TinyTransformer');
  await reason.waitFor({ timeout: SLOW_MS });
}
