import { checkRange } from '../../../engine/api/byte-range.ts';
import { EngineError } from '../../../engine/api/errors.ts';
import type { ByteSource, ModelFiles } from '../../../engine/api/platform.ts';
import { MODELS_ROUTE } from '../../../protocol/app/app-bridge.ts';

/** Up to this size a file is fetched completely, in one request, bytes. */
const WHOLE_FILE_LIMIT = 64 * 1024 * 1024;

/** What is known of a file before it is read. */
export interface HttpFile {
  /** Bytes; NaN if the server does not say it. */
  readonly size: number;
  readonly hasRanges: boolean;
}

/**
 * Random access to a file of the page's own origin: fetched completely if it is small, else by HTTP Range.
 * @param known what `httpFile` returned; left out, the server is asked
 * @throws EngineError MODEL_NOT_FOUND when the server has no such file, MODEL_IO when it cannot be fetched.
 */
export async function openHttpByteSource(
  url: string,
  fetchFile: typeof fetch = fetch,
  known?: HttpFile,
): Promise<ByteSource> {
  const name = url.slice(url.lastIndexOf('/') + 1);
  const { size, hasRanges } = known ?? (await ask(url, fetchFile));
  if (size > WHOLE_FILE_LIMIT && hasRanges) return rangedSource(fetchFile, url, name, size);
  return memorySource(name, await body(await request(fetchFile, url), url));
}

/**
 * Opens each file once while it is in memory: loading a model reads its files, and then hashes parts of them.
 * @param open opens a file that does not change
 */
export function openedOnce(open: ModelFiles['open']): ModelFiles['open'] {
  // Weak, because the engine keeps the files of its model, and their bytes only while it reads them.
  const opened = new Map<string, WeakRef<ByteSource>>();
  return async (name) => {
    const known = opened.get(name)?.deref();
    if (known !== undefined) return known;
    const source = await open(name);
    opened.set(name, new WeakRef(source));
    return source;
  };
}

/** A server, or the network, did not respond. */
export function fetchFailed(url: string, error: unknown): EngineError {
  // Only the web host has these. Visitors of a site run no program.
  const isOfHost = url.startsWith(`${MODELS_ROUTE}/`);
  const advice = isOfHost ? 'Check whether Tokenscope is still running.' : 'Check the connection.';
  // Browsers end their reasons without a full stop.
  return new EngineError('MODEL_IO', `Cannot fetch ${url} (${reasonOf(error)}). ${advice}`, { file: url });
}

/** Null if the server has no such file. @throws EngineError MODEL_IO when it cannot be asked */
export async function httpFile(url: string, fetchFile: typeof fetch = fetch): Promise<HttpFile | null> {
  try {
    return await ask(url, fetchFile);
  } catch (error) {
    if (error instanceof EngineError && error.code === 'MODEL_NOT_FOUND') return null;
    throw error;
  }
}

async function ask(url: string, fetchFile: typeof fetch): Promise<HttpFile> {
  const { headers } = await request(fetchFile, url, { method: 'HEAD' });
  const length = headers.get('content-length');
  return { size: length === null ? NaN : Number(length), hasRanges: headers.get('accept-ranges') === 'bytes' };
}

function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    async read(offset, length, buffer) {
      checkRange(name, offset, length, bytes.length);
      const part = bytes.subarray(offset, offset + length);
      if (buffer === undefined) return part.slice();
      buffer.set(part);
      return buffer.subarray(0, length);
    },
  };
}

function rangedSource(fetchFile: typeof fetch, url: string, name: string, size: number): ByteSource {
  return {
    name,
    size,
    async read(offset, length) {
      checkRange(name, offset, length, size);
      if (length === 0) return new Uint8Array(0);
      const range = `bytes=${offset}-${offset + length - 1}`;
      const response = await request(fetchFile, url, { headers: { range } });
      const bytes = await body(response, url);
      if (response.status === 206 && bytes.length === length) return bytes;
      throw new EngineError('MODEL_IO', `The server did not send the requested part of ${url} (${range}).`, {
        file: url,
        status: response.status,
        bytes: bytes.length,
      });
    },
  };
}

async function request(fetchFile: typeof fetch, url: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetchFile(url, init).catch((error: unknown) => {
    throw fetchFailed(url, error);
  });
  if (response.ok) return response;
  if (response.status === 404)
    throw new EngineError('MODEL_NOT_FOUND', `The file ${url} does not exist.`, { file: url });
  throw new EngineError('MODEL_IO', `Cannot fetch ${url}: the server responded with ${response.status}.`, {
    file: url,
    status: response.status,
  });
}

async function body(response: Response, url: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new EngineError('MODEL_IO', `The download of ${url} was interrupted: ${reasonOf(error)}`, { file: url });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
