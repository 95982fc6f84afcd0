import type { DetailsChunk, TokenDetails } from '../../protocol/app/chats/chat.ts';
import type { ChatFiles } from './files.ts';
import type { DetailsPosition } from './journal-format.ts';
import { codeOf } from '../json-file.ts';
import { encodeLine, payloadOf, storedChecksum } from './lines.ts';

/** Tokens of one line, which is read to show one token. */
const TOKENS_PER_LINE = 64;
const MAX_ATTEMPTS = 8;
/** Number of values per candidate in a line. */
const CANDIDATE = 4;

/**
 * The values without names, and candidates in one flat list. In place of the probability of a candidate that the chain
 * removed is the stage that removed it, or null if that is unknown.
 */
type PackedDetails = [piece: string, rank: number, sampled: number, survivors: number, candidates: unknown[]];

/**
 * Appends details to a chat's details file.
 * @param written offsets of lines that are in the file already, which are not appended again; appended ones are added
 * @returns their positions
 * @throws the system's error
 */
export async function appendDetails(
  files: ChatFiles,
  path: string,
  chunks: readonly DetailsChunk[],
  written = new Map<string, number>(),
): Promise<DetailsPosition[]> {
  const lines = chunks.flatMap((chunk) => linesOf(chunk));
  const missing = lines.filter(({ key }) => !written.has(key));
  if (missing.length > 0) {
    let offset = await append(files, path, Buffer.concat(missing.map(({ line }) => line)));
    for (const { key, line } of missing) {
      written.set(key, offset);
      offset += line.length;
    }
  }
  return lines.map(({ turn, from, count, key, line }): DetailsPosition => [
    turn,
    from,
    count,
    written.get(key) ?? 0,
    line.length,
  ]);
}

function linesOf({ turn, from, details }: DetailsChunk) {
  const lines = [];
  for (let at = 0; at < details.length; at += TOKENS_PER_LINE) {
    const part = details.slice(at, at + TOKENS_PER_LINE);
    const first = from + at;
    const line = encodeLine([turn, first, part.map(pack)]);
    // The checksum alone has only 32 bits.
    const key = [turn, first, line.length, storedChecksum(line)].join(' ');
    lines.push({ turn, from: first, count: part.length, key, line });
  }
  return lines;
}

/** @returns the offset of the bytes */
async function append(files: ChatFiles, path: string, bytes: Buffer): Promise<number> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const file = await files.openToAppend(path, true);
    try {
      const { size } = await file.status();
      await file.append(bytes, size);
      const after = await file.status();
      if (after.size === size + bytes.length) return size;
      // Another process wrote at the same time.
      const at = (await file.read(size, after.size)).indexOf(bytes);
      if (at >= 0) return size + at;
    } finally {
      await file.close();
    }
  }
  throw new Error(`${path} keeps changing while it is read.`);
}

/** Reads details of `count` tokens from index `from`; null if they were not recorded or are damaged. */
export async function readDetails(
  files: ChatFiles,
  path: string,
  range: { turn: string; from: number; count: number },
  places: readonly { from: number; offset: number; length: number }[],
): Promise<(TokenDetails | null)[]> {
  const result = new Array<TokenDetails | null>(range.count).fill(null);
  if (places.length === 0) return result;
  const file = await files.openToRead(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return result;
  try {
    for (const { from, offset, length } of places) {
      const packed = unpackLine(await file.read(offset, offset + length), range.turn, from);
      for (const [at, details] of packed.entries()) {
        const index = from + at - range.from;
        if (index >= 0 && index < result.length) result[index] ??= details;
      }
    }
  } finally {
    await file.close();
  }
  return result;
}

function unpackLine(line: Buffer, turn: string, from: number): TokenDetails[] {
  const payload = payloadOf(line.subarray(0, -1));
  if (payload === null) return [];
  const [ofTurn, first, details] = JSON.parse(payload.toString('utf8')) as [string, number, PackedDetails[]];
  return ofTurn === turn && first === from ? details.map(unpack) : [];
}

function pack({ piece, rank, sampledProbability, survivors, candidates }: TokenDetails): PackedDetails {
  const flat = candidates.flatMap(({ id, piece, logprob, sampledProbability, removedBy }) => [
    id,
    piece,
    sixDigits(logprob),
    sampledProbability === null ? (removedBy ?? null) : sixDigits(sampledProbability),
  ]);
  return [piece, rank, sixDigits(sampledProbability), survivors, flat];
}

function unpack([piece, rank, sampledProbability, survivors, flat]: PackedDetails): TokenDetails {
  const candidates = [];
  for (let at = 0; at < flat.length; at += CANDIDATE) {
    const [id, text, logprob, end] = flat.slice(at, at + CANDIDATE) as [number, string, number, number | string | null];
    const candidate = { id, piece: text, logprob, sampledProbability: typeof end === 'number' ? end : null };
    candidates.push(typeof end === 'string' ? { ...candidate, removedBy: end } : candidate);
  }
  return { piece, rank, sampledProbability, survivors, candidates };
}

function sixDigits(value: number): number {
  return Number(value.toPrecision(6));
}
