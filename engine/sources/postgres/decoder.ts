/** Writes the value in `bytes[at, at + length)` into the column's buffer at `row`. */
export type Decoder = (bytes: Uint8Array, at: number, length: number, row: number) => void;

export type Rejection = 'not_finite' | 'too_large' | 'too_many_decimals' | 'out_of_range';

/** Ends the read because a value cannot land exactly. */
export type RejectValue = (value: string, why: Rejection) => never;
