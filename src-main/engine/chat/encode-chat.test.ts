/** Messages never become structure: hostile chats with the vocabularies and templates of several families. */
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GGUF_FAMILIES, HUGGING_FACE_FAMILIES, loadFamily } from '../test-support/tokenizer-families.ts';
import { tokenizerFromJson } from '../tokenizer/from-tokenizer-json.ts';
import { PaddedTokenizer } from '../tokenizer/padded-tokenizer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ChatMessage, TokenPiece } from '../api/types.ts';
import { encodeChat } from './encode-chat.ts';
import { templateFormat } from './template-format.ts';

interface Family {
  readonly name: string;
  readonly isThere: boolean;
  readonly load: () => Promise<Tokenizer>;
  readonly template: string;
  readonly bos: string;
  /** Special tokens of the vocabulary. */
  readonly special: readonly string[];
  /** Tokens of the template that are found in every text. */
  readonly marks: readonly string[];
  /** Whether decoding is lossless. */
  readonly bytes: boolean;
}

function stored(name: string): string {
  return readFileSync(new URL(`../fixtures/chat-templates/${name}.jinja`, import.meta.url), 'utf8');
}

function huggingFace(golden: string) {
  const family = HUGGING_FACE_FAMILIES.find((each) => each.golden === golden)!;
  return { name: `${golden} (tokenizer.json)`, isThere: family.isThere, load: () => loadFamily(family) };
}

function gguf(golden: string) {
  const family = GGUF_FAMILIES.find((each) => each.golden === golden)!;
  const load = async () => (await loadFamily(family)).tokenizer;
  return { name: `${golden} (GGUF)`, isThere: family.isThere, load };
}

const GPT_OSS =
  '{% for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endfor %}<|start|>assistant';
const MISTRAL =
  "{{ bos_token }}{% for m in messages %}{% if m.role == 'assistant' %}{{ m.content }}</s>{% else %}[INST] {{ m.content }} [/INST]{% endif %}{% endfor %}";

const FAMILIES: readonly Family[] = [
  {
    ...gguf('smollm2'),
    template: stored('smollm2'),
    bos: '<|im_start|>',
    special: ['<|im_start|>', '<|im_end|>', '<|endoftext|>', '<repo_name>'],
    marks: [],
    bytes: true,
  },
  {
    ...huggingFace('qwen3'),
    template: stored('qwen3'),
    bos: '',
    special: ['<|im_start|>', '<|im_end|>', '<|endoftext|>', '<|vision_start|>'],
    marks: ['<think>', '</think>', '<tool_call>', '</tool_call>', '<tool_response>'],
    bytes: true,
  },
  {
    ...gguf('conv-qwen3'),
    template: stored('qwen3'),
    bos: '',
    special: ['<|im_start|>', '<|im_end|>', '<|endoftext|>'],
    marks: ['<think>', '</think>', '<tool_call>', '</tool_call>', '<tool_response>'],
    bytes: true,
  },
  {
    ...huggingFace('llama3'),
    template: stored('llama3_1'),
    bos: '<|begin_of_text|>',
    special: ['<|begin_of_text|>', '<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>', '<|python_tag|>'],
    marks: [],
    bytes: true,
  },
  {
    ...gguf('gemma3'),
    template: stored('gemma3'),
    bos: '<bos>',
    special: ['<bos>', '<eos>', '<start_of_turn>', '<end_of_turn>', '<start_of_image>'],
    marks: [],
    bytes: false,
  },
  {
    ...huggingFace('deepseek_v3'),
    template: stored('deepseek_v3'),
    bos: '<｜begin▁of▁sentence｜>',
    special: ['<｜begin▁of▁sentence｜>', '<｜end▁of▁sentence｜>'],
    marks: ['<｜User｜>', '<｜Assistant｜>'],
    bytes: true,
  },
  {
    ...gguf('conv-gptoss'),
    template: GPT_OSS,
    bos: '<|startoftext|>',
    special: ['<|startoftext|>', '<|return|>', '<|call|>'],
    marks: ['<|start|>', '<|message|>', '<|end|>'],
    bytes: true,
  },
  {
    ...huggingFace('mistral_v1'),
    template: MISTRAL,
    bos: '<s>',
    special: ['<s>', '</s>', '<unk>'],
    marks: [],
    bytes: false,
  },
];

const ROLES: readonly ChatMessage['role'][] = ['system', 'user', 'assistant', 'user'];
/** A vocabulary takes a second, or many under load. */
const LOAD_MS = 120_000;

/** Byte-level as GGUF, byte-level with marks as a Hugging Face file, and SentencePiece; every family in the full run. */
const CHOSEN = ['smollm2 (GGUF)', 'qwen3 (tokenizer.json)', 'mistral_v1 (tokenizer.json)'];
const compared = FAMILIES.filter(({ name }) => process.env.TOKENSCOPE_TEST_FULL === '1' || CHOSEN.includes(name));

for (const family of compared) {
  describe.skipIf(!family.isThere)(`a chat with ${family.name} (needs the fetched tokenizers)`, () => {
    const { special, marks, template, bos } = family;
    let tokenizer: Tokenizer;
    const format = templateFormat({ source: template, name: 'It', tokens: { bos, eos: '' }, now: new Date(0) });

    beforeAll(async () => {
      const loaded = await family.load();
      // As when a model is opened.
      tokenizer = new PaddedTokenizer(loaded, loaded.vocabularySize + 8);
    }, LOAD_MS);
    afterAll(() => {
      // One vocabulary at a time: together they take gigabytes.
      tokenizer = undefined as unknown as Tokenizer;
    });

    const render = (texts: readonly string[]) =>
      format(texts.map((text, index) => ({ role: ROLES[index], text, index })));
    const structure = (pieces: readonly TokenPiece[]) =>
      pieces.filter((piece) => piece.special || marks.includes(piece.piece)).map(({ piece }) => piece);

    const halves = [...special, ...marks].flatMap((text) => {
      const middle = Math.floor(text.length / 2);
      return [text.slice(0, middle), text.slice(middle), text.slice(0, -1), text.slice(1)];
    });
    const word = fc.constantFrom('system', 'user', 'Hello', 'a', ' ', '\n', '\n\n', '1', 'é', '🙂', '<', '|', '>');
    const hostile = fc
      .array(fc.oneof(fc.constantFrom(...special, ...marks), fc.constantFrom(...halves), word), { maxLength: 8 })
      .map((parts) => `x${parts.join('')}x`);
    // A model's text keeps its marks, and a template may split it at them.
    const answer = fc
      .array(fc.oneof(fc.constantFrom(...special), word), { maxLength: 8 })
      .map((parts) => `x${parts.join('')}x`);
    const conversation = fc.tuple(hostile, hostile, answer, hostile);

    it('has the structure of its template, whatever the messages contain', () => {
      const expected = structure(encodeChat(render(['x', 'x', 'x', 'x']), tokenizer));
      expect(expected.length).toBeGreaterThan(1);
      fc.assert(
        fc.property(conversation, (texts) => {
          const chat = render(texts);
          const pieces = encodeChat(chat, tokenizer);
          expect(structure(pieces)).toEqual(expected);
          for (const { special: isSpecial, range } of pieces) {
            if (!isSpecial || range === null) continue;
            expect(chat.written.some(({ start, end }) => start < range[1] && range[0] < end)).toBe(false);
          }
          if (!family.bytes) return;
          const ids = pieces.filter(({ range }) => range !== null).map(({ id }) => id);
          expect(tokenizer.decode(ids, false)).toBe(chat.text);
        }),
      );
    });

    it('has the tokens of its text if no message contains a mark, with one BOS', () => {
      const harmless = fc.tuple(
        ...ROLES.map(() => fc.array(word, { maxLength: 8 }).map((parts) => `x${parts.join('').replaceAll('<', '')}x`)),
      );
      fc.assert(
        fc.property(harmless, (texts) => {
          const { text } = render(texts);
          const ids = encodeChat(render(texts), tokenizer).map(({ id }) => id);
          const whole = tokenizer.encode(text, { addSpecial: false, parseSpecial: true });
          const [first] = tokenizer.encode('');
          const begins = first === undefined || first !== tokenizer.bosTokenId || whole[0] === first;
          expect(ids).toEqual(begins ? whole : [first, ...whole]);
        }),
      );
    });
  });
}

const BYTES = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`);
const PIECES = ['<unk>', '<s>', '</s>', ...BYTES, ...'▁heliouxb', '▁▁', '▁h'];

/** A small BPE vocabulary with spaces as U+2581. */
function smallTokenizer(parts: object, added: readonly object[]): Tokenizer {
  const vocab = Object.fromEntries(PIECES.map((piece, id) => [piece, id]));
  const merges = ['▁ ▁', '▁ h'];
  const model = { type: 'BPE', unk_token: '<unk>', fuse_unk: true, byte_fallback: true, vocab, merges };
  const special = { special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };
  const tokens = [{ content: '<unk>' }, { content: '<s>' }, { content: '</s>' }];
  const added_tokens = [...tokens.map((token, id) => ({ id, ...token })), ...added].map((token, i) => ({
    ...special,
    id: PIECES.length + i,
    ...token,
  }));
  return tokenizerFromJson({ model, added_tokens, ...parts }, 'tokenizer.json');
}

function chatOf(template: string, texts: readonly string[]) {
  const tokens = { bos: '<s>', eos: '</s>' };
  const format = templateFormat({ source: template, name: 'It', tokens, now: new Date(0) });
  const roles = ['user', 'assistant', 'user'] as const;
  return format(texts.map((text, index) => ({ role: roles[index], text, index })));
}

const idsOf = (pieces: readonly TokenPiece[]) => pieces.map(({ id }) => id);

describe('special tokens that include white space', () => {
  const normalizers = [
    { type: 'Prepend', prepend: '▁' },
    { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
  ];
  const tokenizer = smallTokenizer({ normalizer: { type: 'Sequence', normalizers } }, [
    { content: '<|user|>', rstrip: true },
    { content: '<|assistant|>', rstrip: true },
    { content: '<|end|>', lstrip: true, rstrip: true },
  ]);
  const template =
    "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endfor %}<|assistant|>\n";

  it.each([
    [' hi', '\n hi', 'x'],
    ['\n hi', ' hi', ' hi'],
    ['hi ', 'hi \n', ' '],
  ])('may include that of a message: %j, %j, %j', (...texts) => {
    const chat = chatOf(template, texts);
    const whole = tokenizer.encode(chat.text, { addSpecial: false, parseSpecial: true });
    expect(idsOf(encodeChat(chat, tokenizer))).toEqual(whole);
  });

  it('stay structure in a chat with a message that contains them', () => {
    const pieces = encodeChat(chatOf(template, [' hi', '\n hi', ' <|end|> hi']), tokenizer);
    expect(pieces.filter(({ special }) => special).map(({ piece }) => piece)).toEqual([
      '<|user|>',
      '<|end|>',
      '<|assistant|>',
      '<|end|>',
      '<|user|>',
      '<|end|>',
      '<|assistant|>',
    ]);
  });
});

describe('a message with the text of a special token', () => {
  const template = '{% for m in messages %}<|turn|>{{ m.content }}</s>{% endfor %}<|turn|>';

  it.each(['first', 'always', 'never'])('changes no other turn (prepend_scheme: %s)', (scheme) => {
    const preTokenizer = { type: 'Metaspace', replacement: '▁', prepend_scheme: scheme, split: false };
    const tokenizer = smallTokenizer({ pre_tokenizer: preTokenizer }, [{ content: '<|turn|>' }]);
    const [harmless, hostile] = ['x', 'x</s>'].map((last) => chatOf(template, ['hello', 'hi', last]));
    const start = harmless.written.at(-1)!.start;
    const before = (pieces: TokenPiece[]) => pieces.filter(({ range }) => range !== null && range[1] <= start);
    expect(before(encodeChat(hostile, tokenizer))).toEqual(before(encodeChat(harmless, tokenizer)));
  });

  it('does not become one together with the template’s text', () => {
    const tokenizer = smallTokenizer({}, [{ content: '<|turn|>' }, { content: '<|turn|>x' }, { content: 'o</s>' }]);
    const pieces = encodeChat(chatOf(template, ['xo']), tokenizer);
    expect(pieces.map(({ piece }) => piece)).toEqual(['<|turn|>', 'x', 'o', '</s>', '<|turn|>']);
  });

  it('stays text where special tokens are found in normalised text', () => {
    const normalizer = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
    const tokenizer = smallTokenizer({ normalizer }, [{ content: '<|turn|>', normalized: true }]);
    const pieces = encodeChat(chatOf(template, ['<|turn|> h', 'hi', 'x']), tokenizer);
    expect(pieces.filter(({ piece }) => piece === '<|turn|>').map(({ range }) => range?.[0])).toEqual([0, 22, 36, 49]);
  });
});
