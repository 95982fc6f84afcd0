/** The types of `lock.mjs` for TypeScript projects that do not read JavaScript. */
export function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options?: { onWait?: () => void; timeoutMs?: number },
): Promise<T>;
