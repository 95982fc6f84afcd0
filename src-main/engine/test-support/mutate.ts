/** Damages files at random from a seed, similar to deliberate damage. */

/** A generator of numbers in [0, 1): mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const EXTREMES = [0n, 1n, 2n, 255n, 65_536n, 2n ** 31n - 1n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];

/** A copy of `bytes` with one to four changes within its first `headerBytes`. */
export function mutateBytes(bytes: Uint8Array, headerBytes: number, random: () => number): Uint8Array {
  let file: Uint8Array = bytes.slice();
  const below = (limit: number) => Math.floor(random() * limit);
  for (let changes = random() < 0.6 ? 1 : 2 + below(3); changes > 0; changes--) {
    const at = below(Math.min(headerBytes, file.length));
    // Mostly small changes: a header that has shifted is refused at its start, and the rest is never tested.
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
        file[at] = below(256);
        break;
      case 3:
      case 4:
      case 5:
        file[at] ^= 1 << below(8);
        break;
      case 6:
      case 7:
      case 8: {
        const wide = random() < 0.7 && at + 8 <= file.length;
        const view = new DataView(file.buffer, file.byteOffset);
        const value = EXTREMES[below(EXTREMES.length)];
        if (wide) view.setBigUint64(at, value, true);
        else if (at + 4 <= file.length) view.setUint32(at, Number(value & 0xffffffffn), true);
        break;
      }
      case 9:
        file = file.slice(0, at);
        break;
      case 10: {
        // Overwrites with another part of the header.
        const from = below(Math.min(headerBytes, file.length));
        file.copyWithin(at, from, from + 1 + below(64));
        break;
      }
      default: {
        // Removes or duplicates a part.
        const length = 1 + below(64);
        file =
          random() < 0.5
            ? concatenated(file.subarray(0, at), file.subarray(at + length))
            : concatenated(file.subarray(0, at + length), file.subarray(at));
      }
    }
  }
  return file;
}

function concatenated(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

const REPLACEMENTS = [
  ...['null', 'true', '""', '"F64"', '"x"', '[]', '{}', '-1', '0', '0.5', '1e300', '1e999', '4294967296'],
  ...['9007199254740993', '"../x.safetensors"', '[[[[[[[[', '{"a":{"a":{"a":{"a":1', '[0,0]', '"\\u0000"'],
];
const VALUE = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|true|false|null|\[[^[\]{}]*\]/gi;

/** JSON text with one to four of its values, keys or lists replaced or swapped. */
export function mutateJson(text: string, random: () => number): string {
  const below = (limit: number) => Math.floor(random() * limit);
  let mutated = text;
  for (let changes = random() < 0.6 ? 1 : 2 + below(3); changes > 0; changes--) {
    const values = [...mutated.matchAll(VALUE)];
    if (values.length === 0) return mutated;
    const { index, 0: old } = values[below(values.length)];
    const value = random() < 0.5 ? REPLACEMENTS[below(REPLACEMENTS.length)] : String(values[below(values.length)][0]);
    mutated = mutated.slice(0, index) + value + mutated.slice(index + old.length);
  }
  return mutated;
}
