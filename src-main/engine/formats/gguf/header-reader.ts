import { EngineError } from '../../api/errors.ts';
import type { ByteSource } from '../../api/platform.ts';

/** Bytes fetched at a time: little, as most headers are small, but enough to read a vocabulary in few calls. */
const WINDOW = 1 << 18;

/** Longest string of a header (key, value or tensor name). The longest real ones are chat templates of about 100 KB. */
export const MAX_STRING_BYTES = 1 << 24;

/** Longest header. The largest known tokenizer.json, which has the same vocabulary as text, has about 35 MB. */
export const MAX_HEADER_BYTES = 1 << 27;

/**
 * Reads a file sequentially, each byte once. The getters are synchronous and require an awaited `need` for their bytes.
 * `need` returns undefined for bytes already in memory, so that reading a vocabulary of 262,144 strings does not wait
 * 262,144 times.
 */
export class HeaderReader {
  private window = new Uint8Array(0);
  private view = new DataView(this.window.buffer);
  /** File offset of the window's first byte. */
  private base = 0;
  /** Next byte, relative to the window. */
  private at = 0;
  private readonly text = new TextDecoder('utf-8');

  constructor(readonly source: ByteSource) {}

  /** File offset of the next byte. */
  get offset(): number {
    return this.base + this.at;
  }

  /** Unread bytes that the header can have at most. */
  get remaining(): number {
    return this.end - this.offset;
  }

  private get end(): number {
    return Math.min(this.source.size, MAX_HEADER_BYTES);
  }

  /**
   * Reads the next `bytes` bytes into memory.
   * @param what names them in the error
   * @throws EngineError MODEL_FORMAT when the file ends before them, or the header is too large
   */
  need(bytes: number, what: string): Promise<void> | undefined {
    if (this.at + bytes <= this.window.length) return undefined;
    if (bytes > this.remaining) {
      const left = this.source.size - this.offset;
      if (bytes <= left) formatError(this.source, `its header is larger than ${MAX_HEADER_BYTES >> 20} MiB`);
      throw new EngineError(
        'MODEL_FORMAT',
        `${this.source.name} ends in the middle of its header: ${what} needs ${bytes} bytes at offset ${this.offset}, ` +
          `but only ${left} are left. The file is truncated; download or copy it again.`,
        { file: this.source.name, offset: this.offset, needed: bytes, left },
      );
    }
    return this.fill(bytes);
  }

  private async fill(bytes: number): Promise<void> {
    const start = this.base + this.window.length;
    const kept = this.window.subarray(this.at);
    const wanted = Math.min(Math.max(bytes - kept.length, WINDOW), this.end - start);
    const fresh = await this.source.read(start, wanted);
    this.base += this.at;
    this.at = 0;
    this.window = new Uint8Array(kept.length + fresh.length);
    this.window.set(kept);
    this.window.set(fresh, kept.length);
    this.view = new DataView(this.window.buffer);
  }

  u8(): number {
    return this.view.getUint8(this.step(1));
  }
  i8(): number {
    return this.view.getInt8(this.step(1));
  }
  u16(): number {
    return this.view.getUint16(this.step(2), true);
  }
  i16(): number {
    return this.view.getInt16(this.step(2), true);
  }
  u32(): number {
    return this.view.getUint32(this.step(4), true);
  }
  i32(): number {
    return this.view.getInt32(this.step(4), true);
  }
  f32(): number {
    return this.view.getFloat32(this.step(4), true);
  }
  f64(): number {
    return this.view.getFloat64(this.step(8), true);
  }
  u64(): bigint {
    return this.view.getBigUint64(this.step(8), true);
  }
  i64(): bigint {
    return this.view.getBigInt64(this.step(8), true);
  }

  /** The next `length` bytes; valid until the next `need`. */
  bytes(length: number): Uint8Array {
    const start = this.step(length);
    return this.window.subarray(start, start + length);
  }

  utf8(length: number): string {
    return this.text.decode(this.bytes(length));
  }

  private step(bytes: number): number {
    const start = this.at;
    this.at += bytes;
    return start;
  }
}

/** @throws EngineError MODEL_FORMAT */
export function formatError(source: ByteSource, problem: string, details: Record<string, string | number> = {}): never {
  throw new EngineError(
    'MODEL_FORMAT',
    `${source.name} is not a usable GGUF file: ${problem}. It may be damaged; download or copy it again.`,
    { file: source.name, ...details },
  );
}
