import { F16 } from '../quant/f16.ts';
import { hfFolderBytes } from './hf-fixtures.ts';
import { safetensorsBytes } from './safetensors.ts';

export interface TensorJson {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** The files of a folder of F32 tensors in one file, with the tensors rounded to another dtype. */
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
  const half = new Uint8Array(2 * values.length);
  if (dtype === 'F16') F16.quantize!(values, 0, half, 0, values.length);
  else new Uint16Array(half.buffer).set(new Uint32Array(values.buffer).map((bits) => bits >>> 16));
  return { ...files, 'model.safetensors': safetensorsBytes(JSON.stringify(header), half) };
}
