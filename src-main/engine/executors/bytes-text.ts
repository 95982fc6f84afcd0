/** Sizes of memory in messages: 4_294_901_760 is `4.29 GB`, 98_000_000 `98.0 MB`. */
export function bytesText(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)}\u00a0GB` : `${(bytes / 1e6).toFixed(1)}\u00a0MB`;
}
