import { isSecretFromSecretPlace, isSecretValue } from '../secrets/secret-values.ts';
import { leafPaths, valueAt } from '../secrets/table.ts';
import type { Finding } from '../spec/finding.ts';
import type { RawSheet, Table } from '../spec/project.ts';
import { editToml, parseToml, type TomlEdit } from './toml.ts';

/** A secret of the project; its value is only compared. */
export interface KnownSecret {
  path: string;
  value: string;
}

/** Shorter ones are words that stand anywhere. */
const SHORTEST_TELLING = 8;

/**
 * A TOML file as it may leave this computer: without secrets, with LF at its line ends, and, for config.toml, with what
 * `secrets.toml` says that is no secret (the plan's flat form keeps whole connections there).
 */
export function exportedToml(
  text: string,
  file: string,
  plainFromSecrets: Table,
): { text: string; findings: Finding[] } {
  const findings: Finding[] = [];
  const { table } = parseToml(text, file);
  const edits: TomlEdit[] = [];
  for (const path of leafPaths(table)) {
    if (!isSecretValue(path) || valueAt(table, path) === '') continue;
    edits.push({ path, value: undefined });
    const name = path.join('.');
    findings.push(
      finding(
        'warning',
        'EXPORT_SECRET_LEFT_OUT',
        file,
        name,
        `${name} is a secret and is left out of the bundle's ${file}.`,
        'Set it where the bundle runs.',
      ),
    );
  }
  for (const path of leafPaths(plainFromSecrets)) {
    if (isSecretFromSecretPlace(path)) continue;
    edits.push({ path, value: valueAt(plainFromSecrets, path) });
  }
  const edited = edits.length === 0 ? text : editToml(text, edits, file);
  return { text: edited.replaceAll('\r\n', '\n'), findings };
}

/** Secrets that stand where they cannot be taken out: in comments, URLs and cells. Each blocks the export. */
export function strayedSecrets(
  files: readonly { name: string; text: string; table: Table }[],
  sheets: readonly (RawSheet | null)[],
  secrets: readonly KnownSecret[],
): Finding[] {
  // A password that is a plain value as well (user and password `postgres`) gives nothing away.
  const plain = new Set(files.flatMap(({ table }) => leafPaths(table).map((path) => String(valueAt(table, path)))));
  const telling = secrets.filter(({ value }) => value.length >= SHORTEST_TELLING && !plain.has(value));
  const told = (text: string): string | null => {
    if (/:\/\/[^/?#\s:@'"]*:[^/?#\s@'"]+@/.test(text)) return 'a password in a URL';
    return telling.find(({ value }) => text.includes(value))?.path ?? null;
  };
  const findings: Finding[] = [];
  for (const { name, text } of files) {
    for (const [at, line] of text.split('\n').entries()) {
      const what = told(line);
      if (what === null) continue;
      const place = `${name} line ${at + 1}`;
      findings.push({ ...strayed(name, place, what), row: at + 1 });
    }
  }
  for (const sheet of sheets) {
    for (const { row, cells } of sheet?.rows ?? []) {
      for (const [at, cell] of cells.entries()) {
        const what = told(cell);
        if (what === null) continue;
        const column = sheet!.headers[at] ?? null;
        findings.push({
          ...strayed(sheet!.name, `${sheet!.name} row ${row}, ${column ?? `column ${at + 1}`}`, what),
          row,
          column,
        });
      }
    }
  }
  return findings;
}

function strayed(sheet: string, place: string, what: string): Finding {
  return finding(
    'error',
    'EXPORT_SECRET',
    sheet,
    null,
    `${place} holds a secret (${what}): it would leave this computer with the bundle.`,
    'Take it out; keep it in an environment variable, in .dlt/secrets.toml or in the keychain.',
  );
}

export function finding(
  severity: Finding['severity'],
  code: string,
  sheet: string,
  column: string | null,
  message: string,
  hint: string | null,
): Finding {
  return { severity, code, sheet, row: null, column, value: null, message, hint, fix: null };
}
