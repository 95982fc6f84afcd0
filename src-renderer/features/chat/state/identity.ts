/** The current time as chats store it: ISO 8601, UTC. */
export function now(): string {
  return new Date().toISOString();
}

/** The current time, or a millisecond after `last`, whichever is later. */
export function nowAfter(last: string): string {
  const at = now();
  return last < at ? at : new Date(Date.parse(last) + 1).toISOString();
}
