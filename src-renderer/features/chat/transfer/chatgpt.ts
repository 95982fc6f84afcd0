/**
 * `conversations.json` of a ChatGPT data export: a list of conversations, each a tree of nodes in `mapping` with the
 * shown one in `current_node`. Times are seconds.
 */
import { isRecord } from '../../../../src-main/protocol/is-record.ts';
import { entriesOf, field, listField, numberField, textField } from './fields.ts';
import { withoutText, type SourceChat, type SourceMessage } from './source-chat.ts';

/** `U+E200 kind U+E202 part U+E202 part U+E201`. None is within another, so one scan is enough. */
const MARKER = /\ue200([^\ue200-\ue202]*)(?:\ue202([^\ue200\ue201]*))?\ue201/gu;

export function isChatGpt(value: unknown): boolean {
  return isRecord(field(value, 'mapping'));
}

/** @param leftOut called for each thing that has no place in a chat: `image`, `tool message` */
export function chatGptChat(conversation: unknown, leftOut: (what: string) => void): SourceChat {
  let systemPrompt = '';
  const messages = entriesOf(conversation, 'mapping').map(([id, node]): SourceMessage => {
    const parent = textField(node, 'parent');
    const message = field(node, 'message');
    const source = readMessage(message, leftOut);
    if (field(field(message, 'author'), 'role') === 'system' && source.text !== '' && !isHiddenMessage(message)) {
      systemPrompt ||= source.text;
    }
    return { ...source, id, parent: parent === '' ? null : parent };
  });
  const head = textField(conversation, 'current_node');
  return {
    title: textField(conversation, 'title'),
    systemPrompt,
    messages,
    head: head === '' ? null : head,
    createdAt: milliseconds(numberField(conversation, 'create_time')),
    updatedAt: milliseconds(numberField(conversation, 'update_time')),
    pinned: field(conversation, 'is_starred') === true,
    folder: '',
  };
}

function readMessage(message: unknown, leftOut: (what: string) => void): Omit<SourceMessage, 'id' | 'parent'> {
  const role = textField(field(message, 'author'), 'role');
  const content = field(message, 'content');
  const isHidden = isHiddenMessage(message);
  const dropped: string[] = [];
  const written = textOf(content, (what) => dropped.push(what));
  const text = role === 'assistant' ? withoutMarkers(written) : written;
  for (const what of dropped) leftOut(what);
  // Images are parts of the content, too.
  const files = listField(field(message, 'metadata'), 'attachments').filter((file) => {
    return !textField(file, 'mime_type').startsWith('image/');
  });
  if (role === 'user' && !isHidden) for (const _ of files) leftOut('attachment');
  const isOnlyFiles = role === 'user' && text === '' && dropped.length + files.length > 0;
  const said = isOnlyFiles ? withoutText(dropped[0] ?? 'attachment') : text;
  const isSaid = (role === 'user' || role === 'assistant') && said !== '' && !isHidden;
  const recipient = textField(message, 'recipient');
  const isTool = role === 'tool' || (isSaid && recipient !== '' && recipient !== 'all');
  if (isTool) leftOut('tool message');
  return {
    role: isSaid && !isTool ? role : null,
    text: said,
    reasoning: role === 'assistant' ? thoughtsOf(content) : '',
    time: milliseconds(numberField(message, 'create_time')),
    model: role === 'assistant' ? textField(field(message, 'metadata'), 'model_slug') : '',
  };
}

/** What the model thought is a message of its own, before the reply. */
function thoughtsOf(content: unknown): string {
  if (textField(content, 'content_type') !== 'thoughts') return '';
  const thoughts = listField(content, 'thoughts').map((one) => textField(one, 'content') || textField(one, 'summary'));
  return thoughts.flatMap((one) => (one === '' ? [] : [`${one}\n`])).join('\n');
}

function isHiddenMessage(message: unknown): boolean {
  return field(field(message, 'metadata'), 'is_visually_hidden_from_conversation') === true;
}

function textOf(content: unknown, leftOut: (what: string) => void): string {
  const type = textField(content, 'content_type');
  if (type === 'code' || type === 'execution_output') return textField(content, 'text');
  if (type !== 'text' && type !== 'multimodal_text') return '';
  return listField(content, 'parts')
    .flatMap((part) => {
      if (typeof part === 'string') return [part];
      const ofPart = textField(part, 'text');
      if (ofPart !== '') return [ofPart];
      if (textField(part, 'content_type') === 'image_asset_pointer') leftOut('image');
      else leftOut('attachment');
      return [];
    })
    .join('\n');
}

/** The text as ChatGPT shows it: without citations and other cards, but with the names of people, places and links. */
function withoutMarkers(text: string): string {
  const shown = text
    .replaceAll(MARKER, (_, kind: string, parts = '') => nameIn(kind, parts))
    // They surround the words that a citation is about.
    .replaceAll(/[\ue203\ue204]/gu, '');
  return shown.trim() === '' ? '' : shown;
}

/** @param parts of a marker. @returns what is shown in its place; empty for a citation */
function nameIn(kind: string, parts: string): string {
  if (kind === 'url') return parts.split('\ue202')[0] ?? '';
  if (kind !== 'entity') return '';
  try {
    // What it is, its name, and more.
    const name: unknown = (JSON.parse(parts) as unknown[])[1];
    return typeof name === 'string' ? name : '';
  } catch {
    return parts;
  }
}

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}
