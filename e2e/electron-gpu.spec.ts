/** The GPU in Electron: a Worker of a hidden page. On Chromium's software adapter, whose shaders compile for many seconds. */
import type { Page, Worker } from '@playwright/test';
import { join } from 'node:path';
import type { Profile } from '../src-main/engine/api/types.ts';
import { MOST_IN_FLIGHT } from '../src-main/engine/executors/executor.ts';
import { ChatPage } from './pages/chat.ts';
import { ComparePage } from './pages/compare.ts';
import { ModelsPage } from './pages/models.ts';
import { ADAPTER_MS, gpuPage, hiddenPage, SOFTWARE_ADAPTER } from './support/gpu-page.ts';
import { bundleForPage, pageEvaluator } from './support/page-bundle.ts';
import { leftOver } from './support/processes.ts';
import { expect, test, type RunningApp } from './support/test.ts';

/** Greedy, the same on every executor. */
const REPLY = '! How are you?';
const COMPILE_MS = 240_000;
/** With the watch for a GPU that hangs. */
const HANG_MS = 60_000;
async function greedyChat(app: RunningApp, maxTokens: number): Promise<ChatPage> {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.greedy();
  await chat.openPanel('stop');
  await chat.set('maxTokens', maxTokens);
  return chat;
}

async function choose(models: ModelsPage, executor: 'auto' | 'wasm' | 'webgpu'): Promise<void> {
  await models.show();
  await models.select('TinyTransformer');
  await models.id('executor-select').selectOption(executor);
}

/** Loads the built-in model on the GPU, and returns to the chat. */
async function moveToGpu(chat: ChatPage, models: ModelsPage): Promise<void> {
  await choose(models, 'webgpu');
  await expect(models.id('detail')).toContainText('GPU, webgpu executor', { timeout: COMPILE_MS });
  await chat.id('nav-chat').click();
}

/** The Worker with the GPU. */
async function gpuWorker(app: RunningApp): Promise<Worker> {
  const page = await gpuPage(app);
  await expect.poll(() => page.workers().length).toBe(1);
  return page.workers()[0]!;
}

/** Changes the GPU's Workers before they get the port that starts them, and so before they ask for an adapter. */
async function prepareWorkers(app: RunningApp, prepare: () => void): Promise<void> {
  // At start, another page asks for the adapter and closes.
  const status = app.page.getByTestId('executor');
  await expect(status).toHaveAttribute('title', /^The only GPU is a software renderer/, { timeout: ADAPTER_MS });
  await expect.poll(() => hiddenPage(app), { timeout: ADAPTER_MS }).toBeNull();
  await app.context.addInitScript(() => {
    if (!location.href.endsWith('/gpu.html')) return;
    const { prototype } = window.Worker;
    const post = prototype.postMessage as (message: unknown, transfer: Transferable[]) => void;
    const held: (() => void)[] = [];
    Object.assign(prototype, {
      postMessage(this: unknown, message: unknown, transfer: Transferable[]) {
        held.push(() => post.call(this, message, transfer));
      },
    });
    Object.assign(globalThis, { sendHeld: () => held.splice(0).forEach((send) => send()) });
  });
  const start = async (page: Page, worker: Worker) => {
    await worker.evaluate(prepare);
    await page.evaluate(() => (globalThis as { sendHeld?: () => void }).sendHeld?.());
  };
  app.context.on('page', (page) => page.on('worker', (worker) => void start(page, worker)));
}

/** Counts how many answers of the GPU are awaited at once. @returns the most since the last call */
async function watchReadbacks(worker: Worker): Promise<() => Promise<number>> {
  await worker.evaluate(() => {
    const { mapAsync } = GPUBuffer.prototype;
    const readbacks = { waiting: 0, most: 0 };
    GPUBuffer.prototype.mapAsync = async function (...taken) {
      readbacks.most = Math.max(readbacks.most, ++readbacks.waiting);
      try {
        return await mapAsync.apply(this, taken);
      } finally {
        readbacks.waiting--;
      }
    };
    Object.assign(globalThis, { readbacks });
  });
  return () =>
    worker.evaluate(() => {
      const { readbacks } = globalThis as unknown as { readbacks: { most: number } };
      const { most } = readbacks;
      readbacks.most = 0;
      return most;
    });
}

function gpuProcess({ electron }: RunningApp): Promise<number> {
  return electron!.evaluate(({ app }) => app.getAppMetrics().find(({ type }) => type === 'GPU')!.pid);
}

/** Whether Chromium has a GPU for the app: on Linux, only with the arguments for an adapter. */
async function offersGpu({ electron }: RunningApp): Promise<boolean> {
  if (process.platform === 'linux') return false;
  return await electron!.evaluate(async ({ app }) => {
    // The status is wrong until Chromium has examined the GPU, which it never does if its GPU process cannot start.
    const limit = new Promise((resolve) => setTimeout(resolve, 5000));
    await Promise.race([app.getGPUInfo('basic').catch(() => undefined), limit]);
    const { webgpu } = app.getGPUFeatureStatus() as { webgpu?: string };
    return webgpu?.startsWith('enabled') === true;
  });
}

test.describe('without an adapter', () => {
  test('the reason is plain, and choosing the GPU leaves the model where it is', async ({ app }) => {
    test.skip(await offersGpu(app), 'this computer has a GPU, which Chromium offers to the app');
    const chat = await greedyChat(app, 5);
    const models = new ModelsPage(app);
    const status = app.page.getByTestId('executor');
    await expect(status).toHaveText('CPU, wasm executor');
    await expect(status).toHaveAttribute('title', /^Chromium offers no GPU/);
    expect(await hiddenPage(app)).toBeNull();
    await choose(models, 'webgpu');
    await expect(app.page.getByText(/^Chromium offers no GPU/).first()).toBeVisible();
    const card = models.card('TinyTransformer');
    await expect(card).toContainText('The GPU cannot be used');
    await expect(card).not.toContainText('restarted');
    // The memory of both is known all the same.
    await expect(models.id('executor-memory')).toHaveText([/^CPU [\d.]+\sMB Weights/, /^GPU [\d.]+\sMB Weights/]);
    const [estimate, inUse] = [await models.estimate('wasm'), await models.memoryInUse()];
    expect(Math.abs(inUse - estimate)).toBeLessThan(0.15 * inUse);
    await chat.id('nav-chat').click();
    expect(await chat.ask('Hello world')).toEqual({ text: REPLY, reason: 'max_tokens' });
    await expect(status).toHaveText('CPU, wasm executor');
  });
});

test.describe('with a software adapter', { tag: '@full' }, () => {
  test.use({ freshApp: true, appArgs: SOFTWARE_ADAPTER });
  test.beforeEach(() => test.setTimeout(60_000 + COMPILE_MS));

  test('a chat stays when its model moves to the GPU and back, with the reasons', async ({ app }) => {
    const chat = await greedyChat(app, 5);
    const models = new ModelsPage(app);
    const status = app.page.getByTestId('executor');
    await expect(status).toHaveAttribute('title', /^The only GPU is a software renderer/, { timeout: ADAPTER_MS });
    await chat.openPanel('rate');
    await expect(chat.id('rate-executor-reason')).toHaveText(/^Uses the CPU\. The only GPU is a software renderer/);
    expect(await chat.ask('Hello world')).toEqual({ text: REPLY, reason: 'max_tokens' });
    // It was only asked for its adapter.
    await expect.poll(() => hiddenPage(app), { timeout: ADAPTER_MS }).toBeNull();

    await moveToGpu(chat, models);
    await expect(chat.lastText).toHaveText(REPLY);
    await expect(status).toHaveText('GPU, webgpu executor');
    await models.show();
    expect(await models.estimate('webgpu')).toBe(await models.memoryInUse());
    await chat.id('nav-chat').click();
    await chat.newChat();
    expect(await chat.ask('Hello world')).toEqual({ text: REPLY, reason: 'max_tokens' });
    await expect(chat.lastReply.getByTestId('reply-stats')).toContainText('on the GPU');

    await choose(models, 'auto');
    await expect(models.id('executor-reason')).toHaveText(/^Uses the CPU\. The only GPU is a software renderer/);
    await expect.poll(() => hiddenPage(app), { timeout: ADAPTER_MS }).toBeNull();
    await chat.id('nav-chat').click();
    await expect(chat.lastText).toHaveText(REPLY);
  });

  test('replies on the GPU are those on the CPU, with tokens in flight, and operations are timed', async ({ app }) => {
    const chat = await greedyChat(app, 10);
    const sampled = async () => {
      await chat.openPanel('sampling');
      await chat.set('greedy', false);
      await chat.set('temperature', 1.5);
      await chat.set('seed', 42);
      return await chat.ask('Once upon a time');
    };
    const greedy = async () => {
      await chat.greedy();
      return await chat.ask('Once upon a time');
    };
    const onCpu = [await greedy()];
    await chat.newChat();
    onCpu.push(await sampled());
    expect(onCpu[0]!.text).not.toBe(onCpu[1]!.text);

    await moveToGpu(chat, new ModelsPage(app));
    const mostInFlight = await watchReadbacks(await gpuWorker(app));
    for (const [i, reply] of [greedy, sampled].entries()) {
      await chat.newChat();
      expect(await reply()).toEqual(onCpu[i]);
      await expect(chat.lastReply.getByTestId('reply-stats')).toContainText('on the GPU');
      expect(await mostInFlight()).toBe(MOST_IN_FLIGHT);
    }

    const script = await bundleForPage(join(import.meta.dirname, 'contract/profile-page.ts'), 'profile');
    // A document without the app, whose connection would be replaced. Chromium's view of a text has styles of its own.
    app.guard.allow(/apply inline style/);
    await app.page.goto(`${app.origin}/engine.worker.js`);
    const evaluate = await pageEvaluator(app);
    await evaluate(script);
    const profile = (await evaluate('profileModel({ prompt: 20, context: 5, generate: 3 })')) as Profile;
    expect(profile).toMatchObject({ prefill: { tokens: 20, threads: null }, decode: { tokens: 3, threads: null } });
    for (const { ms, ops } of [profile.prefill, profile.decode]) {
      const timed = ops.reduce((sum, op) => sum + op.ms, 0);
      expect(timed).toBeGreaterThan(0);
      expect(timed).toBeLessThanOrEqual(ms);
      expect(ops.some(({ name, bytes }) => name.startsWith('linear') && bytes > 0)).toBe(true);
    }
  });

  /** Starts a greedy reply on the GPU, breaks something, and expects the text of an undisturbed one. */
  async function continues(
    app: RunningApp,
    breakIt: (worker: Worker) => Promise<unknown>,
    { prepare, withinMs = 20_000 }: { prepare?: () => void; withinMs?: number } = {},
  ): Promise<void> {
    test.setTimeout(60_000 + COMPILE_MS + withinMs);
    const chat = await greedyChat(app, 60);
    const models = new ModelsPage(app);
    const undisturbed = await chat.ask('Once upon a time');
    if (prepare !== undefined) await prepareWorkers(app, prepare);
    await moveToGpu(chat, models);
    const worker = await gpuWorker(app);
    await chat.newChat();
    await chat.send('Once upon a time');
    await expect(chat.lastText).toHaveText(/\w{3}/, { timeout: 30_000 });
    await breakIt(worker);
    await expect(chat.lastReply.getByTestId('reply-notice')).toHaveText(/^The GPU was lost/, { timeout: withinMs });
    expect(await chat.finished()).toEqual(undisturbed);
    await expect(app.page.getByTestId('executor')).toHaveText('CPU, wasm executor');
    await models.show();
    await expect(models.id('executor-reason')).toHaveText(
      /^Uses the CPU\. The GPU was lost: .*To try it again, choose GPU\.$/,
    );
    await expect.poll(() => hiddenPage(app), { timeout: ADAPTER_MS }).toBeNull();
  }

  test('a reply continues on the CPU when the GPU process is killed', async ({ app }) => {
    await continues(app, async () => process.kill(await gpuProcess(app), 'SIGKILL'));
  });

  test('a reply continues on the CPU when the hidden page is killed', async ({ app }) => {
    app.guard.allow(/the page crashed/);
    await continues(app, async () => {
      const pid = (await hiddenPage(app))!.process;
      process.kill(pid, 'SIGKILL');
      expect(await leftOver([pid])).toEqual([]);
    });
  });

  test('a reply continues on the CPU when the device is destroyed', async ({ app }) => {
    await continues(app, (worker) =>
      worker.evaluate(() => {
        const { createCommandEncoder } = GPUDevice.prototype;
        // The first call of the next token has the device.
        GPUDevice.prototype.createCommandEncoder = function (...taken) {
          const encoder = createCommandEncoder.apply(this, taken);
          this.destroy();
          GPUDevice.prototype.createCommandEncoder = createCommandEncoder;
          return encoder;
        };
      }),
    );
  });

  test('a reply continues on the CPU when memory is missing', async ({ app }) => {
    await continues(app, (worker) =>
      worker.evaluate(() => {
        GPUDevice.prototype.popErrorScope = () => Promise.resolve(new GPUOutOfMemoryError('forced by a test'));
      }),
    );
  });

  test('a reply continues on the CPU when a shader hangs', async ({ app }) => {
    await continues(
      app,
      (worker) =>
        worker.evaluate(() => {
          const { createCommandEncoder } = GPUDevice.prototype;
          GPUDevice.prototype.createCommandEncoder = function (...taken) {
            GPUDevice.prototype.createCommandEncoder = createCommandEncoder;
            const code = `@group(0) @binding(0) var<storage, read_write> done: atomic<u32>;
              @compute @workgroup_size(1) fn main() { loop { if (atomicLoad(&done) == 1u) { break; } } }`;
            const module = this.createShaderModule({ code });
            const pipeline = this.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
            // For storage: the types lack the constants.
            const buffer = this.createBuffer({ size: 16, usage: 0x80 });
            const layout = pipeline.getBindGroupLayout(0);
            const encoder = this.createCommandEncoder();
            const pass = encoder.beginComputePass();
            pass.setPipeline(pipeline);
            pass.setBindGroup(0, this.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer } }] }));
            pass.dispatchWorkgroups(1);
            pass.end();
            this.queue.submit([encoder.finish()]);
            return createCommandEncoder.apply(this, taken);
          };
        }),
      {
        withinMs: HANG_MS,
        // Software may take long, so it is only watched if it says that it is something else.
        prepare: () => {
          for (const name of ['vendor', 'architecture', 'device', 'description'] as const) {
            Object.defineProperty(GPUAdapterInfo.prototype, name, { get: () => 'pretended' });
          }
        },
      },
    );
  });

  test('an adapter that promises more than it has is refused with the reason', async ({ app }) => {
    const chat = await greedyChat(app, 5);
    const models = new ModelsPage(app);
    await prepareWorkers(app, () => {
      Object.defineProperty(GPUSupportedLimits.prototype, 'maxBufferSize', { get: () => 2 ** 50 });
    });
    await choose(models, 'webgpu');
    await expect(app.page.getByText(/The graphics adapter gave no device/).first()).toBeVisible({
      timeout: ADAPTER_MS,
    });
    await chat.id('nav-chat').click();
    expect(await chat.ask('Hello world')).toEqual({ text: REPLY, reason: 'max_tokens' });
  });

  test('lanes continue on the CPU when the GPU process is killed, which is said once', async ({ app }) => {
    const compare = new ComparePage(app.page);
    const chat = await greedyChat(app, 60);
    await compare.show();
    await compare.compare('Once upon a time');
    const greedy = await compare.text(0).textContent();
    await moveToGpu(chat, new ModelsPage(app));
    await compare.show();
    await compare.run('Once upon a time');
    await expect(compare.text(0)).toHaveText(/\w{3}/, { timeout: 30_000 });
    process.kill(await gpuProcess(app), 'SIGKILL');
    await expect(compare.id('compare-notice')).toHaveText(/^The GPU was lost/, { timeout: 30_000 });
    await compare.finished(30_000);
    await expect(compare.id('lane-error')).toHaveCount(0);
    expect(await compare.text(0).textContent()).toBe(greedy);
    await expect(app.page.getByTestId('executor')).toHaveText('CPU, wasm executor');
  });
});
