/** Runs inside the page: the protocol's contract over the connection that this page's host offers. */
import type { TokenscopeBridge } from '../../src-main/protocol/app/app-bridge.ts';
import { connectWorkerEngine } from '../../src-main/protocol/engine/browser-engine.ts';
import { CONTRACT_CASES, type ContractConnection } from '../../src-main/protocol/engine/test-support/contract.ts';
import { workerUrl } from '../../src-renderer/lib/trusted-url.ts';
import { engineTransport } from './engine-transport.ts';

/** A page can trigger a sudden end only by the restart for people. */
async function connectElectron(bridge: TokenscopeBridge): Promise<ContractConnection> {
  const transport = await engineTransport(bridge);
  return {
    transport,
    breakOff: () => void bridge.invoke('engineRestart'),
    release: () => transport.close(),
  };
}

function connectWeb(): ContractConnection {
  const worker = new Worker(workerUrl('engine.worker.js'), { type: 'module' });
  const transport = connectWorkerEngine(worker);
  return { transport, breakOff: () => worker.terminate(), release: () => transport.close() };
}

/** @returns the failure, or null */
async function runContractCase(name: string): Promise<string | null> {
  const found = CONTRACT_CASES.find((candidate) => candidate.name === name);
  if (found === undefined) return `There is no case "${name}".`;
  const { tokenscope } = window as Window & { tokenscope?: TokenscopeBridge };
  const connection = tokenscope ? await connectElectron(tokenscope) : connectWeb();
  try {
    await found.run(connection);
    return null;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    await connection.release();
  }
}

Object.assign(window, { runContractCase });
