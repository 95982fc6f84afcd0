/** `enum gguf_metadata_value_type`: bytes of one value; null for strings and arrays. */
const VALUE_BYTES: readonly (number | null)[] = [1, 1, 2, 2, 4, 4, 4, 1, null, null, 8, 8, 8];
const TEXT = 8;
const LIST = 9;
const COUNTS_AT = 8;
const METADATA_AT = 24;

/**
 * A GGUF file with another one's metadata and no tensors: all that a tokenizer needs, in a fraction of the size.
 * @param beginning of the other file, at least up to the end of its metadata
 */
export function withoutTensors(beginning: Buffer): Buffer {
  const entries = Number(beginning.readBigUInt64LE(COUNTS_AT + 8));
  let at = METADATA_AT;
  const skipText = () => {
    at += 8 + Number(beginning.readBigUInt64LE(at));
  };
  const skipValue = (type: number) => {
    const bytes = VALUE_BYTES[type];
    if (bytes === undefined) throw new Error(`A value in the metadata has the unknown type ${type}.`);
    if (bytes !== null) at += bytes;
    else if (type === TEXT) skipText();
    else if (type === LIST) {
      const itemType = beginning.readUInt32LE(at);
      const count = Number(beginning.readBigUInt64LE(at + 4));
      at += 12;
      for (let i = 0; i < count; i++) skipValue(itemType);
    }
  };
  for (let i = 0; i < entries; i++) {
    skipText();
    at += 4;
    skipValue(beginning.readUInt32LE(at - 4));
  }
  const header = Buffer.from(beginning.subarray(0, at));
  header.writeBigUInt64LE(0n, COUNTS_AT);
  return header;
}
