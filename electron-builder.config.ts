import type { Configuration } from 'electron-builder';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { writeInstalledList } from './scripts/release/nsis.ts';
import { APP_ID } from './src-main/app/app-id.ts';

/** Made by scripts/release/resources.ts. */
const made = 'out/.dist';

/** Where a project at an address of its own would have a home page: packages must name one. */
const homepage = 'https://tokenscope.example';
const maintainer = 'The Tokenscope authors <packages@tokenscope.example>';

/** What Electron's binary links or loads: the rest comes with these. */
const debDepends = [
  'libgtk-3-0 | libgtk-3-0t64',
  'libasound2 | libasound2t64',
  'libatspi2.0-0 | libatspi2.0-0t64',
  'libgbm1',
  'libnss3',
  'libudev1',
  'libx11-xcb1',
  'libxkbcommon0',
  'xdg-utils',
];
/** Libraries by name, because distributions name their packages differently. */
const rpmDepends = [
  ...['libgtk-3.so.0', 'libasound.so.2', 'libatspi.so.0', 'libgbm.so.1', 'libnss3.so', 'libudev.so.1'],
  'libX11-xcb.so.1',
  'libxkbcommon.so.0',
].map((name) => `${name}()(64bit)`);

/** What deb and rpm install outside of /opt/Tokenscope, besides the desktop entry and the icons. */
const systemFiles = [
  'build/linux/tokenscope=/usr/bin/tokenscope',
  'build/linux/app.tokenscope.gguf.xml=/usr/share/mime/packages/app.tokenscope.gguf.xml',
  `${made}/app.tokenscope.Tokenscope.metainfo.xml=/usr/share/metainfo/app.tokenscope.Tokenscope.metainfo.xml`,
];

const linuxPackage = {
  afterInstall: 'build/linux/after-install.sh',
  afterRemove: 'build/linux/after-remove.sh',
  appArmorProfile: 'build/linux/apparmor-profile',
  compression: 'xz' as const,
  fpm: systemFiles.map((file) => join(import.meta.dirname, file)),
};

const { APPLE_API_KEY, APPLE_ID, APPLE_TEAM_ID, CSC_LINK, CSC_NAME, WIN_CSC_LINK } = process.env;
// A workflow sets a variable whose secret is missing to nothing.
const signsMac = Boolean(CSC_LINK || CSC_NAME);
const notarizes = signsMac && Boolean(APPLE_API_KEY || (APPLE_ID && APPLE_TEAM_ID));

/** Signing status, as lines to print. */
export function signingNotes(platform: NodeJS.Platform): string[] {
  if (platform === 'darwin') {
    return [
      signsMac ? 'signing is on' : 'signing is off: set CSC_LINK and CSC_KEY_PASSWORD, or CSC_NAME',
      notarizes
        ? 'notarisation is on'
        : 'notarisation is off: set APPLE_API_KEY, APPLE_API_KEY_ID and APPLE_API_ISSUER, and sign',
    ];
  }
  if (platform !== 'win32') return [];
  const isOn = Boolean(WIN_CSC_LINK || CSC_LINK);
  return [isOn ? 'signing is on' : 'signing is off: set WIN_CSC_LINK and WIN_CSC_KEY_PASSWORD'];
}

/** Replaces a file by `FILE.gz`. */
async function compress(path: string): Promise<void> {
  await pipeline(createReadStream(path), createGzip({ level: 9 }), createWriteStream(`${path}.gz`));
  await rm(path);
}

/**
 * What is shipped: the built code and resources in one archive, without node_modules (everything is bundled).
 * scripts/package.ts and scripts/dist.ts add the path of Electron and the file names.
 */
const config: Configuration = {
  appId: APP_ID,
  // It names folders too, so no spaces.
  productName: 'Tokenscope',
  directories: { output: 'dist', buildResources: 'build' },
  files: ['out/**', '!out/.*', '!out/.*/**', 'resources/**', 'package.json', '!node_modules'],
  extraResources: [
    { from: 'build/bin/${os}', to: 'bin' },
    { from: 'LICENSE', to: 'LICENSE.txt' },
    { from: `${made}/THIRD-PARTY-LICENCES.txt`, to: 'THIRD-PARTY-LICENCES.txt' },
  ],
  extraMetadata: { homepage },
  asar: true,
  npmRebuild: false,
  publish: null,
  electronLanguages: ['en-US'],
  toolsets: { appimage: '1.0.3' },
  electronFuses: {
    // The command line tool starts with an argument of the app instead.
    runAsNode: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    onlyLoadAppFromAsar: true,
    // Checked on macOS and Windows; Electron does not support it on Linux.
    enableEmbeddedAsarIntegrityValidation: true,
    grantFileProtocolExtraPrivileges: false,
    // The app keeps no cookies; asking the system's keyring for a key would only slow down the start.
    enableCookieEncryption: false,
    loadBrowserProcessSpecificV8Snapshot: false,
  },
  // It can only put a question in the composer: see src-main/app/open-requests.ts. Windows: build/win/associations.nsh.
  protocols: [{ name: 'Question for Tokenscope', schemes: ['tokenscope'], role: 'Viewer' }],
  linux: {
    target: ['AppImage', 'deb', 'rpm', 'tar.gz'],
    executableName: 'tokenscope',
    icon: 'build/icons',
    category: 'Science;Education;',
    synopsis: 'See how language models choose each token',
    mimeTypes: ['application/x-gguf'],
    syncDesktopName: true,
    maintainer,
    vendor: 'The Tokenscope authors',
    desktop: {
      entry: { GenericName: 'Language model playground', Keywords: 'AI;LLM;GGUF;tokens;', StartupNotify: 'true' },
    },
  },
  deb: { ...linuxPackage, packageCategory: 'science', depends: debDepends, recommends: ['libnotify4', 'libvulkan1'] },
  rpm: { ...linuxPackage, packageCategory: 'Applications/Engineering', depends: rpmDepends },
  mac: {
    target: ['dmg', 'zip'],
    category: 'public.app-category.developer-tools',
    icon: 'build/icon.icns',
    // Linux has its own file, with a rule for the first bytes, and Windows build/win/associations.nsh.
    fileAssociations: [{ ext: 'gguf', name: 'GGUF model', description: 'Language model (GGUF)', role: 'Viewer' }],
    // It refuses Electron's framework unless both are signed by the same team, which an ad hoc signature does not have.
    hardenedRuntime: signsMac,
    entitlements: 'build/mac/entitlements.plist',
    entitlementsInherit: 'build/mac/entitlements.plist',
    notarize: notarizes,
    // Without a certificate, arm64 needs at least an ad hoc signature.
    ...(signsMac ? {} : { identity: '-' }),
  },
  win: { target: ['nsis', 'zip'], icon: 'build/icon.ico' },
  nsis: {
    // Per user, without an administrator; `/S` installs silently, `/D=FOLDER` elsewhere.
    oneClick: true,
    perMachine: false,
    allowElevation: false,
    createDesktopShortcut: false,
    deleteAppDataOnUninstall: false,
    include: 'build/win/installer.nsh',
    // Nothing asks for an administrator. It would be a file that `afterPack` does not see.
    packElevateHelper: false,
  },
  async afterPack({ appOutDir, packager, electronPlatformName }) {
    const resources =
      electronPlatformName === 'darwin'
        ? join(appOutDir, `${packager.appInfo.productFilename}.app`, 'Contents', 'Resources')
        : join(appOutDir, 'resources');
    // The launcher and the mark of the development runtime have no place in the app.
    await rm(join(resources, 'default_app.asar'), { force: true });
    await rm(join(appOutDir, 'tokenscope-fallback.json'), { force: true });
    // The uninstaller deletes this and nothing else.
    if (electronPlatformName === 'win32') await writeInstalledList(appOutDir, packager.projectDir);
    if (electronPlatformName !== 'linux') return;
    // 9 MB of text, a tenth of it compressed. Linux keeps documents like this.
    await compress(join(appOutDir, 'LICENSES.chromium.html'));
    // A GPU in software, 5 MB. Without a GPU, Chromium draws and the app computes on the CPU.
    for (const name of ['libvk_swiftshader.so', 'vk_swiftshader_icd.json'])
      await rm(join(appOutDir, name), { force: true });
  },
};

export default config;
