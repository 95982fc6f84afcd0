import { expect, it } from 'vitest';
import * as Y from 'yjs';
import {
  chatFileText,
  eventsOfChat,
  portable,
  type PortableChat,
} from '../../../../src-main/protocol/app/chats/chat-file.ts';
import { NO_FACTS, type StoredChat, type StoredTurn } from '../../../../src-main/protocol/app/chats/chat.ts';
import { encodeUpdate, notebookText } from '../../../../src-main/protocol/app/chats/notebook.ts';
import { dataFolder, openStore, PageLine } from '../test-support/store.ts';
import { parseMarkdown } from '../../markdown/parse/parse-markdown.ts';
import { plainText } from '../../markdown/plain-text.ts';
import { fileTitle, textOf } from './export-text.ts';
import chatGpt from './fixtures/chatgpt.json' with { type: 'json' };
import openWebUi from './fixtures/open-webui.json' with { type: 'json' };
import { MAX_IMPORT_BYTES, readChats, readImport } from './import-file.ts';

const fileOf = (text: string, name = 'chats.json', size = text.length) => ({ name, size, text: async () => text });
const parsed = (chats: readonly PortableChat[]) => JSON.parse(chatFileText(chats)) as { chats: unknown[] };
const storedOf = (chat: PortableChat): StoredChat => ({
  ...chat,
  settings: chat.settings ?? null,
  id: 'c',
  revision: 1,
  removed: [],
});
const tree = (turns: readonly StoredTurn[]) => turns.map(({ id, parent, text }) => [id, parent, text]);

it('reads a ChatGPT export with its branches', () => {
  const { chats, notices, problems } = readChats(chatGpt, 'conversations.json');
  expect(problems).toEqual([]);
  expect(notices).toEqual(['Left out: 1 image, 2 tool messages.']);
  const [user, first, second] = [
    'aaa2d5c4-0000-4000-8000-000000000002',
    'ccc2d5c4-0000-4000-8000-000000000003',
    'fff2d5c4-0000-4000-8000-000000000006',
  ];
  expect(chats).toMatchObject([
    {
      title: 'Names for a cat',
      modelName: 'gpt-4o',
      pinned: true,
      head: second,
      createdAt: '2024-06-10T06:13:20.123Z',
      updatedAt: '2024-06-10T06:18:20.500Z',
    },
  ]);
  expect(tree(chats[0]!.turns)).toEqual([
    [user, null, 'Suggest a name for this cat.'],
    [first, user, '**Pixel**, for her spots.'],
    [second, user, 'Luna is the most common one.'],
  ]);
});

it('reads an Open WebUI export with its branches, reasoning and first tag', () => {
  const { chats, notices } = readChats(openWebUi, 'chats.json');
  expect(notices).toEqual(['Left out: 1 attachment.']);
  expect(chats).toMatchObject([
    { title: 'Sorting a list', systemPrompt: 'Answer briefly.', folder: 'python', head: 'm5' },
  ]);
  const turns = chats[0]!.turns;
  expect(turns.map(({ id, parent }) => [id, parent])).toEqual([
    ['m1', null],
    ['m2', 'm1'],
    ['m3', 'm1'],
    ['m4', 'm3'],
    ['m5', 'm4'],
  ]);
  expect(turns[2]).toMatchObject({
    text: 'In place or a copy?\nSay both.\n`items.sort()` in place, `sorted(items)` for a copy.',
    tokens: { parts: [1, 1, 0] },
    facts: { model: 'Qwen 3' },
  });
  // Both replies have the same second; the first stays first.
  expect(turns[1]!.createdAt < turns[2]!.createdAt).toBe(true);
  expect(readChats(openWebUi[0], 'chat.json').chats).toHaveLength(1);
});

it.each([
  ['ChatGPT', chatGpt],
  ['Open WebUI', openWebUi],
])('exports an imported chat of %s as a file that gives an equal one again', async (_, fixture) => {
  const services = new PageLine(await openStore(await dataFolder()));
  const stored = async (chat: PortableChat, id: string) => {
    await services.invoke('chatWrite', { id, base: 0, origin: 'test', events: eventsOfChat(chat), details: [] });
    return portable((await services.invoke('chatGet', id))!);
  };
  const [imported] = readChats(fixture, 'file.json').chats;
  const text = chatFileText([await stored(imported!, 'first')]);
  expect(text).toBe(chatFileText([imported!]));
  const again = await readImport(fileOf(text));
  expect(again).toMatchObject({ notices: [], problems: [] });
  expect(chatFileText([await stored(again.chats[0]!, 'second')])).toBe(text);
});

it('leaves deleted turns out of a file', () => {
  const [chat] = readChats(openWebUi, 'chats.json').chats;
  const without = portable({ ...storedOf(chat!), removed: ['m4'] });
  expect(without.turns.map(({ id }) => id)).toEqual(['m1', 'm2', 'm3']);
  expect(without.head).toBe('m3');
  expect(parsed([without]).chats[0]).not.toHaveProperty('removed');
});

it('writes the shown branch as Markdown and as plain text', async () => {
  const [chat] = readChats(openWebUi, 'chats.json').chats;
  const asText = async (text: string) =>
    plainText(parseMarkdown({ text, base: 0, definitions: [], footnotes: [] }).blocks);
  expect(await textOf(storedOf(chat!), 'markdown', asText)).toBe(
    '# Sorting a list\n\n## System prompt\n\nAnswer briefly.\n\n## You\n\nHow do I sort a list in Python?\n\n' +
      '## Qwen 3\n\n`items.sort()` in place, `sorted(items)` for a copy.\n\n## You\n\nIn reverse?\n\n' +
      '## Qwen 3\n\nPass `reverse=True`.\n',
  );
  expect(await textOf(storedOf(chat!), 'text', asText)).toContain('Qwen 3:\nPass reverse=True.\n');
  const typed: StoredTurn = {
    ...{ id: 'u', parent: null, role: 'user', createdAt: '2026-01-01T00:00:00.000Z' },
    text: 'def f():\n    return 2*3*4  # __init__',
  };
  const asTyped = { ...storedOf(chat!), systemPrompt: 'Mark *names*.', turns: [typed], head: 'u' };
  expect(await textOf(asTyped, 'text', asText)).toBe(
    `Sorting a list\n\nSystem prompt:\nMark *names*.\n\nYou:\n${typed.text}\n`,
  );
  expect(fileTitle('a/b: "c"?. ')).toBe('a-b- -c--');
  expect(fileTitle('...')).toBe('Chat');
});

it.each([
  ['no JSON', 'not json', 'is not a JSON file'],
  ['half a file', '[{"title": "x", "mapping"', 'incomplete'],
  ['something else', '{"a": 1}', 'has no chats of'],
  ['an empty list', '[]', 'has no chats of'],
  ['deep nesting', `${'['.repeat(200_000)}${']'.repeat(200_000)}`, 'has no chats of'],
  ['a later version', '{"format": "tokenscope-chats", "version": 2, "chats": []}', 'later version'],
  ['no list of chats', '{"format": "tokenscope-chats", "version": 1}', 'damaged'],
])('refuses %s with the reason', async (_, text, reason) => {
  await expect(readImport(fileOf(text))).rejects.toThrow(reason);
});

it('refuses a huge file before it is read', async () => {
  const file = { name: 'big.json', size: MAX_IMPORT_BYTES * 4, text: () => Promise.reject(new Error('read')) };
  await expect(readImport(file)).rejects.toThrow(/big\.json has .* can be imported/u);
});

it('reads the good chats of a file that has bad ones', async () => {
  const { chats } = readChats(openWebUi, 'chats.json');
  const bad = { ...parsed(chats).chats[0]!, turns: [{ id: '../../etc', parent: null, role: 'user' }] };
  const read = await readImport(fileOf(JSON.stringify({ ...parsed(chats), chats: [bad, ...parsed(chats).chats, 7] })));
  expect(read.chats).toHaveLength(1);
  expect(read.problems).toHaveLength(2);
  expect(readChats([openWebUi[0], { a: 1 }], 'x').problems).toEqual(['Entry 2 is not a chat.']);
});

it('repairs a tree with cycles, missing parents and strange ids', () => {
  const message = (role: string, text: string) => ({
    author: { role },
    content: { content_type: 'text', parts: [text] },
  });
  const mapping = {
    ['a']: { parent: 'c', message: message('user', 'one') },
    ['b']: { parent: 'a', message: message('assistant', 'two') },
    ['c']: { parent: 'b', message: message('user', 'three') },
    ['__proto__x']: { parent: 'missing', message: message('user', 'four') },
    ['../evil']: { parent: 'c', message: message('assistant', 'five') },
    ['self']: { parent: 'self', message: null },
  };
  const hostile = { title: '', mapping, current_node: 'nowhere', create_time: 1e300, update_time: 'soon' };
  const { chats, notices, problems } = readChats(hostile, 'x.json');
  expect(problems).toEqual([]);
  expect(chats[0]!.turns.map(({ text }) => text).sort()).toEqual(['five', 'four', 'one', 'three', 'two']);
  expect(chats[0]!.turns.every(({ id }) => /^[\w-]{1,64}$/.test(id))).toBe(true);
  expect(chats[0]!.head).toBe(chats[0]!.turns.at(-1)!.id);
  expect(notices).toEqual([
    '1 message refers to a message that is missing. It starts a branch.',
    '2 loops of messages were cut.',
  ]);
});

it('does not import messages that cannot be stored, or chats without any', () => {
  const long = {
    parent: null,
    message: { author: { role: 'user' }, content: { content_type: 'text', parts: ['x'.repeat(9e6)] } },
  };
  expect(readChats({ title: 'Long', mapping: { a: long } }, 'x').problems[0]).toContain(
    '“Long”: a message has 9,000,000',
  );
  expect(readChats({ title: 'Empty', mapping: {} }, 'x')).toMatchObject({
    chats: [],
    problems: ['“Empty” has no messages.'],
  });
});

it('reads a notebook in which nothing was generated', async () => {
  const document = new Y.Doc();
  notebookText(document).insert(0, 'Only typed.');
  const updates = [encodeUpdate(Y.encodeStateAsUpdate(document))];
  const at = '2026-01-01T00:00:00.000Z';
  const { settings: _, ...facts } = NO_FACTS;
  const notebook = { ...facts, title: 'Typed', createdAt: at, updatedAt: at, turns: [], updates };
  const { chats, problems } = readChats(parsed([notebook]), 'chats.json');
  expect(problems).toEqual([]);
  expect(await textOf(storedOf(chats[0]!), 'text', async (markdown) => markdown)).toBe('Only typed.');
});

const gptMessage = (role: string, content: object, more: object = {}) => ({ author: { role }, content, ...more });
const gptText = (text: string) => ({ content_type: 'text', parts: [text] });
const gptChat = (...messages: object[]) => ({
  title: 'Parts',
  mapping: Object.fromEntries(
    messages.map((message, at) => [`m${at}`, { parent: at === 0 ? null : `m${at - 1}`, message }]),
  ),
});

it('makes one reply of the parts that calls of tools divide, with what the model thought', () => {
  const thoughts = { content_type: 'thoughts', thoughts: [{ summary: 'Sum', content: 'I look it up.' }] };
  const { chats, notices } = readChats(
    gptChat(
      gptMessage('user', gptText('When?')),
      gptMessage('assistant', thoughts),
      gptMessage('assistant', { content_type: 'reasoning_recap', content: 'Thought for 2s' }),
      gptMessage('assistant', gptText('Let me see.')),
      gptMessage('assistant', { content_type: 'code', text: 'search()' }, { recipient: 'web.run' }),
      gptMessage('tool', gptText('1492')),
      gptMessage('assistant', gptText('In 1492.')),
      gptMessage('user', gptText('Thanks')),
    ),
    'x.json',
  );
  expect(notices).toEqual(['Left out: 2 tool messages.']);
  expect(tree(chats[0]!.turns)).toEqual([
    ['m0', null, 'When?'],
    ['m3', 'm0', 'I look it up.\nLet me see.\n\nIn 1492.'],
    ['m7', 'm3', 'Thanks'],
  ]);
  expect(chats[0]!.turns[1]).toMatchObject({ tokens: { parts: [1, 0, 0, 0, 0] } });
  expect(readChats(parsed(chats), 'x.json').problems).toEqual([]);
});

it('keeps a place for messages that consist of files, and counts those that are left out', () => {
  const image = { content_type: 'multimodal_text', parts: [{ content_type: 'image_asset_pointer' }] };
  const pdf = { metadata: { attachments: [{ name: 'a.pdf', mime_type: 'application/pdf' }] } };
  const { chats, notices } = readChats(
    gptChat(
      gptMessage('user', image),
      gptMessage('assistant', gptText('A cat.')),
      gptMessage('user', gptText(''), pdf),
      gptMessage('assistant', gptText('A letter.')),
    ),
    'x.json',
  );
  expect(notices).toEqual(['Left out: 1 image, 1 attachment.']);
  expect(chats[0]!.turns.map(({ text }) => text)).toEqual(['[Image]', 'A cat.', '[File]', 'A letter.']);
});

const webUi = (content: string) => ({
  title: 'T',
  chat: { history: { messages: { a: { role: 'assistant', parentId: null, content } }, currentId: 'a' } },
});

it('reads escaped reasoning of Open WebUI, and leaves calls of tools out', () => {
  const reasoning = (text: string) =>
    `<details type="reasoning" done="true">\n<summary>Thought</summary>\n${text}\n</details>\n`;
  const tool =
    '<details type="tool_calls" done="true" arguments="&quot;a&quot;">\n<summary>Tool</summary>\n</details>\n';
  const { chats, notices } = readChats(
    webUi(`${reasoning('&gt; Is &quot;a&quot; &lt; b?\n&gt; &amp;lt; stays')}${tool}${reasoning('> So: &lt;')}Yes.`),
    'x.json',
  );
  expect(chats[0]!.turns[0]!.text).toBe('Is "a" < b?\n&lt; stays\nSo: &lt;\nYes.');
  expect(notices).toEqual(['Left out: 1 tool message.']);
  expect(readChats(webUi('<details type="reasoning">half'), 'x').chats[0]!.turns[0]!.text).toBe(
    '<details type="reasoning">half',
  );
});

it('takes calls of tools and reasoning out of the middle of an Open WebUI reply, but not out of code', () => {
  const tool =
    '<details type="tool_calls" done="true" result="&lt;b&gt;">\n<summary>Tool Executed</summary>\n</details>\n';
  const code = '<details type="code_interpreter">\n<summary>Analyzed</summary>\n```python\n1\n```\n</details>\n';
  const thought = '<details type="reasoning" done="true">\n<summary>Thought</summary>\n> Hm.\n</details>\n';
  const textOfReply = (content: string) => readChats(webUi(content), 'x').chats[0]!.turns[0]!.text;
  const { chats, notices } = readChats(webUi(`Let me look.\n${tool}${code}${thought}Answer`), 'x.json');
  expect(chats[0]!.turns[0]).toMatchObject({
    text: 'Hm.\nLet me look.\n\nAnswer',
    tokens: { parts: [1, 0, 0, 0] },
  });
  expect(notices).toEqual(['Left out: 2 tool messages.']);
  expect(textOfReply(`One\n${tool}\nTwo\n\n${tool}Three\n`)).toBe('One\n\nTwo\n\nThree\n');
  for (const kept of [
    `\`\`\`\`html\n\`\`\`\n${tool}\`\`\`\` no end\n${tool}\`\`\`\`\nEnd`,
    `~~~\n${tool}`,
    `    ${tool}`,
    `In a line: ${tool}`,
    '<details>\n<summary>Mine</summary>\n</details>\nText',
    'Text\n<details type="tool_calls">\nhalf',
  ]) {
    expect(textOfReply(`Like this:\n${kept}`)).toBe(`Like this:\n${kept}`);
  }
  expect(textOfReply(`\`\`\`sh\nls\n\`\`\`\n${tool}End`)).toBe('```sh\nls\n```\n\nEnd');
  expect(textOfReply(`\`\`\`not a fence\`\`\`\n${tool}End`)).toBe('```not a fence```\n\nEnd');
});

it('reads a ChatGPT reply as it was shown: without markers, but with the names in them', () => {
  const marker = (...parts: string[]) => `\ue200${parts.join('\ue202')}\ue201`;
  const said = `By ${marker('entity', '["people","Ada \\"Byron\\"",0]')} in ${marker('entity', 'London')}. `;
  const { chats } = readChats(
    gptChat(
      gptMessage('user', gptText(`What is ${marker('cite', 'turn0search0')}?`)),
      gptMessage(
        'assistant',
        gptText(
          `${said}\ue203It is so.\ue204 ${marker('cite', 'turn0search0', 'turn0search1')}` +
            `See ${marker('url', 'the site', 'https://example.org')}.${marker('navlist')}${marker('entity', '[7]')}\ue200cite`,
        ),
      ),
      gptMessage('assistant', gptText(marker('image_group', '{"query":[]}'))),
    ),
    'x.json',
  );
  expect(chats[0]!.turns.map(({ text }) => text)).toEqual([
    `What is ${marker('cite', 'turn0search0')}?`,
    'By Ada "Byron" in London. It is so. See the site.\ue200cite',
  ]);
});

it('reads a hostile reply of Open WebUI in a moment', () => {
  const before = process.cpuUsage().user;
  readChats(webUi(`<details type="reasoning">${'<summary>'.repeat(200_000)}</details>x`), 'x');
  readChats(webUi('<details type="reasoning">'.repeat(100_000)), 'x');
  readChats(webUi(`x\n${'<details type="reasoning">\n'.repeat(40_000)}`), 'x');
  readChats(webUi(`x${'\n<details type="tool_calls"></details>'.repeat(20_000)}\n<details`), 'x');
  readChats(webUi(`x\n${'<details '.repeat(50_000)}`), 'x');
  readChats(webUi(`x\n${'```a\n<details '.repeat(20_000)}`), 'x');
  readChats(gptChat(gptMessage('assistant', gptText('\ue200a'.repeat(100_000)))), 'x');
  readChats(gptChat(gptMessage('assistant', gptText(`\ue200${'a'.repeat(200_000)}`))), 'x');
  expect((process.cpuUsage().user - before) / 1000).toBeLessThan(2000);
});

it('names files without halves of characters and without signs that turn the text around', () => {
  expect(fileTitle(`${'x'.repeat(99)}😀`)).toBe('x'.repeat(99));
  expect(fileTitle('invoice\u202Egpj')).toBe('invoicegpj');
});
