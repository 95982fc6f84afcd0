/**
 * An export of Open WebUI: one chat or a list of them, each a tree of messages in `chat.history` with the shown one in
 * `currentId`. Times are seconds.
 */
import { MAX_FOLDER } from '../../../../src-main/protocol/app/chats/chat.ts';
import { cutText } from '../../../../src-main/protocol/cut-text.ts';
import { isRecord } from '../../../../src-main/protocol/is-record.ts';
import { entriesOf, field, listField, numberField, textField } from './fields.ts';
import { withoutText, type SourceChat, type SourceMessage } from './source-chat.ts';

/** What a line may begin with: a folded part of a reply, or a code fence. */
const LINE = /^(?: {0,3}(`{3,}|~{3,})([^\n]*)| {0,3}<details\b([^<>]*)>)/gm;
/** A folded part at the beginning of a reply, or right after another one. */
const FOLDED = /\s*<details\b([^<>]*)>/y;
const TYPE = /\btype="(\w+)"/;
const END = '</details>';
const TOOLS = new Set(['tool_calls', 'code_interpreter']);

export function isOpenWebUi(value: unknown): boolean {
  return isRecord(field(field(field(value, 'chat'), 'history'), 'messages'));
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
    const files = listField(message, 'files');
    for (const _ of files) leftOut('attachment');
    const isOnlyFiles = content.trim() === '' && files.length > 0;
    const { reasoning, text } = role === 'assistant' ? unfolded(content, leftOut) : { reasoning: '', text: content };
    const parent = textField(message, 'parentId');
    return {
      id,
      parent: parent === '' ? null : parent,
      role,
      text: isOnlyFiles ? withoutText(files.every(isImage) ? 'image' : 'attachment') : text,
      reasoning,
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
    folder: cutText((tags.find((tag) => typeof tag === 'string') ?? '').trim(), MAX_FOLDER),
  };
}

const isImage = (file: unknown) => textField(file, 'type') === 'image';

interface FoldedPart {
  readonly type: string;
  readonly start: number;
  /** Where its content begins and ends. */
  readonly inner: number;
  readonly end: number;
}

/** A reply without its folded parts: reasoning, and calls of tools. Those in code fences are part of what it says. */
function unfolded(content: string, leftOut: (what: string) => void): { reasoning: string; text: string } {
  let reasoning = '';
  const said: string[] = [];
  let from = 0;
  for (const { type, start, inner, end } of foldedParts(content)) {
    if (type === 'reasoning') reasoning += reasoningOf(content.slice(inner, end));
    else leftOut('tool message');
    said.push(content.slice(from, start).trimEnd());
    from = end + END.length;
  }
  said.push(content.slice(from));
  const text = said.map((one, at) => (at === 0 ? one : one.trimStart())).filter((one) => one !== '');
  return { reasoning, text: text.join('\n\n') };
}

/** Those on lines of their own. Each character is read a constant number of times: files may come from anybody. */
function* foldedParts(content: string): Generator<FoldedPart> {
  const lastEnd = content.lastIndexOf(END);
  const partAt = (start: number, inner: number, attributes: string): FoldedPart | null => {
    const type = TYPE.exec(attributes)?.[1] ?? '';
    if (inner > lastEnd || (type !== 'reasoning' && !TOOLS.has(type))) return null;
    return { type, start, inner, end: content.indexOf(END, inner) };
  };
  for (let from = 0; ;) {
    FOLDED.lastIndex = from;
    const first = FOLDED.exec(content);
    let part = first === null ? null : partAt(from, FOLDED.lastIndex, first[1]);
    /** The code fence that is open. */
    let fence = '';
    LINE.lastIndex = from;
    while (part === null) {
      const line = LINE.exec(content);
      if (line === null) return;
      const [, marks = '', info = '', attributes] = line;
      if (attributes !== undefined) part = fence === '' ? partAt(line.index, LINE.lastIndex, attributes) : null;
      else if (fence === '') fence = marks.startsWith('`') && info.includes('`') ? '' : marks;
      else if (marks.startsWith(fence) && info.trim() === '') fence = '';
    }
    yield part;
    from = part.end + END.length;
  }
}

/** The quoted lines below the summary. Newer versions escape them. */
function reasoningOf(details: string): string {
  const summary = details.indexOf('</summary>');
  const quoted = summary < 0 ? details : details.slice(summary + '</summary>'.length);
  const isEscaped = quoted.trimStart().startsWith('&gt;');
  const text = quoted
    .split('\n')
    .map((line) => (isEscaped ? unescaped(line) : line).replace(/^> ?/, ''))
    .join('\n')
    .trim();
  return text === '' ? '' : `${text}\n`;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', amp: '&', '#x27': "'", '#39': "'" };

function unescaped(text: string): string {
  return text.replaceAll(/&(lt|gt|quot|amp|#x27|#39);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}
