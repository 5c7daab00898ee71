import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { literal, literalList } from '../../../duckdb/sql.ts';
import type { ObjectStore } from '../../../object-stores/object-store.ts';
import type { ReaderConnection } from '../../reader.ts';
import { localCopies } from '../local-copies.ts';
import { exactPaths } from '../stored-rows.ts';
import type { Action, DeltaSnapshot, RemoveFile } from './actions.ts';
import type { CheckpointReader, DeltaLog } from './delta-log.ts';

const TEXT_MAP = 'MAP(VARCHAR, VARCHAR)';

/** Source: PROTOCOL.md, "Checkpoint Schema". */
const COLUMNS = {
  txn: 'STRUCT(appId VARCHAR, "version" BIGINT, lastUpdated BIGINT)',
  add: `STRUCT(path VARCHAR, partitionValues ${TEXT_MAP}, size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR, tags ${TEXT_MAP})`,
  remove: `STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN, extendedFileMetadata BOOLEAN, partitionValues ${TEXT_MAP}, size BIGINT, tags ${TEXT_MAP})`,
  metaData: `STRUCT(id VARCHAR, "name" VARCHAR, description VARCHAR, format STRUCT(provider VARCHAR, options ${TEXT_MAP}), schemaString VARCHAR, partitionColumns VARCHAR[], configuration ${TEXT_MAP}, createdTime BIGINT)`,
  protocol:
    'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER, readerFeatures VARCHAR[], writerFeatures VARCHAR[])',
};

/** How long readers of older versions may still ask for a removed file: Delta's default of `delta.deletedFileRetentionDuration`. */
const TOMBSTONE_MILLISECONDS = 7 * 24 * 3600_000;

/** Reads checkpoints by DuckDB: ours, and those that Spark and others wrote in one part or in several. */
export function checkpointReader(
  store: ObjectStore,
  connection: ReaderConnection,
  tempDirectory: string,
): CheckpointReader {
  return {
    async read(keys, signal) {
      const copies = await localCopies(store, keys, tempDirectory, signal);
      try {
        const rows = await connection.rows<{ action: string }>(
          `SELECT to_json(t)::VARCHAR AS action FROM read_parquet(${exactPaths(copies.paths)}, union_by_name = true, hive_partitioning = false) t`,
        );
        return rows.map(({ action }) => JSON.parse(action) as Action);
      } finally {
        await copies.release();
      }
    },
  };
}

/** Writes a snapshot as a checkpoint of one part, and points readers at it. Nothing happens where there is one already. */
export async function writeCheckpoint(
  snapshot: DeltaSnapshot,
  log: DeltaLog,
  context: { store: ObjectStore; connection: ReaderConnection; tempDirectory: string; now: Date; signal: AbortSignal },
): Promise<void> {
  const { store, connection, tempDirectory, now, signal } = context;
  const key = log.checkpointKey(snapshot.version);
  if ((await store.stat(key, signal)) !== null) return;
  const folder = await mkdtemp(join(tempDirectory, 'checkpoint-'));
  try {
    const actions = checkpointActions(snapshot, now);
    const lines = actions.map((action) => JSON.stringify(action));
    const [source, path] = [join(folder, 'actions.jsonl'), join(folder, 'checkpoint.parquet')];
    await writeFile(source, `${lines.join('\n')}\n`);
    const columns = Object.entries(COLUMNS).map(([name, type]) => `${literal(name)}: ${literal(type)}`);
    const longest = lines.reduce((most, line) => Math.max(most, Buffer.byteLength(line)), 2 ** 20);
    await connection.run(
      `COPY (SELECT * FROM read_json(${literalList([source])}, format = 'newline_delimited', columns = {${columns.join(', ')}}, maximum_object_size = ${longest + 1})) TO ${literal(path)} (FORMAT parquet, COMPRESSION snappy)`,
    );
    const { size } = await stat(path);
    await store.write(key, createReadStream(path), size, signal);
    await log.pointAt(snapshot.version, actions.length);
  } finally {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

function checkpointActions(snapshot: DeltaSnapshot, now: Date): Action[] {
  const { configuration } = snapshot.metadata;
  // A table that says how long keeps everything here; its own tools know what that means.
  const oldest = configuration?.['delta.deletedFileRetentionDuration'] ? 0 : now.getTime() - TOMBSTONE_MILLISECONDS;
  const isKept = ({ deletionTimestamp }: RemoveFile) => (deletionTimestamp ?? 0) >= oldest;
  return [
    { protocol: snapshot.protocol },
    { metaData: { ...snapshot.metadata, configuration: configuration ?? {} } },
    ...[...snapshot.transactions.values()].map((txn) => ({ txn })),
    // What a checkpoint says is no news for those who follow the table's changes.
    ...[...snapshot.files.values()].map((add) => ({ add: { ...add, dataChange: false } })),
    ...[...snapshot.tombstones.values()].filter(isKept).map((remove) => ({ remove: { ...remove, dataChange: false } })),
  ];
}
