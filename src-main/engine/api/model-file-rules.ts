/** Which files are models, by their names and first bytes. Hosts, services and the interface have the same rules. */

/** First bytes of a GGUF file: "GGUF". */
export const GGUF_MAGIC: readonly number[] = [0x47, 0x47, 0x55, 0x46];
export const CONFIG_FILE = 'config.json';

const PART = /^(.*)-\d{5}-of-(\d{5})\.gguf$/i;
/** As llama.cpp recognises multimodal projectors. */
const PROJECTOR = /mmproj[^/]*\.gguf$/i;
const SAFETENSORS = /\.safetensors(?:\.index\.json)?$/i;

/** What the parts of a split model have in common: `PREFIX-00001-of-COUNT.gguf`. */
export interface SplitModel {
  readonly prefix: string;
  /** Five digits. */
  readonly count: string;
}

export function hasGgufMagic(bytes: Uint8Array): boolean {
  return GGUF_MAGIC.every((byte, at) => bytes[at] === byte);
}

export function isGguf(name: string): boolean {
  return /\.gguf$/i.test(name);
}

/** Whether a GGUF file is a multimodal projector, which is not a model of its own. */
export function isProjector(name: string): boolean {
  return PROJECTOR.test(name);
}

/** The split model that a file is a part of; null for any other file. */
export function splitModelOf(name: string): SplitModel | null {
  const [, prefix, count] = PART.exec(name) ?? [];
  return prefix === undefined || count === undefined ? null : { prefix, count };
}

/** Identifies the model of a GGUF file among those of its folder: the same for all parts of a split one. */
export function ggufModelOf(name: string): string {
  const split = splitModelOf(name);
  return split === null ? name : `${split.prefix} of ${split.count}`;
}

/** Names of the GGUF files of models, in the same order. Projectors count only if there is nothing else. */
export function ggufModelFiles(names: readonly string[]): string[] {
  const all = names.filter(isGguf);
  const models = all.filter((name) => !isProjector(name));
  return models.length > 0 ? models : all;
}

/** Display name of the model in a GGUF file: the file's name without extension and part number. */
export function ggufTitle(name: string): string {
  return name.replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '');
}

/**
 * Whether the files of a folder are a Hugging Face model. GGUF files next to its safetensors are conversions of the
 * same model; without safetensors, they are the model.
 */
export function isHfFolder(names: readonly string[]): boolean {
  return !names.some(isGguf) || (names.includes(CONFIG_FILE) && names.some((name) => SAFETENSORS.test(name)));
}
