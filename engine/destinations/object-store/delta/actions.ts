/** The actions of a Delta log that are read or written here (Delta's PROTOCOL.md, "Actions"). */

export interface AddFile {
  /** URL-encoded, below the table's folder. */
  path: string;
  partitionValues: Record<string, string | null>;
  size: number;
  /** Milliseconds since 1970. */
  modificationTime: number;
  dataChange: boolean;
  /** JSON text; null where the writer gave none. */
  stats?: string | null;
  tags?: Record<string, string | null> | null;
  deletionVector?: unknown;
}

export interface RemoveFile {
  path: string;
  deletionTimestamp?: number | null;
  dataChange: boolean;
  extendedFileMetadata?: boolean | null;
  partitionValues?: Record<string, string | null> | null;
  size?: number | null;
  tags?: Record<string, string | null> | null;
}

export interface TableMetadata {
  id: string;
  name?: string | null;
  description?: string | null;
  format: { provider: string; options?: Record<string, string> | null };
  schemaString: string;
  partitionColumns: string[];
  configuration?: Record<string, string> | null;
  createdTime?: number | null;
}

export interface TableProtocol {
  minReaderVersion: number;
  minWriterVersion: number;
  readerFeatures?: string[] | null;
  writerFeatures?: string[] | null;
}

/** How far an application has come in this table. */
export interface Transaction {
  appId: string;
  version: number;
  lastUpdated?: number | null;
}

/** One line of a commit: one of these. */
export interface Action {
  add?: AddFile | null;
  remove?: RemoveFile | null;
  metaData?: TableMetadata | null;
  protocol?: TableProtocol | null;
  txn?: Transaction | null;
  commitInfo?: Record<string, unknown> | null;
}

/** A table as one version of its log has it. */
export interface DeltaSnapshot {
  version: number;
  /** That of the checkpoint that it was read from; null for none. */
  checkpointVersion: number | null;
  protocol: TableProtocol;
  metadata: TableMetadata;
  /** By decoded path. */
  files: Map<string, AddFile>;
  /** Files that older versions name and this one does not, by decoded path. */
  tombstones: Map<string, RemoveFile>;
  /** By application. */
  transactions: Map<string, Transaction>;
}

/** Where a file lies below the table's folder. Null for a path that leads elsewhere. */
export function decodedPath(path: string): string | null {
  if (/^[a-z][a-z0-9+.-]*:/i.test(path) || path.startsWith('/')) return null;
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

/** The snapshot that follows from an older one by a commit or a checkpoint; `snapshot` is changed. */
export function applyAction(snapshot: Partial<DeltaSnapshot> & Replay, action: Action): void {
  const { add, remove, metaData, protocol, txn } = action;
  if (protocol) snapshot.protocol = protocol;
  if (metaData) snapshot.metadata = metaData;
  if (txn) snapshot.transactions.set(txn.appId, txn);
  if (add) {
    const path = decodedPath(add.path) ?? add.path;
    snapshot.files.set(path, add);
    snapshot.tombstones.delete(path);
  }
  if (remove) {
    const path = decodedPath(remove.path) ?? remove.path;
    snapshot.files.delete(path);
    snapshot.tombstones.set(path, remove);
  }
}

export type Replay = Pick<DeltaSnapshot, 'files' | 'tombstones' | 'transactions'>;

export function emptyReplay(): Replay {
  return { files: new Map(), tombstones: new Map(), transactions: new Map() };
}
