import { portable, chatFileText } from '../../../../src-main/protocol/app/chats/chat-file.ts';
import { cutText } from '../../../../src-main/protocol/cut-text.ts';
import { indexOf, pathTo } from '../../../../src-main/protocol/app/chats/apply-event.ts';
import { REPLY_PARTS, type StoredChat, type StoredTurn } from '../../../../src-main/protocol/app/chats/chat.ts';
import { textOfUpdates } from '../../../../src-main/protocol/app/chats/notebook.ts';

export type ChatFileFormat = 'markdown' | 'json' | 'text';

const EXTENSIONS: Readonly<Record<ChatFileFormat, string>> = { markdown: 'md', json: 'json', text: 'txt' };
const TYPES: Readonly<Record<ChatFileFormat, string>> = {
  markdown: 'text/markdown',
  json: 'application/json',
  text: 'text/plain',
};
const ANSWER = REPLY_PARTS.indexOf('answer');

/** Markdown without its syntax. */
type AsText = (markdown: string) => Promise<string>;

/** A chat as a file. JSON has all branches and can be imported; the others have the branch that is shown. */
export async function exportedChat(
  chat: StoredChat,
  format: ChatFileFormat,
  asText: AsText,
): Promise<{ name: string; blob: Blob }> {
  const name = `${fileTitle(chat.title)}.${EXTENSIONS[format]}`;
  return { name, blob: new Blob([await textOf(chat, format, asText)], { type: TYPES[format] }) };
}

export async function textOf(chat: StoredChat, format: ChatFileFormat, asText: AsText): Promise<string> {
  if (format === 'json') return chatFileText([portable(chat)]);
  if (chat.updates !== undefined) return textOfUpdates(chat.updates);
  const turns = indexOf(chat);
  const shown = pathTo(chat, chat.head, turns).flatMap((id) => turns.get(id) ?? []);
  const said = [
    ...(chat.systemPrompt.trim() === '' ? [] : [{ who: 'System prompt', text: chat.systemPrompt, isReply: false }]),
    ...shown.map((turn) => ({ who: speakerOf(turn), text: answerOf(turn), isReply: turn.role === 'assistant' })),
  ];
  if (format === 'markdown') {
    return `# ${chat.title}\n\n${said.map(({ who, text }) => `## ${who}\n\n${text.trim()}\n`).join('\n')}`;
  }
  // Only replies are Markdown: the asterisks in what a person typed are not syntax.
  const plain = await Promise.all(
    said.map(async ({ who, text, isReply }) => `${who}:\n${isReply ? await asText(text) : text}\n`),
  );
  return `${chat.title}\n\n${plain.join('\n')}`;
}

function speakerOf(turn: StoredTurn): string {
  if (turn.role === 'user') return 'You';
  return turn.facts.model === '' ? 'Reply' : turn.facts.model;
}

/** The text without reasoning. */
function answerOf(turn: StoredTurn): string {
  if (turn.role === 'user') return turn.text;
  const { parts, lengths } = turn.tokens;
  let answer = '';
  let from = 0;
  for (const [at, length] of lengths.entries()) {
    if (parts[at] === ANSWER) answer += turn.text.slice(from, from + length);
    from += length;
  }
  return answer.trim();
}

/** Without characters that some systems forbid in file names, or that change the direction of what follows. */
export function fileTitle(title: string): string {
  const safe = title
    .replaceAll(/\p{Bidi_Control}/gu, '')
    .replaceAll(/[/\\:*?"<>|\p{Cc}\p{Cs}]/gu, '-')
    .trim();
  const name = cutText(safe, 100).replace(/[. ]+$/, '');
  return name === '' ? 'Chat' : name;
}
