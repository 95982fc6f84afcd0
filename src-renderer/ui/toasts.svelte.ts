import { announce } from './live-region.svelte.ts';

/** Something already done, with a way back. Never an error: those stay where they happened. */
export interface Toast {
  id: number;
  text: string;
  detail: string | null;
  undo: (() => void) | null;
}

const SHOWN_MS = 8000;

class Toasts {
  list = $state<Toast[]>([]);
  #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #lastId = 0;

  show(toast: { text: string; detail?: string; undo?: () => void }): void {
    const id = ++this.#lastId;
    this.list.push({ id, text: toast.text, detail: toast.detail ?? null, undo: toast.undo ?? null });
    announce(toast.undo ? `${toast.text}. Undo is available.` : toast.text);
    this.resume(id);
  }

  dismiss(id: number): void {
    this.pause(id);
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
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), SHOWN_MS),
    );
  }
}
export const toasts = new Toasts();
