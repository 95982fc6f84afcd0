/**
 * The web host: serves the app to a browser on this computer.
 *
 *   node out/main/web-host.js [--port N] [--open] [--address]
 *
 * `--address` prints the address of the running host with its key and exits, in case the address was lost.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EngineError } from '../../../engine/api/errors.ts';
import { DEFAULT_WEB_PORT } from '../../../protocol/app/app-bridge.ts';
import { LocalAppServices } from '../../../services/app-services.ts';
import { dataFolder } from '../../../services/data-folder.ts';
import { codeOf } from '../../../services/json-file.ts';
import { openInBrowser } from './open-browser.ts';
import { startWebServer, type WebServer, type WebServerOptions } from './server.ts';
import { addressWithCode, addressWithKey, newKey, replaceKey, storedKey, webKey } from './web-key.ts';
import { isFree, runningPort, stoppedPort, storePort } from './web-port.ts';

/** Number of ports tried after the default one. */
const MORE_PORTS = 20;
/** Longest wait for saves after the pages are gone, ms. `npm start` kills the process after 3 s in total. */
const SAVE_MS = 900;

/** Follows the reason why the key could not be stored. */
const UNSAVED_KEY = 'The address below works only until Tokenscope exits.';

// In built code, this file is out/main/web-host.js.
const projectRoot = join(import.meta.dirname, '..', '..');

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { port: { type: 'string' }, open: { type: 'boolean' }, address: { type: 'boolean' } },
  });
  const asked = values.port === undefined ? null : portNumber(values.port);
  const folder = dataFolder();
  if (values.address) {
    const origin = `http://127.0.0.1:${await portToPrint(folder, asked)}`;
    process.stdout.write(`${addressWithKey(origin, await storedKey(folder))}\n`);
    return;
  }
  const modelsDir = join(projectRoot, 'resources', 'models');
  const services = new LocalAppServices({
    host: 'web',
    dataFolder: folder,
    modelsDir,
    openExternal: openInBrowser,
    restartEngine: async () => {
      throw new EngineError('BAD_REQUEST', 'In the browser, the engine runs in the page, which restarts it.');
    },
  });
  const rendererDir = join(projectRoot, 'out', 'renderer');
  await services.start();
  const kernelsDir = join(projectRoot, 'resources', 'kernels');
  const filesOfModel = (id: string) => services.filesOfModel(id);
  const key = await keyOf(folder).catch((error: Error) => {
    say(`${error.message} ${UNSAVED_KEY}`);
    return newKey();
  });
  const onNewKey = (next: string): void => {
    say('The address for the browser was opened twice. Another program may have received the key, so it was replaced.');
    void replaceKey(folder, next)
      .catch((error: Error) => say(`${error.message} ${UNSAVED_KEY}`))
      .then(() => printAddress(server.url, next));
  };
  const port = asked ?? DEFAULT_WEB_PORT;
  const options = { services, key, onNewKey, rendererDir, modelsDir, kernelsDir, filesOfModel, port };
  const server = await listen(options, asked !== null).catch(async (error: unknown) => {
    await services.stop();
    throw error;
  });
  // Signals must be handled meanwhile.
  const stored = storePort(folder, server.port).catch((error: Error) => {
    say(`${error.message} To print the address below again, use --address with --port ${server.port}.`);
    return null;
  });
  endOn(['SIGINT', 'SIGTERM', 'SIGHUP'], async () => {
    await server.close();
    await services.stop(SAVE_MS);
    const portStopped = await stored;
    await portStopped?.();
  });
  await stored;
  printAddress(server.url, key);
  if (values.open) {
    const once = addressWithCode(server.url, server.invite());
    await openInBrowser(once).catch((error: Error) => say(error.message));
  }
}

function printAddress(url: string, key: string): void {
  process.stdout.write(`Tokenscope is running at ${addressWithKey(url, key)}\n`);
}

/**
 * The key of this start. Pages that were left open may have sent the last one to a program that has their port by now.
 * @throws EngineError STORAGE
 */
async function keyOf(folder: string): Promise<string> {
  // A file that cannot be read names no port.
  const last = await stoppedPort(folder).catch(() => null);
  if (last === null || (await isFree(last))) return await webKey(folder);
  const key = newKey();
  await replaceKey(folder, key);
  const reason = 'It may have received the key of pages that were left open, so the key was replaced.';
  say(`Another program uses port ${last}, which Tokenscope had before. ${reason}`);
  return key;
}

/** Another program may listen on any other port, and must not get the key. @throws Error if no port is known */
async function portToPrint(folder: string, asked: number | null): Promise<number> {
  const running = await runningPort(folder);
  const port = asked ?? running;
  if (port === null) {
    const advice = 'Use --port if it is running, or start it with "npm start -- --web", which prints its address.';
    throw new Error(`The address is not known: the data folder ${folder} names no running web host. ${advice}`);
  }
  if (running !== null && port !== running) {
    throw new Error(`The web host of the data folder ${folder} has port ${running}. Leave out --port ${port}.`);
  }
  return port;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new Error(`--port ${text}: expected a number from 0 to 65535.`);
  return port;
}

/** @param exact Whether the port was requested, so that no other one is tried. */
async function listen(options: WebServerOptions, exact: boolean): Promise<WebServer> {
  const last = exact ? options.port : options.port + MORE_PORTS;
  for (let port = options.port; ; port++) {
    try {
      return await startWebServer({ ...options, port });
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE') throw error;
      if (port < last) continue;
      const taken = exact ? `Port ${port} is` : `Ports ${options.port} to ${last} are`;
      throw new Error(`${taken} in use. Choose another with --port.`, { cause: error });
    }
  }
}

function endOn(signals: NodeJS.Signals[], stop: () => Promise<void>): void {
  let stopping = false;
  for (const signal of signals) {
    process.on(signal, () => {
      // A second Ctrl-C exits at once.
      if (stopping) process.exit(1);
      stopping = true;
      void stop().then(
        () => process.exit(0),
        (error: Error) => {
          say(error.message);
          process.exit(1);
        },
      );
    });
  }
}

function say(message: string): void {
  process.stderr.write(`tokenscope: ${message}\n`);
}

main().catch((error: Error) => {
  say(error.message);
  process.exitCode = 1;
});
