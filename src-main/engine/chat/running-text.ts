import type { ChatFormat, ChatText, Written } from './chat-text.ts';

/** For a model without roles: joins all messages with spaces to one text, which the reply continues. */
export const runningText: ChatFormat = (messages): ChatText => {
  const parts: (Written & { message: number })[] = [];
  let text = '';
  for (const { role, text: message, index } of messages) {
    // Spaces at message boundaries would change with every edit, and with them the tokens.
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
