import { randomUUID } from 'node:crypto';
import type { ChatPage } from '../pages/chat.ts';
import type { RunningApp } from './app.ts';
import { columnsOf, writeChat } from './long-chats.ts';

const AT = '2026-01-01T00:00:00.000Z';

/** Splits a text into tokens as a model would: words with their space, and signs. The joined tokens are the text. */
export function tokensOf(text: string): string[] {
  return text.match(/ ?[\p{L}\p{N}_]{1,8}|\s|[^\s\p{L}\p{N}_]{1,3}/gsu) ?? [];
}

/** Writes a chat with replies, and opens it. */
export async function openReplies(app: RunningApp, chat: ChatPage, texts: readonly string[]): Promise<void> {
  const id = randomUUID();
  await writeChat(app, { id, title: 'Markdown', replies: texts.map(tokensOf), details: texts.length === 1 });
  await chat.page.locator(`[data-chat-id="${id}"]`).click();
}

/** Opens a chat with one reply. @returns deletes it */
export async function openOnly(app: RunningApp, chat: ChatPage, text: string): Promise<() => Promise<void>> {
  const id = randomUUID();
  // Long texts in fewer tokens, which are what takes most of the time to write.
  const tokens = text.length < 50_000 ? tokensOf(text) : (text.match(/.{1,64}|\n/gsu) ?? []);
  await writeChat(app, { id, title: 'One', replies: [tokens] });
  await chat.page.locator(`[data-chat-id="${id}"]`).click();
  await chat.lastReply.waitFor();
  return async () => {
    await chat.newChat();
    await app.services.invoke('chatDelete', id);
  };
}

export const SAMPLE = `# Solving $x^2 = 4$

A **bold** claim with *emphasis*, ~~no~~ \`inline code\` and [a link](https://example.org/a?b=c).
The next line of the same paragraph.

1. First
2. Second
   - nested **item**
   - another

- [x] done
- [ ] to do

> A quote with a [^note].

\`\`\`python
def area(width, height):
    """Return the area."""
    return width * height  # a comment that is long enough to need scrolling at most widths of the window
\`\`\`

| Name | Value |
| ---- | ----: |
| \`a\`  |    12 |
| b    |   345 |

$$
\\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}
$$

שלום עולם, זה טקסט.

<b>HTML</b> &amp; ![an image](https://example.org/i.png)

[^note]: The footnote.
`;

/** A reply that grows as told, as if another window generated it. */
export interface ReplyStream {
  /** Writes tokens up to a number of them, or all. */
  to(count: number): Promise<void>;
  /** Writes `perSecond` tokens a second, in batches, until all are written or the time is over, s. */
  at(perSecond: number, seconds: number): Promise<number>;
  readonly tokens: number;
}

const BATCH_MS = 33;

export async function streamReply(app: RunningApp, chat: ChatPage, text: string): Promise<ReplyStream> {
  const id = randomUUID();
  await writeChat(app, { id, title: 'Streamed', replies: [['\n']], running: true });
  await chat.page.locator(`[data-chat-id="${id}"]`).click();
  await chat.lastReply.waitFor();
  const turn = `${id}-r0`;
  const tokens = tokensOf(text);
  let written = 0;
  let base = (await app.services.invoke('chatGet', id))!.revision;
  const write = async (end: number) => {
    const part = tokens.slice(written, end);
    if (part.length === 0) return;
    const event = {
      type: 'tokens',
      turn,
      from: written + 1,
      text: part.join(''),
      tokens: columnsOf(part),
      at: AT,
    } as const;
    ({ revision: base } = await app.services.invoke('chatWrite', {
      id,
      base,
      origin: 'test',
      events: [event],
      details: [],
    }));
    written += part.length;
  };
  return {
    tokens: tokens.length,
    to: async (count) => {
      while (written < Math.min(count, tokens.length)) await write(Math.min(count, tokens.length, written + 20));
    },
    at: async (perSecond, seconds) => {
      const from = performance.now();
      const first = written;
      while (performance.now() - from < 1000 * seconds && written < tokens.length) {
        const due = first + Math.round((perSecond * (performance.now() - from)) / 1000);
        if (due > written) await write(Math.min(tokens.length, due));
        await new Promise((resolve) => setTimeout(resolve, BATCH_MS));
      }
      return written - first;
    },
  };
}
