/**
 * An export of Open WebUI: one chat or a list of them, each a tree of messages in `chat.history` with the shown one in
 * `currentId`. Times are seconds.
 */
import { entriesOf, field, isFields, listField, numberField, textField } from './fields.ts';
import type { SourceChat, SourceMessage } from './source-chat.ts';

/** Reasoning stands in the text, as a folded part. */
const REASONING = /^\s*<details\b[^>]*\btype="reasoning"[^>]*>([\s\S]*?)<\/details>\s*/;
const SUMMARY = /<summary>[\s\S]*?<\/summary>/;
const MAX_FOLDER = 80;

export function isOpenWebUi(value: unknown): boolean {
  return isFields(field(field(field(value, 'chat'), 'history'), 'messages'));
}

/** @param leftOut called for each thing that has no place in a chat: `attachment` */
export function openWebUiChat(exported: unknown, leftOut: (what: string) => void): SourceChat {
  const chat = field(exported, 'chat');
  const history = field(chat, 'history');
  let systemPrompt = textField(chat, 'system') || textField(field(chat, 'params'), 'system');
  const messages = entriesOf(history, 'messages').map(([id, message]): SourceMessage => {
    const said = textField(message, 'role');
    const role = said === 'user' || said === 'assistant' ? said : null;
    const content = textField(message, 'content');
    if (said === 'system') systemPrompt ||= content;
    for (const _ of listField(message, 'files')) leftOut('attachment');
    const reasoning = role === 'assistant' ? REASONING.exec(content) : null;
    const parent = textField(message, 'parentId');
    return {
      id,
      parent: parent === '' ? null : parent,
      role,
      text: reasoning === null ? content : content.slice(reasoning[0].length),
      reasoning: reasoning === null ? '' : reasoningOf(reasoning[1] ?? ''),
      time: milliseconds(numberField(message, 'timestamp')),
      model: role === 'assistant' ? textField(message, 'modelName') || textField(message, 'model') : '',
    };
  });
  const head = textField(history, 'currentId');
  const tags = [...listField(field(exported, 'meta'), 'tags'), ...listField(chat, 'tags')];
  return {
    title: textField(exported, 'title') || textField(chat, 'title'),
    systemPrompt,
    messages,
    head: head === '' ? null : head,
    createdAt: milliseconds(numberField(exported, 'created_at')),
    updatedAt: milliseconds(numberField(exported, 'updated_at')),
    pinned: field(exported, 'pinned') === true,
    folder: (tags.find((tag) => typeof tag === 'string') ?? '').trim().slice(0, MAX_FOLDER),
  };
}

/** The quoted lines below the summary. */
function reasoningOf(details: string): string {
  const text = details
    .replace(SUMMARY, '')
    .split('\n')
    .map((line) => line.replace(/^(?:>|&gt;) ?/, ''))
    .join('\n')
    .trim();
  return text === '' ? '' : `${text}\n`;
}

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}
