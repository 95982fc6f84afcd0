/** Preloaded into Electron after Playwright's loader, which replaces `--enable-features` by its own. */
// oxlint-disable-next-line typescript/no-require-imports -- Electron preloads no other modules
const { app } = require('electron');

const SWITCH = 'enable-features';
const given = process.argv.find((argument) => argument.startsWith(`--${SWITCH}=`));
if (given !== undefined) {
  const all = [app.commandLine.getSwitchValue(SWITCH), given.slice(SWITCH.length + 3)].filter((one) => one !== '');
  app.commandLine.appendSwitch(SWITCH, all.join(','));
}
// The app must not take this file for one that it should open.
process.argv.splice(process.argv.indexOf('-r'), 2);
