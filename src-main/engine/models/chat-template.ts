import { EngineError } from '../errors.ts';
import { readExactly } from '../formats/read-exactly.ts';
import type { ModelFiles } from '../platform.ts';
import { readJsonFile } from './json-file.ts';

const TEMPLATE_FILE = 'chat_template.jinja';
const TOKENIZER_CONFIG_FILE = 'tokenizer_config.json';
/** The largest known template has some 20 KB, the largest tokenizer_config.json, with all added tokens, 2 MB. */
const MAX_TEMPLATE_BYTES = 2 ** 20;
const MAX_CONFIG_BYTES = 16 * 2 ** 20;

/**
 * The chat template of a Hugging Face folder: a file of its own, or a key of tokenizer_config.json, there perhaps one
 * of several by name. Null when there is none.
 * @throws EngineError MODEL_FORMAT, MODEL_IO
 */
export async function readChatTemplate(files: ModelFiles): Promise<string | null> {
  if (files.names.includes(TEMPLATE_FILE)) return readTemplateFile(files);
  if (!files.names.includes(TOKENIZER_CONFIG_FILE)) return null;
  const source = await files.open(TOKENIZER_CONFIG_FILE);
  try {
    const json = await readJsonFile(source, MAX_CONFIG_BYTES);
    const value = typeof json === 'object' && json !== null && 'chat_template' in json ? json.chat_template : null;
    if (typeof value === 'string') return value;
    return Array.isArray(value) ? defaultOf(value) : null;
  } finally {
    await source.close?.();
  }
}

/** `[{ name, template }]`: the one named `default`. */
function defaultOf(templates: readonly unknown[]): string | null {
  for (const entry of templates) {
    if (typeof entry !== 'object' || entry === null || !('name' in entry) || !('template' in entry)) continue;
    if (entry.name === 'default' && typeof entry.template === 'string') return entry.template;
  }
  return null;
}

async function readTemplateFile(files: ModelFiles): Promise<string> {
  const source = await files.open(TEMPLATE_FILE);
  try {
    if (source.size > MAX_TEMPLATE_BYTES) {
      throw new EngineError(
        'MODEL_FORMAT',
        `${source.name}: the file has ${source.size} bytes; more than ${MAX_TEMPLATE_BYTES} are not read.`,
        { file: source.name, bytes: source.size },
      );
    }
    return new TextDecoder('utf-8').decode(await readExactly(source, 0, source.size));
  } finally {
    await source.close?.();
  }
}
