import type { ByteSource } from '../api/platform.ts';
import { memorySource } from './model-files.ts';

/** Bytes of a safetensors file with this header text and data. */
export function safetensorsBytes(header: string, data: Uint8Array | number): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = typeof data === 'number' ? new Uint8Array(data) : data;
  const file = new Uint8Array(8 + json.length + bytes.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  file.set(bytes, 8 + json.length);
  return file;
}

export function safetensorsSource(header: unknown, data: Uint8Array | number): ByteSource {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  return memorySource('test.safetensors', safetensorsBytes(text, data));
}
