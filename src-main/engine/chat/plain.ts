import type { ChatMessage } from '../api/types.ts';
import type { ChatFormat, ChatText, Written } from './chat-text.ts';

const NAMES: Record<Exclude<ChatMessage['role'], 'system'>, string> = { user: 'User', assistant: 'Assistant' };

/** What a model writes that goes on with the person's next turn by itself. */
export const PLAIN_STOP_STRING = `\n${NAMES.user}:`;

/**
 * For any model: a line per message with the name of its role, the system message without one. When the last message is
 * the assistant's, the reply continues it.
 */
export const plainFormat: ChatFormat = (messages): ChatText => {
  const written: Written[] = [];
  const owners: { start: number; end: number; message: number }[] = [];
  let text = '';
  messages.forEach(({ role, text: message, index }, i) => {
    const start = text.length;
    if (role !== 'system') text += `${NAMES[role]}:`;
    const continued = role === 'assistant' && i === messages.length - 1;
    // What is continued keeps its end as it is, so that the next token is the one that would have followed.
    const part = continued ? message.trimStart() : message.trim();
    if (part !== '') {
      if (role !== 'system') text += ' ';
      written.push({ start: text.length, end: text.length + part.length, role });
      text += part;
    }
    if (!continued) text += role === 'system' ? '\n\n' : '\n';
    owners.push({ start, end: text.length, message: index });
  });
  const continued = messages.at(-1)?.role === 'assistant' ? written.at(-1) : undefined;
  const turnStart = continued?.start ?? text.length;
  if (messages.at(-1)?.role !== 'assistant') text += `${NAMES.assistant}:`;
  return { text, written, owners, turnStart, template: null, notices: [] };
};

/** For a model that knows no roles: one running text of all messages, joined with a space, that the reply continues. */
export const runningText: ChatFormat = (messages): ChatText => {
  const parts: (Written & { message: number })[] = [];
  let text = '';
  for (const { role, text: message, index } of messages) {
    // Spaces at the borders would change with every edit, and with them the tokens.
    const part = message.trim();
    if (part === '') continue;
    // A token that begins with the joining space belongs to the message after it.
    const start = text.length;
    if (text !== '') text += ' ';
    text += part;
    parts.push({ start, end: text.length, role, message: index });
  }
  return { text, written: parts, owners: parts, turnStart: text.length, template: null, notices: [] };
};
