/** File operations for chats, which tests can replace to count bytes and let writes fail. */
import { constants, statSync, truncateSync, type BigIntStats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';

export interface FileStatus {
  /** Changes when the file is replaced. */
  identity: string;
  size: number;
  /** Changes when the file is modified. */
  stamp: string;
}

function statusOf({ ino, birthtimeNs, size, mtimeNs }: BigIntStats): FileStatus {
  // The inode number alone may be reused after this file is deleted.
  return { identity: `${ino} ${birthtimeNs}`, size: Number(size), stamp: `${size} ${mtimeNs}` };
}

/** Size of the file that had this stamp. */
export function sizeOfStamp(stamp: string): number {
  return Number.parseInt(stamp, 10);
}

/** @throws the system's error */
export async function statusAt(path: string): Promise<FileStatus> {
  return statusOf(await stat(path, { bigint: true }));
}

/** For thousands of files at once. Null if the file is missing or not accessible. */
export function statusAtSync(path: string): FileStatus | null {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats?.isFile() ? statusOf(stats) : null;
}

const MODE = 0o600;

export class ChatFiles {
  /** Bytes so far. */
  readonly moved = { read: 0, written: 0 };
  /** For tests: called before each write; may throw, or return the number of bytes after which the disk is full. */
  fault: ((path: string, bytes: number) => number | void) | null = null;

  /** @throws the system's error; ENOENT when the file is missing and must not be created */
  async openToAppend(path: string, create: boolean): Promise<OpenFile> {
    const flags = constants.O_RDWR | constants.O_APPEND | (create ? constants.O_CREAT : 0);
    return new OpenFile(await open(path, flags, MODE), path, this);
  }

  async openToRead(path: string): Promise<OpenFile> {
    return new OpenFile(await open(path, 'r'), path, this);
  }

  /** @throws the system's error; EEXIST when there is such a file */
  async create(path: string): Promise<OpenFile> {
    return new OpenFile(await open(path, 'wx', MODE), path, this);
  }

  /** Waits until data is on disk. @throws the system's error */
  async sync(path: string): Promise<void> {
    const file = await this.openToAppend(path, false);
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

export class OpenFile {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #files: ChatFiles;

  constructor(handle: FileHandle, path: string, files: ChatFiles) {
    this.#handle = handle;
    this.#path = path;
    this.#files = files;
  }

  async status(): Promise<FileStatus> {
    return statusOf(await this.#handle.stat({ bigint: true }));
  }

  async read(from: number, to: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(Math.max(0, to - from));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await this.#handle.read(buffer, filled, buffer.length - filled, from + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    this.#files.moved.read += filled;
    return buffer.subarray(0, filled);
  }

  /** Appends in one write. @throws the system's error, also after a partial write */
  async write(bytes: Buffer): Promise<void> {
    const room = this.#files.fault?.(this.#path, bytes.length) ?? Infinity;
    const first = bytes.length <= room ? bytes : bytes.subarray(0, room);
    let done = (await this.#handle.write(first)).bytesWritten;
    this.#files.moved.written += done;
    if (first.length < bytes.length) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
    // A short write has no error yet; writing the rest reports the cause.
    while (done < bytes.length) {
      const { bytesWritten } = await this.#handle.write(bytes.subarray(done));
      done += bytesWritten;
      this.#files.moved.written += bytesWritten;
    }
  }

  /**
   * As `write`, but nothing of a failed write stays: on a full disk, each repetition would fill the space that a person
   * has freed.
   * @param size of the file before
   * @throws the system's error
   */
  async append(bytes: Buffer, size: number): Promise<void> {
    try {
      await this.write(bytes);
    } catch (error) {
      await this.#removePartial(bytes, size).catch(() => undefined);
      throw error;
    }
  }

  /**
   * Does nothing if another process has appended since, or replaced the file. One that appends between that check and
   * the removal, two system calls, finds its lines gone when it checks its own write, and repeats it. (Unless it checks
   * between them, too.)
   */
  async #removePartial(bytes: Buffer, size: number): Promise<void> {
    const { identity, size: end } = await this.status();
    const partial = await this.read(size, end);
    if (partial.length === 0 || !bytes.subarray(0, partial.length).equals(partial)) return;
    const now = statusAtSync(this.#path);
    // By path: Windows does not truncate a file that was opened for appending.
    if (now?.identity === identity && now.size === end) truncateSync(this.#path, size);
  }

  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
