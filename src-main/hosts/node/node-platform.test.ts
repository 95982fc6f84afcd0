import { expect, it, onTestFinished, vi } from 'vitest';
import { nodePlatform } from './node-platform.ts';

it('shows control characters of a model’s texts in messages, which a terminal would obey', () => {
  vi.stubEnv('TOKENSCOPE_DEBUG', '1');
  const written = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    written.mockRestore();
  });
  const { log } = nodePlatform();
  for (const write of [log.warn, log.debug]) write('config.json: "top_k" is \u001b]0;title\u0007\u009b2J.\n\tIgnored.');
  const shown = 'config.json: "top_k" is \\u001b]0;title\\u0007\\u009b2J.\n\tIgnored.';
  expect(written.mock.calls).toEqual([
    [shown, ''],
    [shown, ''],
  ]);
});
