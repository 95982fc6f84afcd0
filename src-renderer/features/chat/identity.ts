/** This moment as chats store it: ISO 8601, UTC. */
export function now(): string {
  return new Date().toISOString();
}

export function newId(): string {
  return crypto.randomUUID();
}
