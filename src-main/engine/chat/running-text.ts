import type { ChatFormat, ChatText } from './chat-text.ts';

/** For a model that knows no roles: one running text of all messages, joined with a space, that the reply continues. */
export const runningText: ChatFormat = (messages): ChatText => {
  const owners: { start: number; end: number; message: number }[] = [];
  let text = '';
  for (const { text: message, index } of messages) {
    // Spaces at the borders would change with every edit, and with them the tokens.
    const part = message.trim();
    if (part === '') continue;
    // A token that begins with the joining space belongs to the message after it.
    const start = text.length;
    if (text !== '') text += ' ';
    text += part;
    owners.push({ start, end: text.length, message: index });
  }
  return { text, written: owners, owners, turnStart: text.length, parseSpecial: false, notices: [] };
};
