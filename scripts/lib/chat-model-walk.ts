/** Screenshots that need a model with a chat template. */
import type { Page } from 'playwright';
import { ChatPage } from '../../e2e/pages/chat.ts';
import { ModelsPage } from '../../e2e/pages/models.ts';
import { CHAT_MODEL } from './picture-texts.ts';
import type { Shot } from '../screenshots.ts';

const BROKEN_TEMPLATE = `{%- for message in messages %}
<|{{ message.role }}|>
{{ message.content | shout }}
{%- endfor %}`;
const THINKING_TEMPLATE = `{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n<think>\\n' }}
{%- endif %}
`;
const THOUGHT_AND_ANSWER = `root ::= thought "\\n</think>\\n\\n" answer
thought ::= [A-Z] [^<\\n.]{40,120} ". " [A-Z] [^<\\n.]{40,120} "."
answer ::= [A-Z] [^<\\n.]{20,120} "."
`;

/** What only a model with a chat template shows: the template, its errors, a system prompt, reasoning. */
export async function walkChatModel(page: Page, shot: Shot, file: string): Promise<void> {
  const chat = new ChatPage(page);
  const models = new ModelsPage({ page, electron: null });
  await models.show();
  await models.open(file);
  await models.load(CHAT_MODEL);
  await chat.id('nav-chat').click();
  await chat.newChat();
  await chat.id('system-prompt-toggle').click();
  await chat.id('system-prompt').fill('You are a friendly teacher. You answer in one or two short sentences.');
  await chat.openPanel('sampling');
  await chat.set('seed', 5);
  await chat.openPanel('prompt');
  await chat.id('composer').fill('Why is the sky blue?');
  await chat.id('rendered-chat').waitFor();
  await shot('template');
  await shot.small(
    'template',
    async () => {
      await chat.openPanel('prompt');
      await chat.id('rendered-chat').waitFor();
    },
    () => page.keyboard.press('Escape'),
  );
  await chat.openPanel('prompt');
  await chat.id('template-custom').check();
  await chat.id('template-source').fill(BROKEN_TEMPLATE);
  await chat.id('template-error').waitFor();
  await shot('template-error');
  await chat.send('Why is the sky blue?');
  await chat.id('error-card').waitFor();
  await shot('template-refused');

  await chat.newChat();
  await chat.id('template-source').fill(THINKING_TEMPLATE);
  await chat.openPanel('sampling');
  await chat.id('grammar-gbnf').click();
  await chat.id('grammar-source').fill(THOUGHT_AND_ANSWER);
  await chat.id('grammar-ok').waitFor();
  await chat.openPanel('prompt');
  await chat.send('What is a good name for a small grey cat?');
  await chat.id('reasoning').waitFor();
  await shot('reasoning-written');
  await chat.finished();
  await chat.id('rendered-chat').waitFor();
  await shot('reasoning');
  await shot.small('reasoning');
  await chat.id('reasoning-toggle').click();
  await shot('reasoning-unfolded');
  await chat.id('view-tokens').click();
  await shot('reasoning-tokens');
  await chat.id('view-text').click();
}
