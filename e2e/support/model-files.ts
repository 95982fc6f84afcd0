import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { layOutGguf, type TensorPlan, type TypedValue } from '../../src-main/engine/formats/gguf/writer.ts';
import { rewriteGguf } from '../../src-main/engine/test-support/rewrite-gguf.ts';
import { tinyGguf } from '../../src-main/engine/test-support/tiny-gguf.ts';

/** A file with a small model of a few layers with random weights. @returns its path */
export async function writeTinyModel(dir: string, name = 'llama'): Promise<string> {
  return await write(dir, `${name}.gguf`, await tinyGguf(name));
}

/** The model of `writeTinyModel` with a chat template and recommended sampling settings. */
export async function writeChatModel(dir: string, template: string): Promise<string> {
  const metadata = {
    'tokenizer.chat_template': { type: 'string', value: template },
    'general.sampling.temp': { type: 'float32', value: 0.5 },
    'general.sampling.top_k': { type: 'int32', value: 7 },
  } as const;
  return await write(dir, 'chat.gguf', await rewriteGguf(await tinyGguf('llama'), { metadata }));
}

/** The model of `writeTinyModel` without a chat template: it continues texts. */
export async function writeTextModel(dir: string): Promise<string> {
  const metadata = { 'tokenizer.chat_template': null };
  return await write(dir, 'text.gguf', await rewriteGguf(await tinyGguf('llama'), { metadata }));
}

/** The start of a download that was interrupted inside its header. */
export async function writeBrokenModel(dir: string): Promise<string> {
  return await write(dir, 'broken.gguf', (await tinyGguf('llama')).slice(0, 3000));
}

/** The model of `writeTinyModel` with a training context of 2^27 tokens. K and V of a token take 800 bytes. */
export async function writeLongModel(dir: string): Promise<string> {
  const bytes = await tinyGguf('llama');
  const key = new TextEncoder().encode('llama.context_length');
  const at = Buffer.from(bytes.buffer).indexOf(key);
  // The type and the value follow the key.
  new DataView(bytes.buffer).setUint32(at + key.length + 4, 2 ** 27, true);
  return await write(dir, 'long.gguf', bytes);
}

const F32 = 0;
const F16 = 1;

/** A model of 300 MB, or of 34 MB for each of so many layers, which takes a while to read. */
export function writeBigModel(dir: string, layers = 9): Promise<string> {
  return writeZeros(dir, 'Big', layers);
}

/** A model of 34 MB with a training context of 2^27 tokens, whose K and V of 4.4 TB fit in no memory. */
export function writeEndlessModel(dir: string): Promise<string> {
  return writeZeros(dir, 'Endless', 64, { width: 128, context: 2 ** 27 });
}

/** A model of at least so many bytes. The file takes almost no space. */
export function writeHugeModel(dir: string, bytes: number): Promise<string> {
  const width = 8192;
  return writeZeros(dir, 'Huge', Math.ceil(bytes / layerBytes(width)), { width });
}

/** Four matrices of attention, three of the feed-forward network, in F16. */
function layerBytes(width: number): number {
  return 2 * (4 + 3 * 4) * width * width;
}

/** A model without a tokenizer whose weights are all zeros, in a sparse file. */
async function writeZeros(
  dir: string,
  name: string,
  layers: number,
  { width = 1024, context = 512 } = {},
): Promise<string> {
  const [feedForward, vocabulary] = [4 * width, 1000];
  const number = (value: number): TypedValue => ({ type: 'uint32', value });
  const text = (value: string): TypedValue => ({ type: 'string', value });
  const metadata = new Map<string, TypedValue>([
    ['general.architecture', text('llama')],
    ['general.name', text(name)],
    ['llama.block_count', number(layers)],
    ['llama.context_length', number(context)],
    ['llama.embedding_length', number(width)],
    ['llama.feed_forward_length', number(feedForward)],
    ['llama.attention.head_count', number(width / 128)],
    ['llama.attention.layer_norm_rms_epsilon', { type: 'float32', value: 1e-5 }],
    ['llama.vocab_size', number(vocabulary)],
    ['tokenizer.ggml.model', text('none')],
  ]);
  const matrix = (name: string, rows: number, columns: number): TensorPlan => {
    return { name: `${name}.weight`, shape: [rows, columns], typeId: F16, bytes: 2 * rows * columns };
  };
  const norm = (name: string): TensorPlan => {
    return { name: `${name}.weight`, shape: [width], typeId: F32, bytes: 4 * width };
  };
  const layer = (block: string) => [
    norm(`${block}.attn_norm`),
    ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].map((name) => matrix(`${block}.${name}`, width, width)),
    norm(`${block}.ffn_norm`),
    matrix(`${block}.ffn_gate`, feedForward, width),
    matrix(`${block}.ffn_up`, feedForward, width),
    matrix(`${block}.ffn_down`, width, feedForward),
  ];
  const blocks = Array.from({ length: layers }, (_, index) => layer(`blk.${index}`)).flat();
  const plan = [matrix('token_embd', vocabulary, width), ...blocks, norm('output_norm')];
  const { header, fileBytes } = layOutGguf(metadata, plan);
  const path = await write(dir, `${name.toLowerCase()}.gguf`, header);
  const file = await open(path, 'r+');
  await file.truncate(fileBytes);
  await file.close();
  return path;
}

async function write(dir: string, name: string, bytes: Uint8Array): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, bytes);
  return path;
}
