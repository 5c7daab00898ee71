import { describe, expect, it } from 'vitest';
import { findingsFor, select } from '../../engine/spec/selector.ts';
import { validateProject } from '../../engine/spec/validate-project.ts';
import { API, jobRow, rawProject, SHOP } from './raw-project.ts';

const rows = [
  jobRow({ table_name: 'orders', tags: 'daily' }),
  jobRow({ table_name: 'customers', tags: 'Daily, people' }),
  jobRow({ table_name: 'archive', enabled: 'N', tags: 'daily' }),
  jobRow({ table_name: 'broken', load_type: 'INCREMENT', tags: 'people' }),
  jobRow({ source_type: 'api', source_name: 'api', table_name: 'users' }),
];
const validation = validateProject(rawProject(rows));
const pick = (...selectors: string[]) => select(validation.project.jobs, validation.invalidJobs, selectors);
const tables = (selection: ReturnType<typeof pick>) => selection.jobs.map(({ table_name }) => table_name);

describe('select', () => {
  it('takes all enabled jobs by default', () => {
    expect(tables(pick())).toEqual(['orders', 'customers', 'users']);
    expect(pick().invalid.map(({ row }) => row)).toEqual([5]);
    expect(pick().problems).toEqual([]);
  });

  it('takes tables, source.table and tags, each job once, in workbook order', () => {
    expect(tables(pick('users', 'orders'))).toEqual(['orders', 'users']);
    expect(tables(pick('shop.orders', 'orders'))).toEqual(['orders']);
    expect(tables(pick('tag:daily'))).toEqual(['orders', 'customers']);
    expect(pick('tag:people').invalid).toMatchObject([{ table_name: 'broken' }]);
  });

  it('takes an exact table before source.table', () => {
    const jobs = validateProject(rawProject([jobRow({ table_name: 'shop.orders' }), jobRow({ target_table: 'other' })]))
      .project.jobs;
    expect(select(jobs, [], ['shop.orders']).jobs.map(({ row }) => row)).toEqual([2]);
  });

  it('refuses what is not there, with what was meant', () => {
    expect(pick('ordrs').problems).toEqual([
      {
        selector: 'ordrs',
        code: 'SELECTOR_UNKNOWN',
        message: '-j ordrs: no job of this name',
        hint: 'Did you mean orders?',
      },
    ]);
    expect(pick('tag:dayly').problems[0]).toMatchObject({
      message: '-j tag:dayly: no job has this tag',
      hint: 'Did you mean tag:daily?',
    });
    expect(pick('zzzzzz').problems[0]?.hint).toContain('ingest list');
  });

  it('refuses a disabled job that is named', () => {
    expect(pick('archive')).toMatchObject({
      jobs: [],
      problems: [
        {
          code: 'SELECTOR_DISABLED',
          message: '-j archive: shop.archive (row 4) is not enabled',
          hint: 'Set enabled to Y in SourceConfig row 4.',
        },
      ],
    });
  });
});

describe('findingsFor', () => {
  const severityOfBroken = (...selectors: string[]) =>
    findingsFor(validation, pick(...selectors)).find(({ row, code }) => row === 5 && code === 'JOB_VALUE_NOT_ALLOWED')
      ?.severity;

  it('lowers errors in rows that were not selected', () => {
    expect(severityOfBroken()).toBe('error');
    expect(severityOfBroken('broken')).toBe('error');
    expect(severityOfBroken('orders')).toBe('warning');
  });

  it('lowers errors of connections that no selected job uses', () => {
    const config = { sources: { shop: SHOP, api: { ...API, timeout: 1 } }, destination: { duckdb: {} } };
    const broken = validateProject(
      rawProject([jobRow(), jobRow({ source_type: 'api', source_name: 'api', table_name: 'users' })], { config }),
    );
    const severity = (selector: string) =>
      findingsFor(broken, select(broken.project.jobs, broken.invalidJobs, [selector])).find(
        ({ column }) => column === 'sources.api.timeout',
      )?.severity;
    expect(severity('orders')).toBe('warning');
    expect(severity('users')).toBe('error');
  });

  it('leaves errors elsewhere', () => {
    const nowhere = validateProject(rawProject([jobRow()], { config: { sources: { shop: SHOP } } }));
    expect(
      findingsFor(nowhere, select(nowhere.project.jobs, nowhere.invalidJobs, ['orders'])).map(
        ({ severity }) => severity,
      ),
    ).toEqual(['error']);
  });
});
