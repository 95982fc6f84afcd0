/** How files become a part of a message. The model reads exactly this text, and the message stores it. */
import { MAX_ATTACHMENTS, type Attachment, type AttachmentKind } from '../../../../src-main/protocol/app/chats/chat.ts';
import { MAX_TEXT } from '../../../../src-main/protocol/fields.ts';
import { newId } from '../../../lib/new-id.ts';
import { formatInteger } from '../../../ui/format.ts';
import { languageOf } from './kinds.ts';

/** A file that was read and not sent yet. */
export interface AttachedFile {
  readonly id: string;
  readonly name: string;
  readonly kind: AttachmentKind;
  /** Size of the file. */
  readonly bytes: number;
  readonly content: string;
  readonly notes: readonly string[];
}

/** A message as it is sent and stored. */
export interface MessageText {
  readonly text: string;
  readonly attachments: readonly Attachment[];
}

const BETWEEN = '\n\n';

/** A heading with the file's name, and its content in a code fence that is longer than any in it. */
export function blockOf({ name, content }: Pick<AttachedFile, 'name' | 'content'>): string {
  let longest = 2;
  // One by one: a file may have a million of them.
  for (const [, ticks = ''] of content.matchAll(/^ {0,3}(`{3,})/gm)) longest = Math.max(longest, ticks.length);
  const fence = '`'.repeat(longest + 1);
  const end = content === '' || content.endsWith('\n') ? '' : '\n';
  return `File: ${name.replaceAll(/\s+/g, ' ')}\n${fence}${languageOf(name)}\n${content}${end}${fence}`;
}

/** The files in their order, then what a person typed. */
export function messageFrom(typed: string, files: readonly AttachedFile[]): MessageText {
  let text = '';
  const attachments: Attachment[] = [];
  for (const file of files) {
    const start = text.length;
    text += blockOf(file);
    const { name, kind, bytes, notes } = file;
    attachments.push({ name, kind, bytes, start, end: text.length, notes: [...notes] });
    text += BETWEEN;
  }
  return { text: joined(text, typed), attachments };
}

/** Why a message cannot be sent, because it could not be stored; or null. */
export function refusalOf({ text, attachments }: MessageText): string | null {
  const over = attachments.length - MAX_ATTACHMENTS;
  if (over > 0) return `A message can have at most ${MAX_ATTACHMENTS} files. Remove ${over}.`;
  if (text.length <= MAX_TEXT) return null;
  return `The message has ${formatInteger(text.length)} characters. The limit is ${formatInteger(MAX_TEXT)}.`;
}

/** What a person typed of a message. */
export function typedOf({ text, attachments }: MessageText): string {
  const end = attachments.at(-1)?.end;
  if (end === undefined) return text;
  return text.slice(end).replace(/^\n\n/, '');
}

/** The message with another typed text. @param files those of its files that stay */
export function withTyped(message: MessageText, typed: string, files = message.attachments): MessageText {
  let text = '';
  const attachments: Attachment[] = [];
  for (const file of files) {
    const start = text.length;
    text += attachedText(message, file);
    attachments.push({ ...file, start, end: text.length });
    text += BETWEEN;
  }
  return { text: joined(text, typed), attachments };
}

/** The files of a message, as they were before it was sent. A line break at the end of their content may be new. */
export function filesIn(message: MessageText): AttachedFile[] {
  return message.attachments.map((file) => {
    const { name, kind, bytes, notes } = file;
    const block = attachedText(message, file);
    // After the lines with the name and the fence, and before the last fence.
    const from = block.indexOf('\n', block.indexOf('\n') + 1) + 1;
    return { id: newId(), name, kind, bytes, notes, content: block.slice(from, block.lastIndexOf('\n') + 1) };
  });
}

/** The text of one file as the model reads it. */
export function attachedText({ text }: MessageText, { start, end }: Attachment): string {
  return text.slice(start, end);
}

/** @param files their blocks, each with the space after it */
function joined(files: string, typed: string): string {
  return typed.trim() === '' && files !== '' ? files.slice(0, -BETWEEN.length) : files + typed;
}
