import { IngestError } from '../../../errors.ts';
import { type DeltaSnapshot, decodedPath, type TableProtocol } from './actions.ts';
import { type DeltaField, fieldsOf } from './schema.ts';

/** What every reader and writer of Delta tables understands. */
export const LEAST_PROTOCOL: TableProtocol = { minReaderVersion: 1, minWriterVersion: 2 };

/** Reader features that change nothing for those who read here, where the table does not use them: that is looked at beside the list. */
const READER_FEATURES = new Set(['timestampNtz', 'columnMapping', 'vacuumProtocolCheck']);
/** The same for writers; the features of writer versions 2 to 6 among them. */
const WRITER_FEATURES = new Set([
  ...READER_FEATURES,
  'appendOnly',
  'invariants',
  'checkConstraints',
  'changeDataFeed',
  'generatedColumns',
  'identityColumns',
]);

/** What a table's own settings ask of writers that is not done here. */
const FIELD_USES: readonly [key: string, feature: string][] = [
  ['delta.invariants', 'invariants'],
  ['delta.generationExpression', 'generatedColumns'],
  ['delta.identity.start', 'identityColumns'],
];

/**
 * Can the table's rows be read here?
 * @param table for people, e.g. `raw.orders in s3://lake`
 * @throws IngestError TABLE_FEATURE
 */
export function checkReadable(snapshot: DeltaSnapshot, table: string): void {
  const { minReaderVersion, readerFeatures } = snapshot.protocol;
  const unknown =
    minReaderVersion > 3
      ? [`reader version ${minReaderVersion}`]
      : (readerFeatures ?? []).filter((name) => !READER_FEATURES.has(name));
  const used = [...unknown, ...columnMapping(snapshot)];
  if ([...snapshot.files.values()].some((file) => file.deletionVector)) used.push('deletionVectors');
  if (snapshot.metadata.partitionColumns.length > 0)
    used.push(`partitions by ${snapshot.metadata.partitionColumns.join(', ')}`);
  if (snapshot.metadata.format.provider !== 'parquet') used.push(`files of ${snapshot.metadata.format.provider}`);
  if ([...snapshot.files.values()].some((file) => decodedPath(file.path) === null)) used.push('files of other tables');
  if (used.length > 0) throw refused(table, used);
}

/**
 * Can a load write to the table? `rewrites`: it removes rows or files, too.
 * @throws IngestError TABLE_FEATURE, TABLE_APPEND_ONLY
 */
export function checkWritable(
  snapshot: DeltaSnapshot,
  rewrites: 'nothing' | 'everything' | 'some',
  table: string,
): void {
  checkReadable(snapshot, table);
  const { minWriterVersion, writerFeatures } = snapshot.protocol;
  const settings = snapshot.metadata.configuration ?? {};
  const used =
    minWriterVersion > 7
      ? [`writer version ${minWriterVersion}`]
      : (writerFeatures ?? []).filter((name) => !WRITER_FEATURES.has(name));
  if (Object.keys(settings).some((key) => key.startsWith('delta.constraints.'))) used.push('checkConstraints');
  const fields = fieldsOf(snapshot.metadata.schemaString, table);
  for (const [key, feature] of FIELD_USES) if (fields.some((field) => uses(field, key))) used.push(feature);
  // Which rows a rewritten file changed would have to be written down.
  if (rewrites === 'some' && settings['delta.enableChangeDataFeed'] === 'true')
    used.push('changeDataFeed with a merge');
  if (used.length > 0) throw refused(table, used);
  if (rewrites !== 'nothing' && settings['delta.appendOnly'] === 'true') {
    throw new IngestError('TABLE_APPEND_ONLY', `${table} is set to delta.appendOnly: its rows may not be changed.`, {
      hint: 'Load with write_disposition append, or take the property away.',
    });
  }
}

function columnMapping({ metadata }: DeltaSnapshot): string[] {
  const mode = metadata.configuration?.['delta.columnMapping.mode'] ?? 'none';
  return mode === 'none' ? [] : [`columnMapping (${mode})`];
}

function uses(field: DeltaField, key: string): boolean {
  return Object.hasOwn(field.metadata, key);
}

function refused(table: string, used: readonly string[]): IngestError {
  return new IngestError(
    'TABLE_FEATURE',
    `The Delta table ${table} uses what this version does not: ${[...new Set(used)].join(', ')}.`,
    {
      hint: 'Load into a table of its own, drop the feature there (ALTER TABLE … DROP FEATURE), or load through a databricks destination.',
    },
  );
}
