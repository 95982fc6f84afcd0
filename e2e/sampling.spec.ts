import { DEFAULT_SAMPLER_ORDER } from '../src-main/engine/settings/sampling.ts';
import { ChatPage } from './pages/chat.ts';
import { expect, test } from './support/test.ts';

const USUAL: string[] = [...DEFAULT_SAMPLER_ORDER];
const LAST = USUAL.length;
const PROMPT = 'Once upon a time';

test(
  'dragging changes the order of the chain and what is drawn, and is restored after a restart',
  { tag: '@full' },
  async ({ app }) => {
    let chat = new ChatPage(app.page);
    await chat.ready();
    await chat.openPanel('sampling');
    await expect.poll(() => chat.chain()).toEqual(USUAL);
    await chat.set('topK', 5);
    await chat.id('composer').fill(PROMPT);
    await expect(chat.stage('top_k').getByTestId('stage-effect')).toContainText('Leaves 5, cuts');

    // Top-p in front of top-k: it now sees all tokens, and top-k what it leaves.
    const before = await chat.stage('top_p').getByTestId('stage-effect').textContent();
    const from = await chat.grip('top_p').boundingBox();
    const to = await chat.grip('penalties').boundingBox();
    if (!from || !to) throw new Error('The grips are not on the screen.');
    await app.page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
    await app.page.mouse.down();
    await app.page.mouse.move(to.x + to.width / 2, to.y - 20, { steps: 8 });
    await expect(chat.grip('top_p')).toHaveAttribute('aria-pressed', 'true');
    await app.page.mouse.up();
    const dragged = ['top_p', ...USUAL.filter((name) => name !== 'top_p')];
    await expect.poll(() => chat.chain()).toEqual(dragged);
    await expect(chat.stage('top_p').getByTestId('stage-effect')).not.toHaveText(before ?? '');

    await app.restart();
    chat = new ChatPage(app.page);
    await chat.ready();
    await chat.openPanel('sampling');
    await expect.poll(() => chat.chain()).toEqual(dragged);
    await expect(chat.id('setting-topK')).toHaveValue('5');
    await chat.id('usual-order').click();
    await expect.poll(() => chat.chain()).toEqual(USUAL);
    await expect(chat.id('usual-order')).toHaveCount(0);
  },
);

test('keys change the order of the chain, with announcements', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  const { keyboard } = app.page;
  const said = app.page.getByTestId('live-region');
  await chat.ready();
  await chat.openPanel('sampling');
  await chat.grip('temperature').focus();
  await keyboard.press('Space');
  await expect(said).toContainText(`Temperature picked up, position ${LAST} of ${LAST}`);
  await keyboard.press('ArrowUp');
  await keyboard.press('ArrowUp');
  await expect(said).toContainText(`Temperature, position ${LAST - 2} of ${LAST}`);
  await keyboard.press('Escape');
  await expect(said).toContainText(`Temperature stays at position ${LAST} of ${LAST}`);
  await expect.poll(() => chat.chain()).toEqual(USUAL);

  await keyboard.press('Space');
  await keyboard.press('ArrowUp');
  await keyboard.press('Space');
  await expect(said).toContainText(`Temperature dropped at position ${LAST - 1} of ${LAST}`);
  await expect.poll(() => chat.chain()).toEqual([...USUAL.slice(0, -2), 'temperature', 'xtc']);
  await expect(chat.grip('temperature')).toBeFocused();

  // The menu does the same, and more.
  await chat.stageMenu('temperature', 'stage-down');
  await expect(said).toContainText(`Temperature moved to position ${LAST} of ${LAST}`);
  await expect.poll(() => chat.chain()).toEqual(USUAL);
  await chat.stageMenu('top_k', 'stage-again');
  await expect.poll(() => chat.chain()).toEqual(USUAL.flatMap((name) => (name === 'top_k' ? [name, name] : [name])));
  await chat.stageMenu('typical', 'stage-remove');
  await expect(said).toContainText('Typical-p removed');
  await expect.poll(() => chat.chain()).not.toContain('typical');
  await chat.id('add-stage').click();
  await chat.id('add-typical').click();
  await expect(said).toContainText('Typical-p added');
  await expect.poll(() => chat.chain()).toContain('typical');
  // Adding a stage switches it on.
  await expect(chat.id('switch-typical')).toBeChecked();
});

test('every stage works in a reply, and mirostat replaces them', async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('sampling');
  await chat.set('seed', 3);
  for (const [stage, setting, value] of [
    ['penalties', 'repeatPenalty', '1.20'],
    ['dry', 'dryMultiplier', '0.80'],
    ['top_n_sigma', 'topNSigma', '1.5'],
    ['typical', 'typicalP', '0.90'],
    ['xtc', 'xtcProbability', '0.50'],
  ] as const) {
    await chat.set(setting, value);
    await expect(chat.id(`switch-${stage}`)).toBeChecked();
    await expect(chat.id(`setting-${setting}`)).toHaveValue(value);
  }
  await chat.set('dryAllowedLength', 3);
  await chat.set('xtcThreshold', 0.2);
  await chat.set('frequencyPenalty', 0.1);
  await chat.set('penaltyLastN', -1);
  await chat.id('unfold-temperature').click();
  await chat.set('dynatempRange', 0.3);
  await chat.set('minKeep', 2);
  const first = await chat.ask(PROMPT);
  expect(first.reason).not.toBe('error');

  await chat.set('adaptive', true);
  await chat.set('adaptiveTarget', 0.1);
  await chat.newChat();
  const adaptive = await chat.ask(PROMPT);
  expect(adaptive.reason).not.toBe('error');
  expect(adaptive.text).not.toBe(first.text);

  await chat.id('setting-mirostat-2').click();
  await expect(chat.id('chain')).toHaveCount(0);
  await expect(chat.id('adaptive')).toHaveCount(0);
  await expect(chat.id('mirostat')).toContainText('Replaces all stages except temperature');
  await chat.set('mirostatTau', 3);
  await chat.newChat();
  const second = await chat.ask(PROMPT);
  expect(second.reason).not.toBe('error');
  expect(second.text).not.toBe(first.text);
  // Mirostat at temperature 0 is greedy, and the switch says so.
  await chat.set('temperature', 0);
  await expect(chat.id('setting-greedy')).toBeChecked();
  await chat.set('greedy', false);
  await expect(chat.id('setting-greedy')).not.toBeChecked();
});

test('a reset turns the switch of a stage off, however it was turned on', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.openPanel('sampling');
  await chat.set('xtcProbability', '0.50');
  await expect(chat.id('switch-xtc')).toBeChecked();
  await chat.id('reset-sampling').click();
  await expect(chat.id('setting-xtcProbability')).toHaveValue('0.00');
  await expect(chat.id('switch-xtc')).not.toBeChecked();
  // While it is edited, a value without an effect leaves it on.
  await chat.set('xtcProbability', '0.50');
  await chat.set('xtcProbability', '0.00');
  await expect(chat.id('switch-xtc')).toBeChecked();
});

test('a bias and a ban change the text', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.greedy();
  const plain = await chat.ask(PROMPT);
  const word = /[a-z]{4,}/.exec(plain.text)?.[0];
  if (word === undefined) throw new Error(`There is no word in "${plain.text}".`);

  await chat.id('setting-bannedTexts').fill(word);
  await chat.id('setting-bannedTexts').press('Enter');
  await chat.newChat();
  const banned = await chat.ask(PROMPT);
  expect(banned.reason).not.toBe('error');
  expect(banned.text).not.toContain(word);
  await app.page.getByRole('button', { name: `Remove ${word}` }).click();

  // A phrase of several tokens is retracted at its end; its single words are allowed.
  const phrase = /[a-z]{2,} [a-z]{2,} [a-z]{2,}/.exec(plain.text)?.[0];
  if (phrase === undefined) throw new Error(`There are no three words in "${plain.text}".`);
  await chat.id('setting-bannedTexts').fill(phrase);
  await chat.id('setting-bannedTexts').press('Enter');
  await chat.newChat();
  const otherwise = await chat.ask(PROMPT);
  expect(otherwise.reason).not.toBe('error');
  expect(otherwise.text).not.toContain(phrase);
  expect(otherwise.text).not.toBe(plain.text);
  await app.page.getByRole('button', { name: `Remove ${phrase}` }).click();

  // A token id must be in the vocabulary.
  await chat.id('bias-by-id').click();
  await chat.id('setting-logitBias').fill('8000');
  await expect(app.page.getByText('Type a token ID from 0 to 7,999.')).toBeVisible();
  await expect(chat.id('bias-add')).toBeDisabled();
  await chat.id('setting-logitBias').fill('7');
  await chat.id('bias-add').click();
  await expect(chat.id('biases')).toContainText('token 7');
  await app.page.getByRole('button', { name: 'Remove the bias for token 7' }).click();
  await expect(chat.id('biases')).toHaveCount(0);

  await chat.id('bias-by-text').click();
  await chat.id('setting-logitBias').fill('cat');
  await chat.id('bias-value').fill('100');
  await chat.id('bias-add').click();
  await expect(chat.id('biases')).toContainText('cat');
  await chat.openPanel('stop');
  await chat.set('maxTokens', 3);
  await chat.newChat();
  expect((await chat.ask(PROMPT)).text).toContain('cat');
});
