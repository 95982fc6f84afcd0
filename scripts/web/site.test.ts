import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../../src-main/services/test-support/support.ts';
import { root } from '../lib/run.ts';
import { portToServe, serveSite } from './serve-site.ts';
import { headersFile, siteHeaders } from './site-headers.ts';
import { ICON_SIZES, sitePage, webManifest } from './site-page.ts';

test('the page is isolated, and loads nothing from elsewhere', () => {
  expect(siteHeaders()).toMatchObject({
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
  });
  const policy = siteHeaders()['Content-Security-Policy'];
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("manifest-src 'self'");
  expect(policy).not.toMatch(/https?:|\*|unsafe-inline|'unsafe-eval'/);
  const [rule, ...headers] = headersFile().trimEnd().split('\n');
  expect(rule).toBe('/*');
  expect(headers).toHaveLength(Object.keys(siteHeaders()).length);
  for (const line of headers) expect(line).toMatch(/^ {2}[\w-]+: \S/);
});

test('browsers can install it', async () => {
  const page = sitePage(await readFile(join(root, 'src-renderer', 'index.html'), 'utf8'));
  expect(page).toMatch(/<meta name="tokenscope-site" content="\d+\.\d+\.\d+" \/>/);
  expect(page).toContain('<link rel="manifest" href="./manifest.webmanifest" />');
  expect(() => sitePage('<html></html>')).toThrow('no </head>');
  const { icons, start_url, display } = JSON.parse(webManifest()) as {
    icons: { sizes: string }[];
    start_url: string;
    display: string;
  };
  // Chromium requires one of at least 144 px, and one of 512 for the splash screen.
  expect(icons.map(({ sizes }) => sizes)).toEqual(ICON_SIZES.map((size) => `${size}x${size}`));
  expect(ICON_SIZES).toContain(512);
  expect({ start_url, display }).toEqual({ start_url: './', display: 'standalone' });
});

test('it is served, whatever is asked for', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'index.html'), '<!doctype html>');
  const site = await serveSite(folder);
  onTestFinished(() => site.close());
  const statusOf = async (path: string) => (await fetch(`${site.address}${path}`, { redirect: 'manual' })).status;
  for (const path of ['/', '/x', '//', '%', '..%2findex.html', 'nothing.js']) {
    expect(await statusOf(path), path).toBe(404);
  }
  expect(await statusOf('index.html')).toBe(308);
  const page = await fetch(`${site.address}?utm=//`);
  expect(await page.text()).toBe('<!doctype html>');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const { port } = new URL(site.address);
  await expect(serveSite(folder, Number(port))).rejects.toThrow(`Port ${port} is in use. Choose another with --serve`);
});

test('the port follows --serve, and is a number', () => {
  expect(portToServe([])).toBeNull();
  expect(portToServe(['--serve'])).toBe(4318);
  expect(portToServe(['--serve', '0'])).toBe(0);
  for (const wrong of ['abc', '', '-1', '65536', '4318.5', '0x50']) {
    expect(() => portToServe(['--serve', wrong])).toThrow(`--serve ${wrong}: expected a port from 0 to 65535.`);
  }
});
