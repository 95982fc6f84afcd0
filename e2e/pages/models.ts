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

  /** Drags a file over the window, and drops it. */
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
