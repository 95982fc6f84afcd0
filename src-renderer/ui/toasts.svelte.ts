import { announce } from './live-region.svelte.ts';

/** Something already done, with a way back, or a notice of the app. Errors stay where they happened. */
export interface Toast {
  id: number;
  /** A notice stays until it is dismissed. */
  kind: 'done' | 'notice';
  text: string;
  detail: string | null;
  undo: (() => void) | null;
  ondismiss: (() => void) | null;
}

const SHOWN_MS = 8000;
/** Notices that come together are read out together: what is announced next would cut off what is being said. */
const ANNOUNCE_AFTER_MS = 50;

class Toasts {
  list = $state<Toast[]>([]);
  #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #lastId = 0;
  #unsaid: string[] = [];

  show(toast: { text: string; detail?: string; undo?: () => void }): void {
    const { text, detail = null, undo = null } = toast;
    const id = this.#add({ kind: 'done', text, detail, undo, ondismiss: null });
    announce(undo ? `${text}. Undo is available.` : text);
    this.resume(id);
  }

  /** Something that a person should know. Stays until it is dismissed. */
  notice(text: string, ondismiss: (() => void) | null = null): void {
    this.#add({ kind: 'notice', text, detail: null, undo: null, ondismiss });
    this.#unsaid.push(text);
    if (this.#unsaid.length > 1) return;
    setTimeout(() => announce(this.#unsaid.splice(0).join(' ')), ANNOUNCE_AFTER_MS);
  }

  #add(toast: Omit<Toast, 'id'>): number {
    const id = ++this.#lastId;
    this.list = [...this.list, { ...toast, id }];
    return id;
  }

  dismiss(id: number): void {
    this.pause(id);
    this.list.find((toast) => toast.id === id)?.ondismiss?.();
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  undo(id: number): void {
    this.list.find((toast) => toast.id === id)?.undo?.();
    this.dismiss(id);
  }

  /** A toast that is pointed at or holds the focus stays. */
  pause(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  resume(id: number): void {
    this.pause(id);
    if (this.list.find((toast) => toast.id === id)?.kind === 'notice') return;
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), SHOWN_MS),
    );
  }
}
export const toasts = new Toasts();
