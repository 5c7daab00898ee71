import { type CellResult, enumParser, integerParser, parseFlag } from './cells.ts';
import { type FindingList, meant, type Place } from './finding-list.ts';
import type { RawSheet } from './project.ts';
import { type PipelineSettings, pipelineSettingsModel, SETTING_KEYS, type SettingKey } from './settings.ts';
import { headerName, readHeaders } from './sheet.ts';
import { didYouMean } from './suggest.ts';

/** Sheet `Pipeline` as settings; a wrong value is reported and counts as not set. `rows` tells where a setting was said. */
export function validateSettings(
  list: FindingList,
  sheet: RawSheet | null,
): { settings: PipelineSettings; rows: ReadonlyMap<keyof PipelineSettings, number> } {
  const said: Record<string, unknown> = {};
  const rows = new Map<keyof PipelineSettings, number>();
  if (sheet !== null && (sheet.rows.length > 0 || sheet.headers.some((header) => header.trim() !== ''))) {
    // `help` explains the settings of a new workbook and says nothing.
    const { index, usable } = readHeaders(list, sheet, ['key', 'value', 'help'], ['key', 'value']);
    const [keyAt, valueAt] = [index.get('key') ?? -1, index.get('value') ?? -1];
    for (const { row, cells } of usable ? sheet.rows : []) {
      const key = (cells[keyAt] ?? '').trim();
      const value = (cells[valueAt] ?? '').trim();
      if (key === '') continue;
      readSetting(list, { sheet: sheet.name, row, column: key, value }, said, rows);
    }
  }
  return { settings: pipelineSettingsModel.parse(said), rows };
}

function readSetting(
  list: FindingList,
  place: Place & { row: number; column: string; value: string },
  said: Record<string, unknown>,
  rows: Map<keyof PipelineSettings, number>,
): void {
  const setting = SETTING_KEYS.find(({ name }) => name === headerName(place.column));
  if (setting === undefined) {
    const fix = didYouMean(
      place.column,
      SETTING_KEYS.map(({ name }) => name),
    );
    const problem = `this setting is not known and has no effect; there are ${SETTING_KEYS.map(({ name }) => name).join(', ')}`;
    list.add(
      { ...place, value: null },
      { severity: 'warning', code: 'SETTING_UNKNOWN', problem, hint: meant(fix), fix },
    );
    return;
  }
  const first = rows.get(setting.name);
  if (first !== undefined) {
    list.add(place, {
      severity: 'error',
      code: 'SETTING_TWICE',
      problem: `is said in row ${first} already; keep one row`,
    });
    return;
  }
  rows.set(setting.name, place.row);
  if (place.value === '') return;
  const result = parseSetting(setting, place.value);
  if (result.ok) said[setting.name] = result.value;
  else {
    const { problem, fix } = result;
    list.add(place, { severity: 'error', code: 'SETTING_VALUE_NOT_ALLOWED', problem, hint: meant(fix), fix });
  }
}

function parseSetting(setting: SettingKey, text: string): CellResult {
  switch (setting.kind) {
    case 'boolean': {
      const flag = parseFlag(text);
      return flag.ok ? flag : { ok: false, problem: 'use true or false', fix: null };
    }
    case 'integer':
      return integerParser(setting.min ?? 0, setting.max ?? Number.MAX_SAFE_INTEGER)(text);
    case 'enum':
      return enumParser(setting.values ?? [])(text);
    case 'text':
      if (setting.name === 'timezone' && !isTimeZone(text)) {
        return { ok: false, problem: 'use the name of a time zone, e.g. UTC or Europe/Berlin', fix: null };
      }
      if (setting.name === 'name' && !/^[\p{L}\p{N}_.-]{1,100}$/u.test(text)) {
        // It is part of file names on every system.
        const fix = text.replace(/[^\p{L}\p{N}_.-]+/gu, '_').slice(0, 100);
        return { ok: false, problem: 'use up to 100 letters, digits, _, - and .', fix };
      }
      return { ok: true, value: text };
    default:
      return setting.kind satisfies never;
  }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== null;
  } catch {
    return false;
  }
}
