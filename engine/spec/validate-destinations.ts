import type { DestinationConfig } from './destination.ts';
import { type DestinationTables, findDestinations, readDestination } from './destination-table.ts';
import { meant, type Place } from './finding-list.ts';
import { type RawProject, SETTINGS_SHEET } from './project.ts';
import type { PipelineSettings } from './settings.ts';
import { didYouMean } from './suggest.ts';
import { CONFIG_FILE, scalarText, shown, type TomlContext } from './toml-table.ts';

/**
 * Reads all destinations, and tells which one a run uses: the one asked for (`--destination`), then the sheet's, then `[destination].type`,
 * then the only one there is.
 */
export function validateDestinations(
  context: TomlContext,
  raw: RawProject,
  settings: PipelineSettings,
  settingRows: ReadonlyMap<keyof PipelineSettings, number>,
  asked: string | null,
): { destinations: Record<string, DestinationConfig>; destination: string | null; found: DestinationTables } {
  const found = findDestinations(context, raw.config);
  const names = [...found.tables.keys()];
  const destination = chooseDestination(context, raw, found, names, settings, settingRows, asked);
  const destinations: Record<string, DestinationConfig> = Object.create(null) as Record<string, DestinationConfig>;
  const staging = stagingOf(found, destination);
  for (const [name, table] of found.tables) {
    // What this run does not load into cannot stop it.
    const severity = name === destination || name === staging ? 'error' : 'warning';
    const read = readDestination({ ...context, severity }, table, settings.name);
    if (read !== null) destinations[name] = read;
  }
  const chosen = destination === null ? undefined : destinations[destination];
  if (chosen?.type === 'databricks' && chosen.staging_volume === undefined) {
    checkStaging(context, found, staging, [...(found.tables.get(chosen.name)?.path ?? []), 'staging']);
  }
  return { destinations, destination, found };
}

function stagingOf(found: DestinationTables, destination: string | null): string | null {
  const table = destination === null ? undefined : found.tables.get(destination);
  if (table?.type !== 'databricks') return null;
  return typeof table.table.staging === 'string' ? table.table.staging : 'filesystem';
}

function checkStaging(context: TomlContext, found: DestinationTables, staging: string | null, path: string[]): void {
  if (staging !== null && found.tables.get(staging)?.type === 'filesystem') return;
  const stores = [...found.tables.values()].filter(({ type }) => type === 'filesystem').map(({ name }) => name);
  context.list.add(
    { sheet: CONFIG_FILE, column: path.join('.'), value: staging },
    {
      severity: 'error',
      code: 'DESTINATION_STAGING',
      problem: 'Databricks needs a filesystem destination to stage files in, or staging_volume',
      hint: stores.length === 0 ? 'Add [destination.filesystem] with its bucket_url.' : `Set staging = "${stores[0]}".`,
    },
  );
}

function chooseDestination(
  context: TomlContext,
  raw: RawProject,
  found: DestinationTables,
  names: readonly string[],
  settings: PipelineSettings,
  settingRows: ReadonlyMap<keyof PipelineSettings, number>,
  asked: string | null,
): string | null {
  if (asked !== null)
    return resolve(context, found, names, asked, { sheet: CONFIG_FILE, column: '--destination', value: asked });
  if (settings.destination !== null) {
    const place = {
      sheet: raw.settings?.name ?? SETTINGS_SHEET,
      row: settingRows.get('destination'),
      column: 'destination',
      value: settings.destination,
    };
    return resolve(context, found, names, settings.destination, place);
  }
  if (found.type !== null) {
    const place = { sheet: CONFIG_FILE, column: 'destination.type', value: shown(found.type, raw.secretPaths) };
    return resolve(context, found, names, scalarText(found.type.value), place);
  }
  if (names.length === 1) return names[0] as string;
  const many = names.length > 1;
  context.list.add(
    { sheet: CONFIG_FILE, column: 'destination' },
    {
      severity: 'error',
      code: many ? 'DESTINATION_AMBIGUOUS' : 'DESTINATION_MISSING',
      problem: many ? `there are ${names.join(', ')}; say which one a run uses` : 'there is no destination',
      hint: many
        ? `Set destination in sheet ${SETTINGS_SHEET}, [destination] type = "${names[0]}", or give --destination.`
        : 'Add [destination.duckdb] with path = "output.duckdb".',
    },
  );
  return null;
}

/** A destination by its name, or by its kind where only one is of it. */
function resolve(
  context: TomlContext,
  found: DestinationTables,
  names: readonly string[],
  wanted: string,
  place: Place,
): string | null {
  const name =
    names.find((known) => known === wanted) ??
    names.find((known) => known.toLowerCase() === wanted.trim().toLowerCase());
  if (name !== undefined) return name;
  const ofKind = names.filter((known) => found.tables.get(known)?.type === wanted.trim().toLowerCase());
  if (ofKind.length === 1) return ofKind[0] as string;
  const fix = didYouMean(wanted, names);
  context.list.add(place, {
    severity: 'error',
    code: 'DESTINATION_UNKNOWN',
    problem:
      names.length === 0
        ? 'no destination of this name; there is none'
        : `no destination of this name; known: ${names.join(', ')}`,
    hint: fix === null ? `Add [destinations.${wanted}] to ${CONFIG_FILE}.` : meant(fix),
    fix,
  });
  return null;
}
