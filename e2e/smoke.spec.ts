import { expect, test } from './support/test.ts';

test('a prompt gets a streamed reply with a stop reason', async ({ app }) => {
  const { page } = app;
  await expect(page.getByTestId('engine-state')).toHaveAttribute('data-state', 'ready');
  await page.getByTestId('composer').fill('Hello world');
  await page.getByTestId('send').click();
  await expect(page.getByTestId('user-turn')).toContainText('Hello world');
  await expect(page.getByTestId('stop-reason')).toHaveAttribute('data-reason', /^(eos|max_tokens|repetition)$/);
  await expect(page.getByTestId('reply-text')).not.toBeEmpty();
  await expect(page.getByTestId('reply-stats')).toContainText('tok/s');
});
