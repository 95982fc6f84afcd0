import { beforeEach, describe, expect, it } from 'vitest';
import { messageFrom } from '../attachments/message-text.ts';
import { parseMarkdown } from '../../markdown/parse/parse-markdown.ts';
import { shownText } from '../../markdown/shown-text.ts';
import { ChatDocument } from '../state/chat-document.svelte.ts';
import { typedTokens } from '../state/typed-tokens.ts';
import type { JumpTarget } from '../state/thread-jump.svelte.ts';
import { REPLY_FACTS } from '../test-support/fakes.ts';
import { FindInChat } from './find.svelte.ts';
import { occurrences, searchable } from './searchable.ts';

const asShown = (text: string) => shownText(parseMarkdown({ text, base: 0, definitions: [], footnotes: [] }).blocks);

describe('occurrences', () => {
  it('ignores case and kinds of spaces, and keeps offsets', () => {
    expect(occurrences(searchable('A Fox, a\u00a0fox\ta fox'), 'a fox')).toEqual([0, 7, 13]);
    // Its lower case is two characters long.
    expect(occurrences(searchable('İ fox'), 'fox')).toEqual([2]);
  });
  it('finds letters whose lower case is longer, or depends on where they are', () => {
    expect(occurrences(searchable('İstanbul, Hello'), 'HELLO')).toEqual([10]);
    expect(occurrences(searchable('İstanbul'), 'İst')).toEqual([0]);
    expect(occurrences(searchable('ΟΔΟΣ'), 'οδοσ')).toEqual([0]);
    expect(occurrences(searchable('οδός'), 'ΌΣ')).toEqual([2]);
  });
  it('does not overlap, and stays within a line', () => {
    expect(occurrences('aaaa', 'aa')).toEqual([0, 2]);
    expect(occurrences(searchable('a\nfox'), 'a fox')).toEqual([]);
    expect(occurrences('a  b', '  ')).toEqual([]);
  });
});

describe('shownText', () => {
  it('has no syntax, and separates blocks, items and cells', () => {
    expect(asShown('# A **b** `c`\n\n- d\n- [e](https://example.org)\n\n| f | g |\n|-|-|\n| h | i |')).toBe(
      'A b c\nd\ne\nf\ng\nh\ni',
    );
    expect(asShown('```js\nlet a;\n```')).toBe('let a;');
    expect(asShown('1 &amp; 2 \\* 3')).toBe('1 & 2 * 3');
  });
});

describe('FindInChat', () => {
  let chat: ChatDocument;
  let raw: boolean;
  let parsed: string[];
  let targets: JumpTarget[];
  let find: FindInChat;

  beforeEach(() => {
    chat = ChatDocument.create();
    [raw, parsed, targets] = [false, [], []];
    for (const text of ['The **red** fox and the red fox', 'no animal', 'A red fox']) {
      chat.addUserTurn('Is there a red fox?');
      chat.addFinishedReply({ text, tokens: typedTokens(text), facts: REPLY_FACTS });
    }
    find = new FindInChat({
      chats: { current: chat },
      jump: { to: (target) => targets.push(target) },
      isRaw: () => raw,
      asShown: async (markdown) => {
        parsed.push(markdown);
        return asShown(markdown);
      },
    });
  });

  it('does not say that it found nothing before it has looked', async () => {
    expect(find.counting).toBe(false);
    find.query = 'red';
    expect(find.counting).toBe(true);
    await find.count();
    expect(find.counting).toBe(false);
    expect(find.total).toBeGreaterThan(0);
  });

  it('counts what the page shows, and parses only replies that may have it', async () => {
    find.query = 'red fox';
    await find.count();
    expect(find.hits.map(({ count }) => count)).toEqual([1, 2, 1, 1, 1]);
    expect(find.total).toBe(6);
    expect(parsed).toHaveLength(2);
    raw = true;
    await find.count();
    expect(find.total).toBe(5);
  });

  it('counts what was typed in a message, and not what is in its files', async () => {
    const file = { id: 'f', name: 'fox.txt', kind: 'text', bytes: 9, content: 'fox, fox', notes: [] } as const;
    const { text, attachments } = messageFrom('Where is the fox?', [file]);
    const turn = chat.addUserTurn(text, chat.head, attachments);
    find.query = 'fox';
    await find.count();
    expect(find.hits.at(-1)).toMatchObject({ turn: turn.id, count: 1 });
    find.query = 'fox, fox';
    await find.count();
    expect(find.total).toBe(0);
  });

  it('reports the latest count, however many were replaced', async () => {
    find.query = 'animal';
    const first = find.count();
    find.query = 'fox';
    const second = find.count();
    await first;
    expect([find.counting, find.total]).toEqual([false, 6]);
    await second;
    // One that begins while the first already waits for the second.
    const [third, fourth] = [find.count(), find.count()];
    for (let turn = 0; turn < 2; turn++) await Promise.resolve();
    find.query = 'animal';
    const fifth = find.count();
    await third;
    expect([find.counting, find.total]).toEqual([false, 1]);
    await Promise.all([fourth, fifth]);
  });

  it('goes around the ends, to the number of the occurrence in its turn', async () => {
    find.query = 'RED FOX';
    await find.count();
    const [, reply] = chat.path;
    for (let step = 0; step < 2; step++) find.move(1);
    expect(targets.at(-1)).toEqual({ chatId: chat.id, turn: reply.id, query: 'RED FOX', occurrence: 1 });
    expect(find.place).toBe(3);
    for (let step = 0; step < 3; step++) find.move(-1);
    expect(find.place).toBe(6);
    expect(targets.at(-1)?.turn).toBe(chat.head);
    find.move(1);
    expect(find.place).toBe(1);
  });

  it('begins at the top of the view, keeps it while the query is typed, and goes around the end', async () => {
    let top = { index: 3, above: () => 0 };
    find.follow(() => top);
    find.query = 'red';
    await find.count();
    // The turns have 1, 2, 1, 0, 1 and 1.
    expect(targets.at(-1)).toMatchObject({ turn: chat.path[4].id, occurrence: 0 });
    expect(find.place).toBe(5);
    top = { index: 0, above: () => 0 };
    find.query = 'red fox';
    await find.count();
    expect(find.place).toBe(5);
    // Not after another occurrence was chosen.
    find.move(1);
    top = { index: 1, above: () => 1 };
    find.query = 'red';
    await find.count();
    expect(targets.at(-1)).toMatchObject({ turn: chat.path[1].id, occurrence: 1 });
    find.show();
    top = { index: 5, above: () => 1 };
    await find.count();
    expect(find.place).toBe(1);
    // More text changes only the numbers.
    find.move(1);
    await find.count();
    expect(find.place).toBe(2);
  });

  it('counts what was just typed before it moves, and does not move if more is typed meanwhile', async () => {
    find.query = 'no animal';
    await find.count();
    find.query = 'RED FOX';
    await find.countAndMove(1);
    expect([find.total, find.place]).toEqual([6, 2]);
    // The query is counted without Enter, too.
    await find.count();
    expect(find.place).toBe(2);
    const before = targets.length;
    find.query = 'animal';
    const moving = find.countAndMove(-1);
    find.query = 'red';
    await moving;
    expect([find.counting, targets.length]).toEqual([true, before]);
    await find.count();
    expect(targets.at(-1)).toMatchObject({ query: 'red', occurrence: 0 });
    expect(find.place).toBe(1);
  });

  it('has no place without an occurrence', async () => {
    find.query = 'wolf';
    await find.count();
    expect([find.total, find.place]).toEqual([0, 0]);
    find.move(1);
    find.goTo();
    expect(targets).toEqual([]);
  });
});
