import { z } from 'zod';

/** An overlap re-read behind the watermark: a duration (`2h`, `1d`) in seconds, or a number for numeric watermarks. */
export const lagModel = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('duration'), seconds: z.number().min(0) }),
  /** The number's own digits: a watermark may be wider than a double. */
  z.object({ kind: z.literal('number'), value: z.string().regex(/^\d+(\.\d+)?$/) }),
]);
export type Lag = z.infer<typeof lagModel>;

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Reads `90s`, `15m`, `2h`, `1d`, `1w`, sums of them (`1d 12h`), or a number; null for anything else. */
export function parseLag(text: string): Lag | null {
  const trimmed = text.trim().toLowerCase();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return { kind: 'number', value: trimmed };
  if (!/^(\d+(\.\d+)?\s*[smhdw]\s*)+$/.test(trimmed)) return null;
  let seconds = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)\s*([smhdw])/g))
    seconds += Number(amount) * (SECONDS[unit ?? ''] ?? 0);
  return { kind: 'duration', seconds };
}
