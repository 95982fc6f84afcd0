/**
 * `conversations.json` of a ChatGPT data export: a list of conversations, each a tree of nodes in `mapping` with the
 * shown one in `current_node`. Times are seconds.
 */
import { entriesOf, field, isFields, listField, numberField, textField } from './fields.ts';
import type { SourceChat, SourceMessage } from './source-chat.ts';

export function isChatGpt(value: unknown): boolean {
  return isFields(field(value, 'mapping'));
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
  const text = textOf(content, leftOut);
  const isSaid = (role === 'user' || role === 'assistant') && text !== '' && !isHiddenMessage(message);
  const recipient = textField(message, 'recipient');
  const isTool = role === 'tool' || (isSaid && recipient !== '' && recipient !== 'all');
  if (isTool) leftOut('tool message');
  return {
    role: isSaid && !isTool ? role : null,
    text,
    reasoning: '',
    time: milliseconds(numberField(message, 'create_time')),
    model: role === 'assistant' ? textField(field(message, 'metadata'), 'model_slug') : '',
  };
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

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}
