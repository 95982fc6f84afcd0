import dns from 'node:dns';
import { onTestFinished, vi } from 'vitest';

const PROXIES = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'];
const { lookup } = dns;

/** Until the end of the test, there is no proxy, and `*.invalid` is unknown, whatever this computer's network does. */
export function withoutNetwork(): void {
  for (const name of PROXIES) vi.stubEnv(name, '');
  const spy = vi.spyOn(dns, 'lookup').mockImplementation((...args: unknown[]) => {
    const host = String(args[0]);
    // Servers look up the address that they listen at.
    if (!host.endsWith('.invalid')) return void Reflect.apply(lookup, dns, args);
    const answer = args.at(-1) as (error: Error) => void;
    process.nextTick(answer, Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' }));
  });
  onTestFinished(() => {
    spy.mockRestore();
    vi.unstubAllEnvs();
  });
}
