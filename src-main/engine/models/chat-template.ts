import { EngineError } from '../api/errors.ts';
import { readExactly } from '../formats/read-exactly.ts';
import type { ModelFiles } from '../api/platform.ts';
import type { TextEnds } from '../tokenizer/post-processor/template-processing.ts';
import { readJsonFile } from './json-file.ts';

const TEMPLATE_FILE = 'chat_template.jinja';
/** Written with processors of images and sound. */
const TEMPLATE_JSON_FILE = 'chat_template.json';
const TOKENIZER_CONFIG_FILE = 'tokenizer_config.json';
/** The largest known template has about 20 KB, the largest tokenizer_config.json, with all added tokens, 2 MB. */
const MAX_TEMPLATE_BYTES = 2 ** 20;
const MAX_CONFIG_BYTES = 16 * 2 ** 20;

/** What the files next to the weights say about chats. */
export interface ChatFiles {
  readonly template: string | null;
  /** Texts of the BOS and EOS tokens; null when the files do not say. */
  readonly bosToken: string | null;
  readonly eosToken: string | null;
  /** What tokenizer_config.json says about the tokens around a text. */
  readonly textEnds: TextEnds;
}

/**
 * The classes that follow `add_bos_token` and `add_eos_token` in transformers 4, whatever tokenizer.json says. Files of
 * transformers 5 have no flags, so without one tokenizer.json decides.
 */
const FOLLOWS_FLAGS = /^(?:Llama|CodeLlama|Gemma|Cohere|GPTNeoX)Tokenizer(?:Fast)?$/;

/**
 * Reads the chat template of a Hugging Face folder and the special tokens that it may use. The template is a file of its
 * own or a key of tokenizer_config.json, which may hold several named ones.
 * @throws EngineError MODEL_FORMAT, MODEL_IO
 */
export async function readChatFiles(files: ModelFiles): Promise<ChatFiles> {
  const config = await readJson(files, TOKENIZER_CONFIG_FILE);
  return {
    template: files.names.includes(TEMPLATE_FILE)
      ? await readTemplateFile(files)
      : (templateIn(await readJson(files, TEMPLATE_JSON_FILE)) ?? templateIn(config)),
    bosToken: tokenIn(config, 'bos_token'),
    eosToken: tokenIn(config, 'eos_token'),
    textEnds: textEndsIn(config),
  };
}

/** Reads the tokens around a text alone. @throws EngineError as `readChatFiles` */
export async function readTextEnds(files: ModelFiles): Promise<TextEnds> {
  return textEndsIn(await readJson(files, TOKENIZER_CONFIG_FILE));
}

/** Reads the template alone. @throws EngineError as `readChatFiles` */
export async function readChatTemplate(files: ModelFiles): Promise<string | null> {
  return (await readChatFiles(files)).template;
}

async function readJson(files: ModelFiles, name: string): Promise<unknown> {
  if (!files.names.includes(name)) return null;
  const source = await files.open(name);
  try {
    return await readJsonFile(source, MAX_CONFIG_BYTES);
  } finally {
    await source.close?.();
  }
}

function field(json: unknown, key: string): unknown {
  return typeof json === 'object' && json !== null && Object.hasOwn(json, key)
    ? (json as Record<string, unknown>)[key]
    : null;
}

/** Accepts a text, or `[{ name, template }]`, of which the one named `default` is used. */
function templateIn(json: unknown): string | null {
  const value = field(json, 'chat_template');
  const chosen = Array.isArray(value)
    ? field(value.find((entry) => field(entry, 'name') === 'default') ?? null, 'template')
    : value;
  return typeof chosen === 'string' ? chosen : null;
}

/** A token's text, or an object that contains it. */
function tokenIn(json: unknown, key: string): string | null {
  const value = field(json, key);
  const text = typeof value === 'string' ? value : field(value, 'content');
  return typeof text === 'string' ? text : null;
}

function textEndsIn(config: unknown): TextEnds {
  const name = field(config, 'tokenizer_class');
  if (typeof name !== 'string' || !FOLLOWS_FLAGS.test(name)) return {};
  const end = (key: string) => {
    const flag = field(config, `add_${key}`);
    if (flag === false) return null;
    return flag === true ? (tokenIn(config, key) ?? undefined) : undefined;
  };
  return { before: end('bos_token'), after: end('eos_token') };
}

async function readTemplateFile(files: ModelFiles): Promise<string> {
  const source = await files.open(TEMPLATE_FILE);
  try {
    if (source.size > MAX_TEMPLATE_BYTES) {
      throw new EngineError(
        'MODEL_FORMAT',
        `${source.name}: the file has ${source.size} bytes; the limit is ${MAX_TEMPLATE_BYTES}.`,
        { file: source.name, bytes: source.size },
      );
    }
    return new TextDecoder('utf-8').decode(await readExactly(source, 0, source.size));
  } finally {
    await source.close?.();
  }
}
