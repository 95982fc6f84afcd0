import { hfFolderBytes } from './hf-fixtures.ts';
import { store } from './hf-weights-fixture.ts';
import { safetensorsBytes } from './safetensors.ts';

export interface TensorJson {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** A folder of F32 tensors as one file, with the tensors rounded to another dtype. */
export function hfFolderBytesAs(folder: string, dtype: 'F16' | 'BF16'): Record<string, Uint8Array> {
  const files = hfFolderBytes(folder);
  const bytes = files['model.safetensors'];
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const { __metadata__, ...tensors } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
    string,
    TensorJson
  >;
  const header: Record<string, unknown> = { __metadata__ };
  for (const [name, { shape, data_offsets }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: data_offsets.map((offset) => offset / 2) };
  }
  const values = new Float32Array(bytes.slice(8 + length).buffer);
  return { ...files, 'model.safetensors': safetensorsBytes(JSON.stringify(header), store(values, dtype)) };
}
