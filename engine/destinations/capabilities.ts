import type { TypePolicy } from '../spec/kinds.ts';

/** What a destination can do, as data. */
export interface DestinationCapabilities {
  /** How values land; see {@link TypePolicy}. */
  types: TypePolicy;
  /** Longest identifier in characters; longer names are cut with a hash. */
  maxIdentifierLength: number;
  /** Data, child tables and state change in one step; else the state follows, keyed by load id. */
  transactional: boolean;
  /** Can a column of type `from` become `to` in place, with every value kept? Both are DuckDB types. */
  canWiden(from: string, to: string): boolean;
}
