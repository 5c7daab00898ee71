import { IngestError, isIngestError } from '../../../errors.ts';
import { keyPart } from '../../../object-stores/key-part.ts';
import type { ObjectStore } from '../../../object-stores/object-store.ts';
import { namesBelow } from '../../../object-stores/small-objects.ts';
import type { DestinationReader } from '../../reader.ts';
import { Manifests, type StoreManifest } from '../manifest.ts';
import { NEVER } from '../store-destination.ts';
import { openTableViews, type StoreReaderContext, type ViewedTable } from '../table-views.ts';
import type { DeltaSnapshot } from './actions.ts';
import { checkpointReader } from './checkpoint.ts';
import { rowsIn } from './delta-load.ts';
import { DeltaLog } from './delta-log.ts';
import { checkReadable } from './protocol.ts';
import { columnsOf, fieldsOf } from './schema.ts';

/** Opens a folder or bucket of Delta tables to look at: those that runs loaded, and those of others. */
export async function openDeltaReader(
  config: { schema: string },
  context: StoreReaderContext,
): Promise<DestinationReader> {
  const { store, connection } = context;
  return await openTableViews(config, context, async (tempDirectory) => {
    const tables: ViewedTable[] = [];
    const checkpoints = checkpointReader(store, connection, tempDirectory);
    for (const schema of (await namesBelow(store, '')).folders) {
      const { folders } = await namesBelow(store, `${schema}/`);
      const known = await knownTables(store, schema, folders);
      for (const folder of folders.toSorted()) {
        const prefix = `${schema}/${folder}/`;
        const snapshot = await new DeltaLog(store, prefix, checkpoints).snapshot(NEVER).catch(refusalOf);
        if (snapshot === null) continue;
        const { manifest = null, name = decoded(folder), parent = null } = known.get(folder) ?? {};
        const table = {
          schema: manifest?.schema ?? decoded(schema),
          name,
          parent,
          loadedAt: manifest?.loads.at(-1)?.inserted_at ?? null,
        };
        tables.push({ ...table, ...contentOf(snapshot, prefix, `${table.schema}.${name} in ${store.location}`) });
      }
    }
    return tables;
  });
}

/** By folder, what runs have loaded there. */
async function knownTables(store: ObjectStore, schema: string, folders: readonly string[]) {
  const known = new Map<string, { manifest: StoreManifest; name: string; parent: string | null }>();
  for (const folder of folders) {
    const manifest = await Manifests.at(store, `${schema}/${folder}/`).latest();
    if (manifest?.format === 'delta')
      for (const { name, parent } of manifest.tables) known.set(keyPart(name), { manifest, name, parent });
  }
  return known;
}

function contentOf(
  snapshot: DeltaSnapshot | IngestError,
  prefix: string,
  place: string,
): Pick<ViewedTable, 'columns' | 'keys' | 'bytes' | 'rows' | 'refusal'> {
  const nothing = { columns: [], keys: [], bytes: 0, rows: 0 };
  if (snapshot instanceof IngestError) return { ...nothing, refusal: snapshot.message };
  try {
    const columns = columnsOf(fieldsOf(snapshot.metadata.schemaString, place));
    checkReadable(snapshot, place);
    const files = [...snapshot.files];
    const isCounted = files.every(([, { stats }]) => stats != null);
    return {
      columns,
      keys: files.map(([path]) => prefix + path),
      bytes: files.reduce((sum, [, { size }]) => sum + size, 0),
      rows: isCounted ? files.reduce((sum, [, { stats }]) => sum + rowsIn(stats), 0) : null,
      refusal: null,
    };
  } catch (error) {
    return { ...nothing, refusal: refusalOf(error).message };
  }
}

/** Only what is said about one table; where the place itself fails, nothing can be shown. */
function refusalOf(error: unknown): IngestError {
  if (isIngestError(error) && /^(TABLE_FEATURE|DESTINATION_CORRUPT)$/.test(error.code)) return error as IngestError;
  throw error;
}

/** A name as {@link keyPart} made a folder of it. */
function decoded(folder: string): string {
  try {
    return decodeURIComponent(folder);
  } catch {
    return folder;
  }
}
