/**
 * Starts an installed Chromium and the application's real main bundle, in Electron's order.
 * Reached through ./electron, which Playwright takes for Electron's binary (`ELECTRON_OVERRIDE_DIST_PATH`).
 */
import { readFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { startChromium } from './chromium.ts';
import { DevTools } from './devtools.ts';

const [executable = '', ...given] = process.argv.slice(2);
const modules: string[] = [];
const rest: string[] = [];
for (let i = 0; i < given.length; i += 1) {
  if (given[i] === '-r') {
    i += 1;
    modules.push(given[i]!);
  } else {
    rest.push(given[i]!);
  }
}
const application = rest.find((argument) => !argument.startsWith('-'));
if (application === undefined) throw new Error('usage: electron [switches] <app folder> [arguments]');
process.argv = [executable, ...rest];

const require = createRequire(import.meta.url);
Object.defineProperty(process.versions, 'electron', { value: require('electron/package.json').version });

const module = new URL('./electron.ts', import.meta.url).href;
registerHooks({
  resolve: (id, context, next) =>
    id === 'electron' ? { url: module, format: 'module-typescript', shortCircuit: true } : next(id, context),
});

const browser = await startChromium();
process.on('exit', browser.dispose);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));

const { app, standIn } = await import('./electron.ts');
standIn.appPath = path.resolve(application);
standIn.devtools = await DevTools.connect(browser.url);
standIn.exit = (code) => {
  // Closed in good order first, so that Playwright sees the page and then the browser go.
  const closed = new Promise((resolve) => browser.process.once('exit', resolve));
  const patience = new Promise((resolve) => setTimeout(resolve, 2000));
  standIn.devtools.root.send('Browser.close').catch(() => undefined);
  void Promise.race([closed, patience]).then(() => process.exit(code));
};

for (const file of modules) require(file);
const { main } = JSON.parse(readFileSync(path.join(standIn.appPath, 'package.json'), 'utf8'));
process.stderr.write(`DevTools listening on ${browser.url}\n`);
await import(pathToFileURL(path.join(standIn.appPath, main)).href);
app.becomeReady();
