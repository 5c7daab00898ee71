#!/usr/bin/env node
/**
 * Starts the command line: the sources in a checkout, the compiled files where the package is installed (Node strips no types below node_modules).
 * The engine needs Node 24; an older one hands over to the one that this package brings along.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const installed = root.split(path.sep).includes('node_modules');
const main = path.join(root, installed ? 'out/engine/cli/main.js' : 'engine/cli/main.ts');

if (Number.parseInt(process.versions.node, 10) >= 24) {
  await import(pathToFileURL(main).href);
} else {
  const newer = path.join(root, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(newer)) {
    const child = spawn(newer, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
    // Ctrl+C reaches the child by itself; this process only has to outlive it.
    process.on('SIGINT', () => {});
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
    });
  } else {
    process.stderr.write(
      `Ingest Studio needs Node 24 or newer; this is ${process.version}.\n  what to do: install Node 24 from nodejs.org, or run npm ci in the checkout, which brings it along.\n`,
    );
    process.exitCode = 2;
  }
}
