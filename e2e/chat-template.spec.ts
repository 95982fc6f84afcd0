import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import type { RunningApp } from './support/app.ts';
import { writeChatModel } from './support/model-files.ts';
import { expect, test } from './support/test.ts';

const TEMPLATE = `{% for message in messages %}[{{ message.role }}]{{ message.content }}
{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}`;
const THINKING = `${TEMPLATE.slice(0, -'{% endif %}'.length)}{% if enable_thinking is not defined or enable_thinking %}<think>
{% else %}<think></think>{% endif %}{% endif %}`;

const NAME = 'tiny-llama';

/** Loads a model with this template. */
async function chatModel(app: RunningApp, dataDir: string, template: string): Promise<ChatPage> {
  const chat = new ChatPage(app.page);
  const models = new ModelsPage(app);
  await chat.ready();
  await models.show();
  await models.open(await writeChatModel(dataDir, template));
  await models.load(NAME);
  await chat.id('nav-chat').click();
  await chat.openPanel('stop');
  await chat.set('maxTokens', 8);
  return chat;
}

test(
  'the template of a file is shown, and can be replaced for that model',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const chat = await chatModel(app, dataDir, TEMPLATE);
    await chat.id('system-prompt-toggle').click();
    await chat.id('system-prompt').fill('Be brief.');
    await chat.id('composer').fill('Hello');
    await chat.openPanel('prompt');
    await expect(chat.id('template-shown')).toHaveValue(TEMPLATE);
    const rendered = chat.id('rendered-chat');
    await expect(rendered).toContainText('[system]Be brief.\n[user]Hello\n[assistant]', { useInnerText: false });
    await expect(rendered).toContainText('System');

    await chat.id('template-plain').check();
    await expect(rendered).toContainText('User: Hello');
    await chat.id('template-custom').check();
    // A custom template starts as a copy of the model's.
    await expect(chat.id('template-source')).toHaveValue(TEMPLATE);
    await chat.id('template-source').fill('{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}');
    await expect(rendered).toContainText('<system>Be brief.<user>Hello');
    expect((await chat.ask('Hello')).reason).not.toBe('error');

    const models = new ModelsPage(app);
    await models.show();
    await models.load('TinyTransformer');
    await chat.id('nav-chat').click();
    await expect(chat.id('template-model')).toBeChecked();
    await expect(chat.id('template-source')).toHaveCount(0);
    await models.show();
    await models.load(NAME);
    await chat.id('nav-chat').click();
    await expect(chat.id('template-custom')).toBeChecked();
    await expect(chat.id('template-source')).toHaveValue(/^\{% for m in messages %\}</);

    // The system prompt belongs to the chat, the template to the model.
    await app.restart();
    const again = new ChatPage(app.page);
    await again.ready();
    await expect(again.id('system-prompt-toggle')).toContainText('Be brief.');
    await again.openPanel('prompt');
    // The browser loses lent files, so the built-in model is loaded there.
    await expect(again.id(app.host === 'web' ? 'template-model' : 'template-custom')).toBeChecked();
  },
);

test(
  'a broken template shows the position, and a chat continues with the plain one',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const chat = await chatModel(app, dataDir, TEMPLATE);
    await chat.openPanel('prompt');
    await chat.id('template-custom').check();
    await chat.id('template-source').fill('{{ messages }}\n{% if %}');
    await chat.id('composer').fill('Hello');
    await expect(chat.id('template-source-problem')).toContainText(/Line 2, column \d+/);
    await expect(chat.id('template-error')).toBeVisible();
    await chat.send('Hello');
    const card = chat.lastReply.getByTestId('error-card');
    await expect(card).toContainText('The prompt could not be built');
    await card.getByTestId('use-plain-template').click();
    await expect(card).toHaveCount(0);
    const { reason } = await chat.finished();
    expect(reason).not.toBe('error');
    await expect(chat.id('template-plain')).toBeChecked();
  },
);

test(
  'an unsupported role is reported, and its text is still part of the prompt',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const chat = await chatModel(
      app,
      dataDir,
      `{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('No system role.') }}{% endif %}` +
        `[{{ m.role }}]{{ m.content }}\n{% endfor %}[assistant]`,
    );
    await chat.id('system-prompt-toggle').click();
    await chat.id('system-prompt').fill('Be brief.');
    await chat.id('composer').fill('Hello');
    await chat.openPanel('prompt');
    await expect(chat.id('template-notice')).toContainText('has no system role');
    await expect(chat.id('rendered-chat')).toContainText(/\[user\]Be brief\.\s+Hello\s+\[assistant\]/);
    expect((await chat.ask('Hello')).reason).not.toBe('error');
    await expect(chat.lastReply.getByTestId('reply-notice')).toContainText('has no system role');
  },
);

test(
  'recommended settings apply until a person changes them, for that model only',
  { tag: '@full' },
  async ({ app, dataDir }) => {
    const chat = await chatModel(app, dataDir, TEMPLATE);
    await chat.openPanel('sampling');
    await expect(chat.id('setting-temperature')).toHaveValue('0.50');
    await expect(chat.id('setting-topK')).toHaveValue('7');
    await expect(chat.stage('top_k')).toContainText('Recommended by the model');
    await chat.set('topK', 9);
    await expect(chat.stage('top_k')).not.toContainText('Recommended by the model');
    await expect(chat.stage('temperature')).toContainText('Recommended by the model');

    const models = new ModelsPage(app);
    await models.show();
    await models.load('TinyTransformer');
    await chat.id('nav-chat').click();
    await expect(chat.id('setting-topK')).toHaveValue('40');
    await models.show();
    await models.load(NAME);
    await chat.id('nav-chat').click();
    await expect(chat.id('setting-topK')).toHaveValue('9');
    await chat.id('reset-sampling').click();
    await expect(chat.id('setting-topK')).toHaveValue('7');
  },
);

test('reasoning is collapsed afterwards, and not copied', { tag: '@full' }, async ({ app, dataDir }) => {
  const chat = await chatModel(app, dataDir, THINKING);
  await chat.set('maxTokens', 60);
  await chat.openPanel('sampling');
  await chat.id('grammar-gbnf').click();
  await chat.id('grammar-source').fill('root ::= "hm" "</think>" "yes"');
  await expect(chat.id('grammar-ok')).toBeVisible();
  await chat.ask('Hello');
  const reasoning = chat.lastReply.getByTestId('reasoning');
  await expect(reasoning).toHaveAttribute('data-open', 'false');
  await expect(reasoning).toContainText(/Thought for .* · \d+ tokens/);
  await expect(chat.lastText).toContainText('yes');
  await expect(chat.lastText.getByText('</think>')).toHaveCount(0);
  await chat.lastReply.getByTestId('reasoning-toggle').click();
  await expect(reasoning.getByText('hm')).toBeVisible();
  // The marks are tokens too.
  await chat.id('view-tokens').click();
  await expect(reasoning).toContainText('</think>');
  await chat.id('view-text').click();
  await expect(reasoning).toHaveAttribute('data-open', 'true');

  await chat.openPanel('prompt');
  await chat.id('composer').fill('And now?');
  await expect(chat.id('rendered-chat')).toContainText('[assistant]<think>');
  await chat.id('thinking-off').click();
  await expect(chat.id('rendered-chat')).toContainText('<think></think>');
  // Earlier reasoning is not part of the prompt.
  await expect(chat.id('rendered-chat')).toContainText('[assistant]yes');
});

test(
  'reasoning stays collapsed during generation, with a label and keyboard access',
  { tag: '@full' },
  async ({ app }) => {
    const chat = new ChatPage(app.page);
    const { keyboard } = app.page;
    await chat.ready();
    await chat.endless();
    await chat.openPanel('prompt');
    await chat.id('template-custom').check();
    await chat.id('template-source').fill('{% for m in messages %}{{ m.content }}{% endfor %}<think>');
    await chat.send('Once upon a time');
    const toggle = app.page.getByRole('button', { name: 'Thinking', exact: true });
    const thoughts = app.page.getByRole('group', { name: 'What the model thought' });
    await expect(toggle).toHaveAttribute('aria-expanded', 'false');
    await expect(thoughts).toBeHidden();
    await toggle.focus();
    await keyboard.press('Enter');
    await expect(toggle).toHaveAttribute('aria-expanded', 'true');
    await expect(thoughts).toContainText(/\w+ \w+/);
    await keyboard.press('Space');
    await expect(toggle).toHaveAttribute('aria-expanded', 'false');
    await chat.id('stop').click();
    expect((await chat.finished()).reason).toBe('user');
    const after = app.page.getByRole('button', { name: /^Thought for .* · \d+ tokens?$/ });
    await expect(after).toHaveAttribute('aria-expanded', 'false');
    await expect(thoughts).toBeHidden();
  },
);
