import type { DriverDate } from '../database/time-text.ts';

/** The slice of tedious' column metadata that is used. */
export interface ResultColumn {
  colName: string;
  /** `DateTime2`, `DateTimeN`, `VarBinary` … */
  type: { name: string };
  /** Digits behind the second. */
  scale?: number | undefined;
}

/** A value as SQL Server writes it in its canonical texts (style 121 of CONVERT, 0x… for bytes); null for NULL. */
export function textOf(value: unknown, column: ResultColumn): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return dateText(value, column);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex').toUpperCase()}`;
  return String(value);
}

function dateText(value: DriverDate, { type, scale = 7 }: ResultColumn): string {
  const iso = value.toISOString();
  const [date, time] = [iso.slice(0, 10), iso.slice(11, 19)];
  const ticks = Math.round((value.nanosecondsDelta ?? 0) * 1e7);
  const digits = iso.slice(20, 23) + String(ticks).padStart(4, '0');
  const fraction = (count: number) => (count === 0 ? '' : `.${digits.slice(0, count)}`);
  switch (type.name) {
    case 'Date':
      return date;
    case 'Time':
      return `${time}${fraction(scale)}`;
    case 'DateTime2':
      return `${date} ${time}${fraction(scale)}`;
    case 'DateTimeOffset':
      return `${date} ${time}${fraction(scale)} +00:00`;
    default:
      // datetime counts in 1/300 s and is written with three digits.
      return `${date} ${time}${fraction(3)}`;
  }
}
