import { z } from 'zod';
import { IngestError } from '../../errors.ts';
import { packageColumnModel } from '../../load/load-package.ts';
import { keyPart } from '../../object-stores/key-part.ts';
import type { ObjectStore } from '../../object-stores/object-store.ts';
import { namesBelow, readText } from '../../object-stores/small-objects.ts';
import { TABLE_FORMATS, type TableFormat } from '../../spec/kinds.ts';
import type { TargetRef } from '../destination.ts';

const MANIFEST_VERSION = 1;
/** Loads that are remembered, newest last: a package is never older than that when it is loaded again. */
const LOADS_KEPT = 1000;
/** Manifests that stay besides the newest, for readers that have just listed them and for people. */
const MANIFESTS_KEPT = 5;

const storedTableModel = z.object({
  name: z.string(),
  /** Null for the job's own table. */
  parent: z.string().nullable(),
  columns: z.array(packageColumnModel),
  /** In the table's folder. */
  files: z.array(z.object({ name: z.string(), rows: z.int(), bytes: z.int() })),
});
export type StoredTable = z.infer<typeof storedTableModel>;
export type StoredFile = StoredTable['files'][number];

const manifestModel = z.object({
  version: z.literal(MANIFEST_VERSION),
  number: z.int().nonnegative(),
  /** Of Delta tables the log says which columns and files there are: here they have none. */
  format: z.enum(TABLE_FORMATS).default('parquet'),
  schema: z.string(),
  table: z.string(),
  created_at: z.string(),
  /** The job's own table first, parents before children. */
  tables: z.array(storedTableModel),
  /** By pipeline. Left as found, so that a newer version's state survives a write of another pipeline's. */
  states: z.record(z.string(), z.unknown()),
  /** The columns of dlt's `_dlt_loads`, and the pipeline. */
  loads: z.array(
    z.object({
      load_id: z.string(),
      pipeline: z.string(),
      status: z.literal(0),
      inserted_at: z.string(),
      rows: z.int(),
    }),
  ),
  /** Keys of files that no table names any more and that are to be removed. */
  garbage: z.array(z.string()),
});

/** What is in a job's table, its child tables and its state: the newest one is the truth, and it changes in one step. */
export type StoreManifest = z.infer<typeof manifestModel>;

/** The prefix of a table's files. */
export function tablePrefix(schema: string, table: string): string {
  return `${keyPart(schema)}/${keyPart(table)}/`;
}

/** Where a target's manifests lie, and the notes of loads that are under way. */
export function manifestPrefix(prefix: string): string {
  return `${prefix}_manifests/`;
}

/** The versioned manifests of one target. */
export class Manifests {
  readonly #store: ObjectStore;
  readonly #prefix: string;
  readonly #target: TargetRef;
  readonly #format: TableFormat | null;

  private constructor(store: ObjectStore, prefix: string, target: TargetRef, format: TableFormat | null) {
    this.#store = store;
    this.#target = target;
    this.#format = format;
    this.#prefix = manifestPrefix(prefix);
  }

  /** A target's manifests; those of another format are refused. */
  static of(store: ObjectStore, target: TargetRef, format: TableFormat): Manifests {
    return new Manifests(store, tablePrefix(target.schema, target.table), target, format);
  }

  /** The manifests in a folder as it was listed; the names are those that the manifests hold. */
  static at(store: ObjectStore, prefix: string): Manifests {
    return new Manifests(store, prefix, { schema: '', table: '' }, null);
  }

  /** Null where the target was never loaded. */
  async latest(): Promise<StoreManifest | null> {
    // A manifest may go between the listing and the reading, when others write faster than this reads.
    for (let attempt = 0; ; attempt += 1) {
      const number = (await this.#numbers()).at(-1);
      if (number === undefined) return null;
      const text = await readText(this.#store, this.#key(number));
      if (text !== null) return this.#checked(parseManifest(text, `${this.#store.location}, ${this.#key(number)}`));
      if (attempt === 10)
        throw new IngestError('DESTINATION_FAILED', `${this.#key(number)} disappears while it is read.`, {
          retryable: true,
        });
    }
  }

  empty(): StoreManifest {
    const { schema, table } = this.#target;
    return {
      version: MANIFEST_VERSION,
      number: 0,
      format: this.#format ?? 'parquet',
      schema,
      table,
      created_at: '',
      tables: [],
      states: {},
      loads: [],
      garbage: [],
    };
  }

  /** Makes `next` the truth unless another writer was first: then false. */
  async commit(next: StoreManifest, now: Date): Promise<boolean> {
    const manifest: StoreManifest = {
      ...next,
      number: next.number + 1,
      created_at: now.toISOString(),
      loads: next.loads.slice(-LOADS_KEPT),
    };
    return await this.#store.put(this.#key(manifest.number), `${JSON.stringify(manifest, null, 1)}\n`, 'absent');
  }

  /** Removes manifests that nobody needs any more. */
  async prune(): Promise<void> {
    const old = (await this.#numbers()).slice(0, -1 - MANIFESTS_KEPT);
    if (old.length > 0) await this.#store.delete(old.map((number) => this.#key(number)));
  }

  #checked(manifest: StoreManifest): StoreManifest {
    if (this.#format === null || manifest.format === this.#format) return manifest;
    const { schema, table, format } = manifest;
    throw new IngestError(
      'DESTINATION_FORMAT',
      `${schema}.${table} in ${this.#store.location} was loaded with table_format ${format}, and the destination says ${this.#format}.`,
      {
        hint: `Set table_format to ${format} again, or give the job another target_schema, target_table or bucket_url and load it anew.`,
      },
    );
  }

  async #numbers(): Promise<number[]> {
    const { objects: names } = await namesBelow(this.#store, this.#prefix);
    const numbers = names.flatMap((name) => (/^\d{8,}\.json$/.test(name) ? [Number.parseInt(name, 10)] : []));
    return numbers.sort((a, b) => a - b);
  }

  #key(number: number): string {
    return `${this.#prefix}${String(number).padStart(8, '0')}.json`;
  }
}

export function hasLoad(manifest: StoreManifest | null, loadId: string): boolean {
  return manifest?.loads.some((load) => load.load_id === loadId) ?? false;
}

function parseManifest(text: string, place: string): StoreManifest {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw damaged(place, 'it is not JSON', cause);
  }
  const version = typeof raw === 'object' && raw !== null ? (raw as { version?: unknown }).version : undefined;
  if (typeof version === 'number' && version > MANIFEST_VERSION) {
    throw new IngestError(
      'DESTINATION_TOO_NEW',
      `The manifest ${place} has version ${version}; this version of Ingest Studio knows up to ${MANIFEST_VERSION}.`,
      { hint: 'Upgrade this runner to the version that wrote it. Nothing was changed.' },
    );
  }
  const parsed = manifestModel.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw damaged(place, `${issue?.path.join('.')}: ${issue?.message}`, parsed.error);
}

function damaged(place: string, why: string, cause: unknown): IngestError {
  return new IngestError('DESTINATION_CORRUPT', `The manifest ${place} is damaged: ${why}.`, {
    hint: 'Remove it, so that the one before it holds, or restore the folder from a backup. The data files are untouched.',
    cause,
  });
}
