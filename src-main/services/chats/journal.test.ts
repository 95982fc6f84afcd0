import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyEvent, emptyChat, indexOf } from '../../protocol/app/chats/apply-event.ts';
import type { ChatEvent, StoredChat } from '../../protocol/app/chats/chat.ts';
import { temporaryFolder } from '../test-support/support.ts';
import { compact } from './compaction.ts';
import { ChatPaths } from './chat-paths.ts';
import { ChatFiles } from './files.ts';
import { Journal } from './journal.ts';
import { eventLine } from './journal-format.ts';
import { payloadOf } from './lines.ts';
import { at, AT, replyEnd, replyTurn, smallChat, title, tokensOf, userTurn } from './test-support/chats.ts';

const batch = (...events: ChatEvent[]) => Buffer.concat(events.map((event) => eventLine(event)));

async function newJournal() {
  const paths = new ChatPaths(await temporaryFolder());
  await mkdir(paths.folder);
  const path = paths.journal('c');
  const files = new ChatFiles();
  return { paths, path, files, journal: new Journal('c', path, files), other: () => new Journal('c', path, files) };
}

const textsOf = (chat: StoredChat | undefined) => chat?.turns.map((turn) => turn.text);

test('the rest of an interrupted write is silently ignored', async () => {
  const { path, journal, other } = await newJournal();
  await journal.append(batch(...smallChat()), AT);
  await appendFile(path, batch(userTurn('u2', 'r1')).subarray(0, 40));
  expect((await other().readAll())?.chat.revision).toBe(5);
  await journal.append(batch(userTurn('u3', 'r1', 'after')), null);
  const reader = other();
  const read = await reader.readAll();
  expect(textsOf(read?.chat)).toEqual(['Hello world', '! How are you?', 'after']);
  expect(read?.chat.revision).toBe(6);
  expect(reader.state?.damagedLines).toBe(0);
  expect(journal.state?.revision).toBe(6);
});

test('a file whose first write was interrupted is rewritten', async () => {
  const { path, journal, other } = await newJournal();
  await writeFile(path, '1234abcd {"format":"tokens');
  await journal.append(batch(...smallChat()), AT);
  expect((await other().readAll())?.chat).toMatchObject({ title: 'Hello world', createdAt: AT });
});

test('a damaged header loses no text', async () => {
  const { path, journal, other } = await newJournal();
  await journal.append(batch(...smallChat()), AT);
  const bytes = await readFile(path);
  bytes[20] = 0x21;
  await writeFile(path, bytes);
  const reader = other();
  expect(textsOf((await reader.readAll())?.chat)).toEqual(['Hello world', '! How are you?']);
  expect(reader.state?.damagedLines).toBe(1);
});

test('a line of an unknown kind is kept, also by compaction', async () => {
  const { paths, path, journal } = await newJournal();
  await journal.append(batch(...smallChat()), AT);
  const unknown = { type: 'rating', at: AT, turn: 'r1', stars: 5 } as unknown as ChatEvent;
  await journal.append(batch(unknown, title('Later')), null);
  expect((await journal.readAll())?.chat).toMatchObject({ title: 'Later', revision: 7 });
  expect(await compact(journal, paths)).toBe(true);
  expect(await readFile(path, 'utf8')).toContain('"stars":5');
});

test('compaction keeps the bytes of damaged lines beside the journal', async () => {
  const { paths, path, journal, other } = await newJournal();
  await journal.append(batch(...smallChat(), userTurn('u2', 'r1', 'spoilt')), AT);
  await writeFile(path, (await readFile(path, 'utf8')).replace('spoilt', 'spoiled'));
  const reader = other();
  const before = await reader.readAll();
  expect(await compact(reader, paths)).toBe(true);
  expect(await readFile(paths.damaged('c'), 'utf8')).toContain('spoiled');
  const after = other();
  expect((await after.readAll())?.chat).toEqual(before?.chat);
  expect(after.state?.damagedLines).toBe(0);
});

/** In the full run, as many as for other properties. */
const RUNS = process.env.TOKENSCOPE_TEST_FULL === '1' ? {} : { numRuns: 30 };

describe('for any events, damage and number of writers', () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const parent = fc.option(id);
  const event: fc.Arbitrary<ChatEvent> = fc.oneof(
    fc.string({ maxLength: 20, unit: 'grapheme' }).map(title),
    fc.tuple(id, parent, fc.string({ unit: 'binary' })).map(([turn, of, text]) => userTurn(turn, of, text)),
    fc.tuple(id, parent).map(([turn, of]) => replyTurn(turn, of)),
    fc
      .tuple(id, fc.nat(6), fc.array(fc.string({ maxLength: 4 }), { minLength: 1, maxLength: 5 }))
      .map(([turn, from, texts]) => tokensOf(turn, from, ...texts)),
    id.map(replyEnd),
    fc.tuple(fc.constantFrom('remove' as const, 'restore' as const), id).map(([type, turn]) => at({ type, turn })),
  );
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('write' as const),
        writer: fc.nat(2),
        events: fc.array(event, { minLength: 1, maxLength: 4 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('torn' as const),
        event,
        part: fc.double({ min: 0, max: 0.99, noNaN: true }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('damage' as const),
        place: fc.double({ min: 0, max: 0.99, noNaN: true }),
        byte: fc.nat(255),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'compact' as const }) },
  );

  test('the chat consists of the undamaged lines', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const { paths, path, journal, other } = await newJournal();
        const writers = [journal, other(), other()];
        await writers[0].append(batch(title('start')), AT);
        for (const one of steps) {
          if (one.kind === 'write') await writers[one.writer].append(batch(...one.events), AT);
          else if (one.kind === 'compact') {
            const before = await journal.readAll();
            await compact(journal, paths);
            expect(withoutRevision((await other().readAll())?.chat)).toEqual(withoutRevision(before?.chat));
          } else if (one.kind === 'torn') {
            const line = batch(one.event);
            await appendFile(path, line.subarray(0, Math.floor(one.part * line.length)));
          } else {
            const bytes = await readFile(path);
            bytes[Math.floor(one.place * bytes.length)] = one.byte;
            await writeFile(path, bytes);
          }
        }
        // All readers agree, whatever they knew before.
        const read = await other().readAll();
        expect(withoutRevision(read?.chat)).toEqual(withoutRevision(survivors(await readFile(path), read?.chat)));
        for (const writer of writers) {
          await writer.catchUp();
          expect((await writer.readAll())?.chat.turns).toEqual(read?.chat.turns);
        }
      }),
      RUNS,
    );
  });

  /** Line by line, in the simplest way. */
  function survivors(bytes: Buffer, like: StoredChat | undefined): StoredChat {
    const chat = emptyChat('c', like?.createdAt ?? AT);
    const turns = indexOf(chat);
    const lines = bytes.toString('latin1').split('\n').slice(0, -1);
    for (const line of lines) {
      const payload = payloadOf(Buffer.from(line, 'latin1'));
      const value = payload === null ? {} : (JSON.parse(payload.toString('utf8')) as { type?: string });
      if (value.type !== undefined) applyEvent(chat, value as ChatEvent, turns);
    }
    return chat;
  }
  const withoutRevision = (chat: StoredChat | undefined) => ({ ...chat, revision: 0, updatedAt: '' });
});
