import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventText } from '../../engine/runs/event-text.ts';
import type { RunEvent } from '../../engine/runs/events.ts';
import { LogIndex } from '../../engine/runs/log-index.ts';

const never = new AbortController().signal;
const JOBS = ['shop.orders_1', 'shop.orders_17', 'crm."Quoted" name', 'lager.Straße', 'log.message: get'];
const WORDS = [
  'GET',
  'orders',
  'page=429',
  'Zürich',
  '"quoted"',
  'C:\\temp',
  'a\tb',
  'attempt',
  'rows',
  '1,234',
  'é',
  ': ',
  '→',
  '}',
];

let folder: string;
let events: RunEvent[];
let index: LogIndex;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'log-search-'));
  events = Array.from({ length: 4000 }, (_, at) => eventOf(at));
  const file = path.join(folder, 'run.jsonl');
  await writeFile(file, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  index = new LogIndex(file);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Of every type, with what JSON escapes, what is not ASCII, and keys in other orders. */
function eventOf(at: number): RunEvent {
  const word = (step: number) => WORDS[(at * 7 + step * 5 + (at >> 4)) % WORDS.length]!;
  const job = JOBS[(at * 3 + (at >> 3)) % JOBS.length]!;
  const message = `${word(1)} ${word(2)}${word(3)} ${at} ${'x'.repeat(at % 400 === 0 ? 70_000 : at % 90)}`;
  const head = { at: 1_769_817_600_000 + at, level: at % 3 === 0 ? 'INFO' : 'WARNING' } as const;
  switch (at % 12) {
    case 0:
      return { ...head, type: 'job_progress', job, stage: 'extract', rows: at * 37, bytes: at * 4111, pages: at >> 2 };
    case 1:
      return { ...head, type: 'job_retry', job, attempt: at % 4, wait_ms: at * 1.5, code: 'HTTP_STATUS', message };
    case 2:
      return { ...head, type: 'job_warning', job, code: 'RATE_LIMIT', message, hint: word(4), column: word(5) };
    case 3:
      return { ...head, type: 'job_stage', job, stage: 'normalize' };
    case 4:
      return { ...head, type: 'job_started', job, row: at, attempt: 1 + (at % 3) };
    case 5:
      return { ...head, type: 'job_schema_change', job, table: word(1), change: `column ${word(2)} ${at}` };
    case 6:
      return { ...head, type: 'log', message };
    case 7:
      return { type: 'log', message, job, ...head };
    case 8:
      return {
        ...head,
        type: 'job_check',
        job,
        result: {
          check_name: word(1),
          check_type: 'row_count',
          status: at % 2 === 0 ? 'failed' : 'passed',
          severity: 'error',
          message,
          actual_value: at,
          expected_value: null,
          threshold: null,
          execution_time_ms: 1.5,
        },
      };
    default:
      return { ...head, type: 'log', job, message };
  }
}

const TEXTS = [
  ...WORDS.map((word) => word.trim()),
  ...[
    'orders_1',
    'ORDERS_17',
    'quoted" name: g',
    'straße: z',
    'message',
    'log',
    'level',
    'info',
    'e: get',
    ': get',
    's_1: orders',
  ],
  ...[
    '4',
    '42',
    '429',
    '1,2',
    '1234',
    '176981',
    '.',
    'kb',
    'mb,',
    ' rows',
    'failed, next',
    'in 1',
    'min',
    'page',
    '(attempt 2)',
  ],
  ...[
    'check',
    'passed',
    'failed (error)',
    'http_status: get',
    'rate_limit (',
    '→ g',
    'b\\',
    '\\',
    '"',
    'tb',
    'xxx',
    'nowhere',
    'k',
    'x-',
  ],
];

test.each(TEXTS)('what bytes decide is what the rendering says: %j', async (text) => {
  const wanted = events.filter((event) => eventText(event).toLowerCase().includes(text.trim().toLowerCase()));
  const page = await index.page({ levels: [], job: null, text }, 0, 5000, never);
  expect(page.total).toBe(text.trim() === '' ? events.length : wanted.length);
  if (text.trim() !== '') expect(page.events).toEqual(wanted);
});

test('a text together with a level and a job', async () => {
  const filter = { levels: ['WARNING'], job: JOBS[1]!, text: 'get' } as const;
  const wanted = events.filter(
    (event) =>
      event.level === 'WARNING' &&
      'job' in event &&
      event.job === filter.job &&
      eventText(event).toLowerCase().includes('get'),
  );
  expect(wanted.length).toBeGreaterThan(10);
  expect((await index.page(filter, 0, 5000, never)).events).toEqual(wanted);
});

test('a search that is cancelled ends, and the next one goes on', async () => {
  const cancelled = AbortSignal.abort(new Error('enough'));
  await expect(index.page({ levels: [], job: null, text: 'xx' }, 0, 10, cancelled)).rejects.toThrow('enough');
  expect((await index.page({ levels: [], job: null, text: 'xx' }, 0, 10, never)).total).toBeGreaterThan(0);
});
