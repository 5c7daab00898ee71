import type { Finding, Severity } from './finding.ts';

/** Where a finding is. */
export interface Place {
  sheet: string;
  row?: number | null;
  column?: string | null;
  /** The cell's text; left out for secrets. */
  value?: string | null;
}

export interface Remark {
  severity: Severity;
  code: string;
  /** What is wrong, or what to write, without the place. */
  problem: string;
  hint?: string | null;
  fix?: string | null;
}

/** A longer text is cut in a message; `value` has it whole. */
const LONGEST_QUOTE = 80;

/** By-value redaction of shorter texts would blacken ordinary words (spec section 10). */
const SHORTEST_SECRET = 4;

export const REDACTED = '***';

/** Messages are lines, of logs too. */
function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ');
}

/** A finding's message: `SourceConfig row 7, load_type "INCREMENT": use FULL or INCREMENTAL`. */
export function findingMessage({ sheet, row, column, value }: Place, problem: string): string {
  const at = `${sheet}${row == null ? '' : ` row ${row}`}${column == null ? '' : `, ${column}`}`;
  if (value == null || value === '') return oneLine(`${at}: ${problem}`);
  const quoted = value.length > LONGEST_QUOTE ? `${value.slice(0, LONGEST_QUOTE)}…` : value;
  return oneLine(`${at} "${quoted}": ${problem}`);
}

/** Collects findings. Whatever a cell or a key says, no text in `secrets` leaves it. */
export class FindingList {
  readonly findings: Finding[] = [];
  readonly #secrets: string[];

  constructor(secrets: Iterable<string> = []) {
    // Longest first: a secret may hold another one.
    this.#secrets = [...secrets]
      .filter((secret) => secret.length >= SHORTEST_SECRET)
      .sort((a, b) => b.length - a.length);
  }

  add(place: Place, { severity, code, problem, hint = null, fix = null }: Remark): void {
    const { sheet, row = null } = place;
    const column = this.#clean(place.column);
    const value = this.#clean(place.value);
    // A problem may quote parts of the cell: with a secret in it, none of them is repeated.
    const hidden = value !== (place.value ?? null);
    const said = hidden ? 'this cannot be used here; it holds a secret, which is not shown' : problem;
    this.findings.push({
      severity,
      code,
      sheet,
      row,
      column,
      value,
      message: this.redact(findingMessage({ sheet, row, column, value }, said)),
      hint: hidden ? null : this.#clean(hint),
      fix: hidden ? null : this.#clean(fix),
    });
  }

  #clean(text: string | null | undefined): string | null {
    return text == null ? null : this.redact(text);
  }

  redact(text: string): string {
    let clean = text;
    for (const secret of this.#secrets) if (clean.includes(secret)) clean = clean.replaceAll(secret, REDACTED);
    return clean;
  }
}

/** `Did you mean X?`, or null. */
export function meant(name: string | null): string | null {
  return name === null ? null : `Did you mean ${name}?`;
}
