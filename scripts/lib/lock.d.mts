/** Types of `lock.mjs` for TypeScript projects without JavaScript. */
export function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options?: { onWait?: () => void; timeoutMs?: number },
): Promise<T>;
