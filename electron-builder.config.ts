import type { Configuration } from 'electron-builder';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What is shipped: the built code and resources in one archive, without node_modules (everything is bundled).
 * scripts/package.ts adds where Electron lies.
 */
const config: Configuration = {
  appId: 'app.tokenscope.Tokenscope',
  // It names folders too, so no spaces.
  productName: 'Tokenscope',
  directories: { output: 'dist', buildResources: 'build' },
  files: ['out/**', '!out/.*', '!out/.*/**', 'resources/**', 'package.json', '!node_modules'],
  asar: true,
  npmRebuild: false,
  publish: null,
  electronLanguages: ['en-US'],
  electronFuses: {
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
  linux: {
    target: ['dir'],
    executableName: 'tokenscope',
    icon: 'build/icons',
    category: 'Science',
    syncDesktopName: true,
  },
  mac: { target: ['dir'], category: 'public.app-category.developer-tools', identity: null },
  win: { target: ['dir'], icon: 'build/icons/256x256.png' },
  async afterPack({ appOutDir, packager, electronPlatformName }) {
    const resources =
      electronPlatformName === 'darwin'
        ? join(appOutDir, `${packager.appInfo.productFilename}.app`, 'Contents', 'Resources')
        : join(appOutDir, 'resources');
    // The launcher of the development runtime has no place in the app.
    await rm(join(resources, 'default_app.asar'), { force: true });
  },
};

export default config;
