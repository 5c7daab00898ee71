import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { extractAll, listPackage } from '@electron/asar';
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp, hasElectron, launchApp } from '../helpers/electron-app.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const root = path.join(import.meta.dirname, '../..');

/** What marks the fuses in Electron's binary, its version, and as many fuses as it has, all in their first state. */
const FUSES = Buffer.concat([
  Buffer.from('dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX'),
  Buffer.from([1, 9]),
  Buffer.from('101100011'),
]);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let packaged: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  await buildApp();
  const dist = path.join(folder.path, 'electron');
  await mkdir(dist);
  await writeFile(path.join(dist, 'electron'), FUSES);
  await chmod(path.join(dist, 'electron'), 0o755);
  const { devDependencies } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const builder = path.join(root, 'node_modules/electron-builder/cli.js');
  const output = path.join(folder.path, 'dist');
  // The SDKs of databases and clouds are most of the files, plain JavaScript all of them: they would only cost time here.
  const config = path.join(folder.path, 'electron-builder.json');
  const sdks =
    '@aws-sdk,@smithy,@azure,@azure-rest,@google-cloud,@databricks,@opentelemetry,@typespec,oracledb,tedious';
  await writeFile(
    config,
    JSON.stringify({ extends: path.join(root, 'electron-builder.yml'), files: [`!node_modules/{${sdks}}/**`] }),
  );
  const settings = [
    `--config=${config}`,
    `-c.electronDist=${dist}`,
    `-c.electronVersion=${devDependencies.electron}`,
    `-c.directories.output=${output}`,
  ];
  // Without a real binary there is no other system's file to make: Linux's is a plain copy.
  await promisify(execFile)(process.execPath, [builder, '--linux', 'dir', '--x64', ...settings], {
    cwd: root,
    maxBuffer: 16 << 20,
  });
  packaged = path.join(output, 'linux-unpacked');
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

test('the fuses are set in the binary', async () => {
  const wire = await getCurrentFuseWire(path.join(packaged, 'ingest-studio'));
  expect(wire).toMatchObject({
    [FuseV1Options.RunAsNode]: FuseState.DISABLE,
    [FuseV1Options.EnableCookieEncryption]: FuseState.ENABLE,
    [FuseV1Options.EnableNodeOptionsEnvironmentVariable]: FuseState.DISABLE,
    [FuseV1Options.EnableNodeCliInspectArguments]: FuseState.DISABLE,
    [FuseV1Options.EnableEmbeddedAsarIntegrityValidation]: FuseState.ENABLE,
    [FuseV1Options.OnlyLoadAppFromAsar]: FuseState.ENABLE,
    [FuseV1Options.GrantFileProtocolExtraPrivileges]: FuseState.DISABLE,
  });
});

test('the archive holds the application; what the system loads lies beside it', async () => {
  const archive = path.join(packaged, 'resources/app.asar');
  const files = listPackage(archive, { isPack: false });
  for (const file of ['/out/main/index.js', '/out/main/engine-host.js', '/out/preload/index.cjs', '/package.json']) {
    expect(files).toContain(file);
  }
  expect(files.filter((file) => /^\/(tests|engine|renderer|bench)\//.test(file))).toEqual([]);
  expect(files.filter((file) => /^\/node_modules\/(react|electron|vitest|typescript)\//.test(file))).toEqual([]);
  const beside = await readdir(`${archive}.unpacked`, { recursive: true });
  expect(beside.filter((file) => file.endsWith('.node')).length).toBeGreaterThanOrEqual(2);
  expect(beside.some((file) => file.includes('duckdb'))).toBe(true);
  expect(await readdir(path.join(packaged, 'resources/resources/sample'))).toContain('ingestion_config.xlsx');
});

test.runIf(!hasElectron())('the packaged application opens its window and its engine answers', async () => {
  const app = path.join(folder.path, 'app');
  const home = path.join(folder.path, 'home');
  await mkdir(home);
  extractAll(path.join(packaged, 'resources/app.asar'), app);
  // In the archive's place; the sample lies beside the archive, as the packaged application looks for it.
  await cp(path.join(packaged, 'resources/resources/sample'), path.join(app, 'resources/sample'), { recursive: true });
  const started = await launchApp(
    { HOME: home, XDG_CONFIG_HOME: path.join(home, '.config'), INGEST_STUDIO_USER_DATA: path.join(home, 'data') },
    app,
  );
  try {
    const window = await started.firstWindow();
    await window.getByRole('main').waitFor();
    await window
      .getByRole('button', { name: /sample/i })
      .first()
      .click();
    await window.locator('[data-column="table_name"]', { hasText: 'orders' }).first().waitFor();
  } finally {
    await started.close();
  }
});
