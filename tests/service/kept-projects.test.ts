import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startService } from './service-harness.ts';

test('a row is explained by the configuration as it is on disk now, also right after it changed', async () => {
  await using studio = await startService();
  const directory = await studio.project();
  const { sheets } = await studio.call('project.open', { directory, env: null });
  const { headers, rows } = sheets.SourceConfig!;
  const all = rows.map(({ cells }) => Object.fromEntries(headers.map((header, index) => [header, cells[index] ?? ''])));
  const row = all.find((one) => one['source_type'] === 'filesystem')!;
  const explain = () => studio.call('job.explain', { directory, env: null, row, destination: null });
  const first = await explain();
  expect((await explain()).statement).toBe(first.statement);
  const config = path.join(directory, '.dlt/config.toml');
  await writeFile(config, (await readFile(config, 'utf8')).replace('bucket_url = "data"', 'bucket_url = "nowhere"'));
  const changed = await studio.failure('job.explain', { directory, env: null, row, destination: null }).catch(explain);
  expect(JSON.stringify(changed)).toContain('nowhere');
  await writeFile(config, (await readFile(config, 'utf8')).replace('bucket_url = "nowhere"', 'bucket_url = "data"'));
  expect((await explain()).statement).toBe(first.statement);
});
