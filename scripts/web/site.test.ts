import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../lib/run.ts';
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
