import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../../engine/api/errors.ts';
import type { ChatFacts } from '../../protocol/app/chats/chat.ts';
import { putAside, readJson } from '../json-file.ts';
import type { ChatPaths } from './chat-paths.ts';
import { appendDetails } from './details-file.ts';
import { laterVersion, type Change, type Journal } from './journal.ts';
import { eventLine } from './journal-format.ts';
import { parseV1Chat, type V1Chat } from './v1-format.ts';
import { eventsOfV1 } from './v1-migration.ts';

/** Files of the first format have no version at all. */
const FIRST_VERSION = 1;

/**
 * Converts a chat's file of the first format to a journal and moves that file to `chats/v1/`. A damaged file is renamed;
 * one of a later version is not touched.
 *
 * @returns what was written; null when there was nothing to do. @throws the system's error, EngineError STORAGE
 */
export async function importV1(
  journal: Journal,
  paths: ChatPaths,
  notice: (message: string) => void,
): Promise<Change[] | null> {
  const path = paths.v1(journal.id);
  const chat = await readV1(path, journal.id, notice);
  if (chat === null) return null;
  const { events, details } = eventsOfV1(chat);
  await journal.catchUp();
  const places = await appendDetails(journal.files, paths.details(journal.id), details);
  const { state } = journal;
  const lines = events.flatMap((event) => {
    if (event.type === 'facts' && state !== null) {
      // Facts that the journal has are newer. After an interrupted import, it has none.
      const missing = Object.entries(event.facts).filter(([name]) => !state.facts.has(name));
      const facts = Object.fromEntries(missing) as Partial<ChatFacts>;
      return missing.length === 0 ? [] : [eventLine({ ...event, facts }, [])];
    }
    const ofTurn = event.type === 'tokens' ? places.filter(([turn]) => turn === event.turn) : [];
    return eventLine(event, ofTurn);
  });
  const changes = await journal.append(Buffer.concat(lines), chat.createdAt);
  if (places.length > 0) await journal.files.sync(paths.details(journal.id));
  await journal.files.sync(journal.path);
  await mkdir(paths.migrated, { recursive: true });
  await rename(path, await freeName(paths.migrated, journal.id));
  return changes;
}

async function readV1(path: string, id: string, notice: (message: string) => void): Promise<V1Chat | null> {
  const read = await readJson(path);
  if (read.state === 'missing') return null;
  let why = read.state === 'damaged' ? read.why : '';
  if (read.state === 'read') {
    if (versionOf(read.value) > FIRST_VERSION) {
      notice(laterVersion(path).message);
      return null;
    }
    try {
      return parseV1Chat(read.value, `${id}.json`);
    } catch (error) {
      why = EngineError.from(error).message;
    }
  }
  const kept = await putAside(path);
  notice(`A chat could not be read (${why}). It was kept as ${kept}.`);
  return null;
}

function versionOf(value: unknown): number {
  const version: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'version') : null;
  return typeof version === 'number' ? version : FIRST_VERSION;
}

/** There may be a file of that name if an earlier version was used again. */
async function freeName(folder: string, id: string): Promise<string> {
  for (let copy = 1; ; copy++) {
    const path = join(folder, copy === 1 ? `${id}.json` : `${id}.${copy}.json`);
    const isTaken = await stat(path).then(
      () => true,
      () => false,
    );
    if (!isTaken) return path;
  }
}
