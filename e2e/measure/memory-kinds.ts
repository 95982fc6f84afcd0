/** What the memory of the Electron app's page and engine consists of, read from /proc and from the page's own V8. */
import { readFile } from 'node:fs/promises';
import type { RunningApp } from '../support/app.ts';
import { enginePid } from '../support/electron-app.ts';

export interface ProcessMemory {
  process: 'engine' | 'page';
  /** Bytes; pages that processes share are divided among them. */
  total: number;
  /** Memories of WebAssembly: weights, K and V, and scratch, as far as they were written to. */
  wasm: number;
  /** Everything else without a file: heaps and arrays of JavaScript, and what allocators hold. */
  anonymous: number;
  files: number;
  /** By V8's count, after garbage collection; null for the engine, which DevTools cannot reach. */
  heap: number | null;
  arrays: number | null;
}

/** @throws Error without /proc, or in a browser */
export async function memoryByKind(app: RunningApp): Promise<ProcessMemory[]> {
  const { electron } = app;
  if (electron === null) throw new Error('Memory by process is measured in Electron only.');
  const session = await app.context.newCDPSession(app.page);
  await session.send('HeapProfiler.collectGarbage');
  // The second is missing in Electron 33.
  const usage: { usedSize: number; backingStorageSize?: number } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  // A page for the GPU has a later window.
  const pagePid = await electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()
      .sort((a, b) => a.id - b.id)[0]!
      .webContents.getOSProcessId(),
  );
  return [
    { process: 'engine', ...(await mappedMemory(await enginePid(electron))), heap: null, arrays: null },
    {
      process: 'page',
      ...(await mappedMemory(pagePid)),
      heap: usage.usedSize,
      arrays: usage.backingStorageSize ?? null,
    },
  ];
}

interface Mapping {
  from: number;
  to: number;
  isReadable: boolean;
  hasFile: boolean;
  bytes: number;
}

/** A memory of WebAssembly is followed by the addresses that it may grow to, which nothing can read. */
const MIN_MEMORY_BYTES = 2 ** 25;
const MIN_RESERVED_BYTES = 2 ** 30;

async function mappedMemory(pid: number): Promise<Pick<ProcessMemory, 'total' | 'wasm' | 'anonymous' | 'files'>> {
  const mappings = parse(await readFile(`/proc/${pid}/smaps`, 'utf8'));
  const found = { total: 0, wasm: 0, anonymous: 0, files: 0 };
  mappings.forEach(({ from, to, isReadable, hasFile, bytes }, at) => {
    const next = mappings[at + 1];
    const isReserved = next?.from === to && !next.isReadable && next.to - next.from >= MIN_RESERVED_BYTES;
    const isMemory = isReadable && to - from >= MIN_MEMORY_BYTES && isReserved;
    found.total += bytes;
    found[hasFile ? 'files' : isMemory ? 'wasm' : 'anonymous'] += bytes;
  });
  return found;
}

function parse(smaps: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of smaps.split('\n')) {
    const [, from, to, rights, inode] = /^([\da-f]+)-([\da-f]+) (\S+) \S+ \S+ (\d+)/u.exec(line) ?? [];
    if (from !== undefined && to !== undefined) {
      const [start, end] = [Number.parseInt(from, 16), Number.parseInt(to, 16)];
      const isReadable = rights?.startsWith('r') === true;
      mappings.push({ from: start, to: end, isReadable, hasFile: inode !== '0', bytes: 0 });
      continue;
    }
    const shared = /^Pss:\s+(\d+) kB$/u.exec(line)?.[1];
    const last = mappings.at(-1);
    if (shared !== undefined && last) last.bytes += Number(shared) * 1024;
  }
  return mappings;
}
