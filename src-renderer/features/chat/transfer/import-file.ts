import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { isChatFile, readChatFile, type PortableChat } from '../../../../src-main/protocol/app/chats/chat-file.ts';
import type { TreeRepairs } from '../../../../src-main/protocol/app/chats/turn-order.ts';
import { MAX_TEXT } from '../../../../src-main/protocol/fields.ts';
import { formatBytes, formatCount, formatInteger } from '../../../ui/format.ts';
import { chatGptChat, isChatGpt } from './chatgpt.ts';
import { isOpenWebUi, openWebUiChat } from './open-webui.ts';
import { portableOf, type SourceChat } from './source-chat.ts';

/** Larger files would fill the page's memory. */
export const MAX_IMPORT_BYTES = 256 * 1024 * 1024;
/** Problems that are listed; the others are counted. */
const MAX_PROBLEMS = 20;

export interface ReadImport {
  chats: PortableChat[];
  /** What was left out or repaired, for people. */
  notices: string[];
  /** Chats that cannot be imported, and why. */
  problems: string[];
}

/**
 * The chats of a file: one of ours, an export of ChatGPT (`conversations.json`) or of Open WebUI.
 * @throws EngineError BAD_REQUEST that says what is wrong with the file; `details.isOther`: it is JSON of something else
 */
export async function readImport(file: Pick<File, 'name' | 'size' | 'text'>): Promise<ReadImport> {
  const { name, size } = file;
  if (size > MAX_IMPORT_BYTES) {
    throw refused(`${name} has ${formatBytes(size)}. Files of up to ${formatBytes(MAX_IMPORT_BYTES)} can be imported.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(await file.text());
  } catch (error) {
    const why = error instanceof Error ? ` (${error.message.slice(0, 200)})` : '';
    throw refused(`${name} is not a JSON file, or it is incomplete${why}.`);
  }
  return readChats(value, name);
}

/** The file of chats that was dropped alone, or null. Folders of models have JSON files too. */
export function chatFileIn(files: ArrayLike<File>): File | null {
  const file = files.length === 1 ? files[0] : undefined;
  return file?.name.toLowerCase().endsWith('.json') ? file : null;
}

/** @throws EngineError BAD_REQUEST */
export function readChats(value: unknown, name: string): ReadImport {
  const left = new Map<string, number>();
  const count = (what: string, times = 1) => left.set(what, (left.get(what) ?? 0) + times);
  const chats: PortableChat[] = [];
  const problems: string[] = [];
  const take = ({ chat, repairs }: { chat: PortableChat; repairs: TreeRepairs }) => {
    const tooLong = [...chat.turns, { text: chat.systemPrompt }].find(({ text }) => text.length > MAX_TEXT);
    if (tooLong !== undefined) {
      const length = formatInteger(tooLong.text.length);
      problems.push(`“${chat.title}”: a message has ${length} characters. The limit is ${formatInteger(MAX_TEXT)}.`);
    } else if (chat.turns.length === 0 && chat.updates === undefined) {
      problems.push(`“${chat.title}” has no messages.`);
    } else {
      chats.push(chat);
      count('orphan', repairs.orphans);
      count('cycle', repairs.cycles);
      count('repeated', repairs.repeated);
    }
  };

  if (isChatFile(value)) {
    const read = readChatFile(value);
    read.chats.forEach(take);
    problems.push(...read.problems);
  } else {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    const readers = list.map(readerOf);
    if (readers.every((reader) => reader === null)) {
      throw refused(`${name} has no chats of Tokenscope, ChatGPT or Open WebUI.`, { isOther: true });
    }
    for (const [at, one] of list.entries()) {
      const reader = readers[at];
      if (reader === null || reader === undefined) problems.push(`Entry ${formatInteger(at + 1)} is not a chat.`);
      else take(portableOf(reader(one, count)));
    }
  }
  return { chats, notices: noticesOf(left), problems: shortened(problems) };
}

type Reader = (value: unknown, leftOut: (what: string) => void) => SourceChat;

function readerOf(value: unknown): Reader | null {
  if (isChatGpt(value)) return chatGptChat;
  return isOpenWebUi(value) ? openWebUiChat : null;
}

function noticesOf(left: ReadonlyMap<string, number>): string[] {
  const of = (what: string) => left.get(what) ?? 0;
  const things = ['image', 'attachment', 'tool message'].flatMap((what) =>
    of(what) === 0 ? [] : [formatCount(of(what), what)],
  );
  return [
    ...(things.length === 0 ? [] : [`Left out: ${things.join(', ')}.`]),
    ...(of('orphan') === 0 ? [] : [orphanText(of('orphan'))]),
    ...(of('cycle') === 0 ? [] : [cycleText(of('cycle'))]),
    ...(of('repeated') === 0 ? [] : [`${formatCount(of('repeated'), 'repeated message')} left out.`]),
  ];
}

function orphanText(count: number): string {
  if (count === 1) return '1 message refers to a message that is missing. It starts a branch.';
  return `${formatInteger(count)} messages refer to a message that is missing. Each starts a branch.`;
}

function cycleText(count: number): string {
  return count === 1 ? '1 loop of messages was cut.' : `${formatInteger(count)} loops of messages were cut.`;
}

function shortened(problems: readonly string[]): string[] {
  if (problems.length <= MAX_PROBLEMS) return [...problems];
  const more = problems.length - MAX_PROBLEMS;
  return [...problems.slice(0, MAX_PROBLEMS), `${formatCount(more, 'more entry', 'more entries')} cannot be imported.`];
}

function refused(message: string, details: Record<string, boolean> = {}): EngineError {
  return new EngineError('BAD_REQUEST', message, details);
}
