/** The static web build: how the page knows it, and its service worker, with which it works offline. */
import { workerUrl } from '../trusted-url.ts';
import type { SiteFacts } from './browser-services.ts';

/** Set by `scripts/build-web.ts`. */
export function isStaticSite(): boolean {
  return document.querySelector('meta[name="tokenscope-site"]') !== null;
}

/** @throws Error for people */
export async function siteFacts(): Promise<SiteFacts> {
  const response = await fetch(new URL('site.json', document.baseURI));
  if (!response.ok)
    throw new Error(`The server responded with ${response.status} for site.json. Upload all files again.`);
  return (await response.json()) as SiteFacts;
}

/** Browsers offer service workers to secure origins only. */
export async function workOffline(): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register(workerUrl('service-worker.js'));
  } catch (error) {
    // The page works, as long as its server does.
    console.warn('This page will not work offline.', error);
  }
}
