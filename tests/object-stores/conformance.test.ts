import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { createObjectStoreDestination } from '../../engine/destinations/object-store/object-store-destination.ts';
import { literal } from '../../engine/duckdb/sql.ts';
import { describeDestination } from '../destinations/conformance.ts';
import type { Kind } from '../destinations/kinds.ts';
import { query } from '../destinations/read-back.ts';
import { LIVE_KINDS, openTestStore, type Place, STORE_KINDS, type StoreServer } from './stores.ts';

/** The clouds as destinations; each test's folder has a place of its own. */
for (const kind of [...STORE_KINDS.filter(({ name }) => name !== 'local'), ...LIVE_KINDS]) {
  let server: StoreServer;
  const places = new Map<string, Place>();
  beforeAll(async () => {
    server = await kind.start();
  }, 60_000);
  afterAll(() => server?.stop());

  describeDestination({
    name: LIVE_KINDS.includes(kind) ? `${kind.name} (live)` : kind.name,
    async create(root, workspace) {
      const place = places.get(root) ?? (await server.place());
      places.set(root, place);
      return createObjectStoreDestination(
        { name: 'dest', schema: 'raw' },
        { store: await openTestStore(place), workspace, tempDirectory: join(root, 'temporary') },
      );
    },
    async read(root, schema, table, select = '*') {
      const folder = join(dirname(root), 'read back');
      await mkdir(folder, { recursive: true });
      const paths: string[] = [];
      for (const [key, body] of await server.objects(places.get(root) as Place)) {
        if (!key.startsWith(`${schema}/${table}/`) || !key.endsWith('.parquet')) continue;
        paths.push(join(folder, basename(key)));
        await writeFile(paths.at(-1) as string, body);
      }
      const list = paths.map((path) => literal(path)).join(', ');
      return await query(
        null,
        `SELECT ${select} FROM read_parquet([${list}], union_by_name = true, hive_partitioning = false) ORDER BY ALL`,
      );
    },
  } satisfies Kind);
}
