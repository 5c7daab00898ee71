import type { Table } from '../spec/project.ts';

/** Something that is not as dlt had it: `changed` says how it was carried over, `left_out` why it was not. */
export interface ImportNote {
  kind: 'changed' | 'left_out';
  /** `github.issues, endpoint.paginator` */
  place: string;
  /** One sentence. */
  message: string;
}

/** A secret that was found; its value is written only where that is asked for. */
export interface ImportedSecret {
  /** `['sources', 'github', 'auth', 'token']` */
  path: string[];
  /** Empty where dlt takes it from elsewhere. */
  value: string;
}

/** What a dlt config becomes: rows of SourceConfig, `[sources.NAME]` tables without their secrets, and what there is to say about it. */
export interface DltImport {
  jobs: Record<string, string>[];
  connections: Record<string, Table>;
  secrets: ImportedSecret[];
  notes: ImportNote[];
}

/** Collects the parts of an import while it is translated. */
export class ImportDraft implements DltImport {
  readonly jobs: Record<string, string>[] = [];
  readonly connections: Record<string, Table> = {};
  readonly secrets: ImportedSecret[] = [];
  readonly notes: ImportNote[] = [];

  changed(place: string, message: string): void {
    this.notes.push({ kind: 'changed', place, message });
  }

  leftOut(place: string, message: string): void {
    this.notes.push({ kind: 'left_out', place, message });
  }
}
