/** Looks at every record of a text file once; the buffer ends with a line feed behind `length`, so that no loop needs to check for the end. */
export interface RecordScanner<Facts> {
  readonly facts: Facts;
  /** Records seen. */
  rows: number;
  /** Bytes of the longest record. */
  longestRecord: number;
  /** A buffer that the scanner is quickest in; it may be scanned in any other. */
  allocate(bytes: number): Uint8Array;
  /**
   * Scans whole records from byte 0 of the buffer and gives back where it stopped: at the start of a record that is not complete yet,
   * that begins at or behind `until`, or that would be more than `mostRows`. Throws {@link ScanFailure}.
   */
  scan(buffer: Uint8Array, length: number, atEnd: boolean, until: number, mostRows: number): number;
}

/** Why a record cannot be read; `offset` is where it begins in the buffer, later in the file. */
export class ScanFailure extends Error {
  override readonly name = 'ScanFailure';
  readonly reason: ScanFailureReason;
  offset: number;
  /** More about it, e.g. the number of cells found. */
  readonly detail: string;

  constructor(reason: ScanFailureReason, offset: number, detail = '') {
    super(`${reason} at byte ${offset} ${detail}`);
    this.reason = reason;
    this.offset = offset;
    this.detail = detail;
  }
}

export type ScanFailureReason =
  | 'width'
  | 'quote'
  | 'open_quote'
  | 'encoding'
  | 'compression'
  | 'json'
  | 'not_an_object'
  | 'repeated_key'
  | 'depth'
  | 'record_size';
