import { hasGgufMagic, isGguf } from '../../src-main/engine/api/model-file-rules.ts';

/** Whether a file is a GGUF file: by its name, or without an extension by its first bytes. */
export async function isGgufFile(file: Pick<File, 'name' | 'slice'>): Promise<boolean> {
  if (file.name.includes('.')) return isGguf(file.name);
  try {
    const first = new Uint8Array(await file.slice(0, 8).arrayBuffer());
    // A text may begin with the same letters, but the version that follows them has zeros.
    return hasGgufMagic(first) && first.includes(0);
  } catch {
    // A folder, or a file that cannot be read, which is reported where it is opened.
    return false;
  }
}
