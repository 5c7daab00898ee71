import { namesBelow } from '../../object-stores/small-objects.ts';
import type { DestinationReader } from '../reader.ts';
import { Manifests, tablePrefix } from './manifest.ts';
import { openTableViews, type StoreReaderContext, type ViewedTable } from './table-views.ts';

/** Opens a folder or bucket of Parquet files to look at. The newest manifest of each target says which files count. */
export async function openObjectStoreReader(
  config: { schema: string },
  context: StoreReaderContext,
): Promise<DestinationReader> {
  const { store } = context;
  return await openTableViews(config, context, async () => {
    const tables: ViewedTable[] = [];
    for (const schema of (await namesBelow(store, '')).folders) {
      for (const folder of (await namesBelow(store, `${schema}/`)).folders) {
        const manifest = await Manifests.at(store, `${schema}/${folder}/`).latest();
        if (manifest?.format !== 'parquet') continue;
        for (const { name, parent, columns, files } of manifest.tables) {
          tables.push({
            schema: manifest.schema,
            name,
            parent,
            columns,
            keys: files.map((file) => tablePrefix(manifest.schema, name) + file.name),
            bytes: files.reduce((sum, file) => sum + file.bytes, 0),
            rows: files.reduce((sum, file) => sum + file.rows, 0),
            loadedAt: manifest.loads.at(-1)?.inserted_at ?? null,
            refusal: null,
          });
        }
      }
    }
    return tables;
  });
}
