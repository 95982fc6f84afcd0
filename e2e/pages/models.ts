import { expect, type Locator } from '@playwright/test';
import type { RunningApp } from '../support/app.ts';

/** Actions and views of the Models page. */
export class ModelsPage<App extends Pick<RunningApp, 'page' | 'electron'> = RunningApp> {
  constructor(readonly app: App) {}

  readonly id = (testId: string): Locator => this.app.page.getByTestId(testId);

  /** The card of a model by its name. */
  card(name: string): Locator {
    return this.id('model-card').filter({ has: this.app.page.getByRole('heading', { name, exact: true }) });
  }

  async show(): Promise<void> {
    await this.id('nav-models').click();
    await expect(this.id('open-model')).toBeVisible();
  }

  /** Chooses a file in the system's dialog, or the browser's, which `trigger` opens. */
  async open(path: string, trigger: () => Promise<void> = () => this.id('open-model').click()): Promise<void> {
    const { electron, page } = this.app;
    if (electron === null) {
      const chooser = page.waitForEvent('filechooser');
      // A round trip, after which the browser intercepts its dialog.
      await page.evaluate(() => null);
      await trigger();
      await (await chooser).setFiles(path);
      return;
    }
    await electron.evaluate(({ dialog }, chosen) => {
      dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [chosen] });
    }, path);
    await trigger();
  }

  /** The card of a model by its id, whatever its name. */
  cardOf(id: string): Locator {
    return this.app.page.locator(`[data-testid="model-card"][data-model="${id}"]`);
  }

  /** Shows the details of a model. */
  async select(name: string): Promise<void> {
    await this.card(name).getByRole('button', { name, exact: true }).click();
    await expect(this.id('detail-name')).toHaveText(name);
  }

  /** What the shown model needs on an executor by the estimate, bytes. */
  async estimate(executor: 'wasm' | 'webgpu'): Promise<number> {
    const row = this.app.page.locator(`[data-testid="executor-memory"][data-executor="${executor}"]`);
    return Number(await row.getAttribute('data-total'));
  }

  /** Bytes of the shown model, which is loaded. */
  async memoryInUse(): Promise<number> {
    await expect(this.id('memory-estimate')).toContainText('in use');
    return Number(await this.id('memory-estimate').getAttribute('data-total'));
  }

  /** Chooses the new path of a model in the system's dialog. */
  async locate(id: string, path: string): Promise<void> {
    await this.open(path, () => this.cardOf(id).getByTestId('locate-model').click());
  }

  /** Chooses from the menu of a model's card. */
  async menu(name: string, item: string): Promise<void> {
    await this.card(name).getByTestId('model-menu').click();
    await this.id(item).click();
  }

  /** The line of a model in the catalogue. */
  entry(id: string): Locator {
    return this.app.page.locator(`[data-testid="catalogue-entry"][data-entry="${id}"]`);
  }

  /** A control in that line, by its test id. */
  control(id: string, testId: string): Locator {
    return this.entry(id).getByTestId(testId);
  }

  /** Presses Tab until something has the focus. @throws Error when it never does */
  async tabTo(target: Locator): Promise<void> {
    const { keyboard } = this.app.page;
    for (let press = 0; press < 80; press++) {
      await keyboard.press('Tab');
      if (await target.evaluate((element) => element === document.activeElement)) return;
    }
    throw new Error(`Tab does not reach ${target.toString()}.`);
  }

  /** Waits until a download reaches a phase. */
  async expectPhase(id: string, phase: 'none' | 'downloading' | 'paused' | 'failed' | 'here'): Promise<void> {
    await expect(this.control(id, 'download-control')).toHaveAttribute('data-phase', phase, { timeout: 20_000 });
  }

  /** Requests in the settings' log, oldest first. Leaves the settings open. */
  async networkLog(): Promise<{ text: string; result: string; bytes: number }[]> {
    const { page } = this.app;
    if (!(await this.id('settings').isVisible())) await this.id('network-requests').click();
    await expect(this.id('settings')).toBeVisible();
    return await page.getByTestId('network-record').evaluateAll((records) =>
      records.map((record) => ({
        text: record.textContent,
        result: record.getAttribute('data-result') ?? '',
        bytes: Number(record.getAttribute('data-bytes')),
      })),
    );
  }

  /** Loads a model that is in the list. */
  async load(name: string): Promise<void> {
    await this.card(name).getByTestId('load-model').click();
    // A busy machine takes many seconds to read a file, and to allocate gigabytes.
    await expect(this.card(name)).toContainText('Loaded', { timeout: 30_000 });
  }

  /** Drops a file that is on disk. */
  async dropFile(path: string): Promise<void> {
    const { page } = this.app;
    // Only a file from outside has a path, so an input brings it into the page.
    await page.evaluate(() => {
      const input = document.createElement('input');
      Object.assign(input, { type: 'file', id: 'dropped-file', hidden: true });
      document.body.append(input);
    });
    await page.locator('#dropped-file').setInputFiles(path);
    await page.evaluate(() => {
      const input = document.querySelector<HTMLInputElement>('#dropped-file');
      const dataTransfer = new DataTransfer();
      for (const file of input?.files ?? []) dataTransfer.items.add(file);
      input?.remove();
      for (const type of ['dragenter', 'dragover', 'drop']) {
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
      }
    });
  }

  /** Drags a file that a script made over the window, and drops it. */
  async drag(name: string, bytes: Uint8Array, events: readonly ('dragenter' | 'dragleave' | 'drop')[]): Promise<void> {
    await this.app.page.evaluate(
      ([fileName, base64, types]) => {
        const data = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([data], fileName));
        for (const type of types) {
          document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
        }
      },
      [name, Buffer.from(bytes).toString('base64'), [...events]] as const,
    );
  }
}
