import { expect, type Locator } from '@playwright/test';
import type { RunningApp } from '../support/app.ts';

/** What a person does and sees on the Models page. */
export class ModelsPage {
  constructor(readonly app: RunningApp) {}

  readonly id = (testId: string): Locator => this.app.page.getByTestId(testId);

  /** The card of a model by its name. */
  card(name: string): Locator {
    return this.id('model-card').filter({ has: this.app.page.getByRole('heading', { name, exact: true }) });
  }

  async show(): Promise<void> {
    await this.id('nav-models').click();
    await expect(this.id('open-model')).toBeVisible();
  }

  /** Chooses a file in the system's dialog, or the browser's; `trigger` is what opens it. */
  async open(path: string, trigger: () => Promise<void> = () => this.id('open-model').click()): Promise<void> {
    const { electron, page } = this.app;
    if (electron === null) {
      const [chooser] = await Promise.all([page.waitForEvent('filechooser'), trigger()]);
      await chooser.setFiles(path);
      return;
    }
    await electron.evaluate(({ dialog }, chosen) => {
      dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [chosen] });
    }, path);
    await trigger();
  }

  /** Loads a model that is in the list. */
  async load(name: string): Promise<void> {
    await this.card(name).getByTestId('load-model').click();
    await expect(this.card(name)).toContainText('In memory');
  }

  /** Drops a file that lies on the disk. */
  async dropFile(path: string): Promise<void> {
    const { page } = this.app;
    // Only a file that came from outside has a place, so an input brings it into the page.
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
