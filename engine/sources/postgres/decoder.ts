/** Writes the value in `bytes[at, at + length)` into the column's buffer at `row`. */
export type Decoder = (bytes: Uint8Array, at: number, length: number, row: number) => void;
