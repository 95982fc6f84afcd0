/** What the static web build adds to the page: its mark, and what browsers need to install it as an app. */
import manifest from '../../package.json' with { type: 'json' };

/** Of the window in the light and the dark theme (`--surface-0`). */
const COLOURS = { light: '#e9eff0', dark: '#0d1213' };
export const ICON_SIZES = [256, 512];

/** @param page `index.html` of the app */
export function sitePage(page: string): string {
  const head = [
    `<meta name="tokenscope-site" content="${manifest.version}" />`,
    `<meta name="description" content="${manifest.description}" />`,
    `<meta name="theme-color" media="(prefers-color-scheme: light)" content="${COLOURS.light}" />`,
    `<meta name="theme-color" media="(prefers-color-scheme: dark)" content="${COLOURS.dark}" />`,
    '<link rel="manifest" href="./manifest.webmanifest" />',
    '<link rel="apple-touch-icon" href="./icons/256x256.png" />',
  ];
  if (!page.includes('</head>')) throw new Error('index.html has no </head>.');
  return page.replace('</head>', `  ${head.join('\n    ')}\n  </head>`);
}

export function webManifest(): string {
  return JSON.stringify(
    {
      name: manifest.productName,
      short_name: manifest.productName,
      description: manifest.description,
      start_url: './',
      scope: './',
      display: 'standalone',
      background_color: COLOURS.light,
      theme_color: COLOURS.light,
      categories: ['education', 'utilities'],
      icons: ICON_SIZES.map((size) => ({
        src: `./icons/${size}x${size}.png`,
        sizes: `${size}x${size}`,
        type: 'image/png',
      })),
    },
    null,
    2,
  );
}
