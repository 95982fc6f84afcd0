import { link, rename, rm } from 'node:fs/promises';
import { factsOf, type ChatEvent, type StoredTurn } from '../../protocol/app/chats/chat.ts';
import { mergedUpdate } from '../../protocol/app/chats/notebook.ts';
import { exists } from '../json-file.ts';
import { COMPACTED, REPLACED, type ChatPaths } from './chat-paths.ts';
import { statusAt, type ChatFiles } from './files.ts';
import { chatOf, type Journal } from './journal.ts';
import {
  entriesOf,
  eventLine,
  headerLine,
  positionsLine,
  START,
  type DetailsPosition,
  type Entry,
} from './journal-format.ts';
import type { ChatState } from './chat-state.ts';

/** Fewer lines than this are read quickly anyway. */
const MIN_LINES = 64;

/** Whether much of the journal could be merged. */
export function isWorthwhile({ state }: Journal): boolean {
  return state !== null && state.mergeable > MIN_LINES && state.mergeable > 2 * state.turnCount;
}

/**
 * Replaces a journal with a shorter one of the same content: one line of tokens per reply, and no overwritten facts. Only
 * one process does this; others may write meanwhile. What they add to the old file is appended to the new one, also after
 * a crash (`recover`), and a writer that finds its file replaced writes again.
 *
 * @returns whether the file was replaced. @throws the system's error
 */
export async function compact(journal: Journal, paths: ChatPaths): Promise<boolean> {
  const { path, files, state } = journal;
  const kept = `${path}${REPLACED}`;
  const fresh = `${path}${COMPACTED}`;
  if (await exists(kept)) {
    await recover(files, path);
    return true;
  }
  const source = await files.openToRead(path);
  try {
    if (state === null || state.file !== (await source.status()).identity) return false;
    const cursor = { ...START };
    const entries = [...entriesOf(await source.read(0, state.cursor.offset), cursor)];
    const end = cursor.offset;
    await keepDamaged(files, paths.damaged(journal.id), entries);
    await rm(fresh, { force: true });
    await writeNew(files, fresh, compacted(state, entries, end));
    try {
      await link(path, kept);
      await rename(fresh, path);
    } catch {
      // The file is in use (Windows), or the disk has no hard links: keep the journal.
      await rm(fresh, { force: true });
      await rm(kept, { force: true });
      return false;
    }
    const { size } = await source.status();
    await appendRest(files, path, await source.read(end, size));
    await rm(kept, { force: true });
    return true;
  } finally {
    await source.close();
  }
}

/** Completes a compaction that a crash interrupted. @throws the system's error */
export async function recover(files: ChatFiles, path: string): Promise<void> {
  const kept = `${path}${REPLACED}`;
  const [old, now] = await Promise.all([kept, path].map(async (one) => await statusAt(one).catch(() => null)));
  if (old !== null && now !== null && now.identity !== old.identity) {
    const file = await files.openToRead(path);
    const cursor = { ...START };
    // Only the header is needed.
    for (const _ of entriesOf(await file.read(0, now.size), cursor)) break;
    await file.close();
    const source = await files.openToRead(kept);
    const rest = await source.read(cursor.header?.replaces ?? 0, old.size);
    await source.close();
    await appendRest(files, path, rest);
  }
  await rm(kept, { force: true });
  await rm(`${path}${COMPACTED}`, { force: true });
}

async function appendRest(files: ChatFiles, path: string, rest: Buffer): Promise<void> {
  const file = await files.openToAppend(path, false);
  try {
    // Others may have started writing to the new file and left an incomplete line.
    if (rest.length > 0) await file.write(Buffer.concat([Buffer.from('\n'), rest]));
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeNew(files: ChatFiles, path: string, bytes: Buffer): Promise<void> {
  const file = await files.create(path);
  try {
    await file.write(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function keepDamaged(files: ChatFiles, path: string, entries: readonly Entry[]): Promise<void> {
  const damaged = entries.flatMap(({ kept }) => (kept?.damaged ? [kept.bytes] : []));
  if (damaged.length === 0) return;
  const file = await files.openToAppend(path, true);
  try {
    await file.write(Buffer.concat(damaged));
    await file.sync();
  } finally {
    await file.close();
  }
}

function compacted(state: ChatState, entries: readonly Entry[], end: number): Buffer {
  const chat = chatOf(state, entries);
  const { updatedAt: at } = chat;
  const places = state.allPositions();
  const lines = [eventLine({ type: 'facts', at, facts: factsOf(chat) })];
  if (chat.updates !== undefined) lines.push(eventLine({ type: 'update', at, update: mergedUpdate(chat.updates) }));
  for (const turn of chat.turns) lines.push(...linesOfTurn(turn, at, places));
  for (const turn of chat.removed) lines.push(eventLine({ type: 'remove', at, turn }));
  const rest = [...places.values()].flat();
  if (rest.length > 0) lines.push(positionsLine(rest));
  lines.push(...entries.flatMap(({ kept }) => (kept !== null && !kept.damaged ? [kept.bytes] : [])));
  const { id, createdAt, revision } = chat;
  return Buffer.concat([headerLine({ id, createdAt, revision, body: lines.length, replaces: end }), ...lines]);
}

/** Removes what it uses from `places`. */
function linesOfTurn(turn: StoredTurn, at: string, places: Map<string, DetailsPosition[]>): Buffer[] {
  if (turn.role === 'user') return [eventLine({ type: 'turn', at, turn })];
  const { id, parent, role, createdAt, facts, text, tokens } = turn;
  const lines = [eventLine({ type: 'turn', at, turn: { id, parent, role, createdAt, facts } })];
  if (tokens.ids.length === 0) return lines;
  const event: ChatEvent = { type: 'tokens', at, turn: id, from: 0, text, tokens };
  lines.push(eventLine(event, places.get(id) ?? []));
  places.delete(id);
  return lines;
}
