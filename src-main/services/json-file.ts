/** JSON files that survive a crash, a full disk and damage: written atomically, and never overwritten unread. */
import { mkdir, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EngineError } from '../engine/api/errors.ts';
import { writeAtomically } from './atomic-write.ts';

/** Content of a file; `damaged` is an existing file that is not JSON. */
export type JsonRead = { state: 'missing' } | { state: 'damaged'; why: string } | { state: 'read'; value: unknown };

/** @throws EngineError STORAGE when the file exists and cannot be read */
export async function readJson(path: string): Promise<JsonRead> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    // `ENOTDIR`: a file has the path of its folder.
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return { state: 'missing' };
    throw storageError('read', path, error);
  }
  try {
    return { state: 'read', value: JSON.parse(text) as unknown };
  } catch (error) {
    return { state: 'damaged', why: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Replaces the file atomically: after a crash it holds either the old or the new value. Creates its folder.
 * @param options see `writeAtomically`
 * @throws EngineError STORAGE; the old file is then unchanged
 */
export async function writeJson(path: string, value: unknown, options: { durable?: boolean } = {}): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeAtomically(path, JSON.stringify(value), options);
  } catch (error) {
    throw storageError('write', path, error);
  }
}

/** Replaces a file atomically. @throws EngineError STORAGE; an existing file is then unchanged */
export async function writeText(path: string, text: string): Promise<void> {
  try {
    await writeAtomically(path, text);
  } catch (error) {
    throw storageError('write', path, error);
  }
}

/**
 * Renames a damaged file to `NAME.corrupt` (`.corrupt-2`, ... if that exists), so that it is not overwritten.
 * @returns the new path
 */
export async function putAside(path: string): Promise<string> {
  for (let copy = 1; ; copy++) {
    const target = copy === 1 ? `${path}.corrupt` : `${path}.corrupt-${copy}`;
    if (await exists(target)) continue;
    await rename(path, target);
    return target;
  }
}

/** Describes a failed file operation and its remedy. */
export function storageError(action: 'read' | 'write' | 'delete', path: string, error: unknown): EngineError {
  const code = codeOf(error) ?? 'unknown';
  const details = { path, systemCode: code };
  return new EngineError('STORAGE', `Could not ${action} ${path}: ${reason(code, error)}`, details, { cause: error });
}

function reason(code: string, error: unknown): string {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full. Free some space and try again. Nothing saved earlier is lost.';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied. Check the folder’s permissions.';
    case 'EROFS':
      return 'the disk is read-only.';
    default:
      return error instanceof Error ? `${error.message}.` : `${String(error)}.`;
  }
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Whether there is a file or folder that can be looked at. */
export async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
