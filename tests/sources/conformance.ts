import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ReadRequest, Segment, Source } from '../../engine/sources/source.ts';
import { ReadBench } from '../helpers/read-bench.ts';

/** A source of some kind with something to read: enough rows for more than one segment, where the kind cuts its reads. */
export interface SourceUnderTest extends AsyncDisposable {
  open(): Source;
  /** A FULL read of everything. */
  request: ReadRequest;
  rows: number;
  /** A read of something that is not there. */
  missing: ReadRequest;
}

/** What every {@link Source} promises, whatever it reads from. */
export function describeSource(kind: string, setUp: () => Promise<SourceUnderTest>): void {
  describe(`a ${kind} source`, () => {
    let subject: SourceUnderTest;
    let bench: ReadBench;

    beforeAll(async () => {
      [subject, bench] = await Promise.all([setUp(), ReadBench.open()]);
    });

    afterAll(async () => {
      await bench[Symbol.asyncDispose]();
      await subject[Symbol.asyncDispose]();
    });

    const reading = (request = subject.request, signal = new AbortController().signal) =>
      subject.open().read(request, bench.context({ signal }));

    test('every segment has the columns that it says, and the same as the others', async () => {
      const connection = await bench.workspace.connect();
      const segments = reading();
      let rows = 0;
      let first: Segment['columns'] | null = null;
      let last = await segments.next();
      for (; !last.done; last = await segments.next()) {
        const segment = last.value;
        first ??= segment.columns;
        expect(segment.columns).toEqual(first);
        const described = await connection.rows<{ column_name: string; column_type: string }>(
          `DESCRIBE SELECT * FROM ${segment.from}`,
        );
        expect(described.map(({ column_name, column_type }) => [column_name, column_type])).toEqual(
          segment.columns.map(({ name, segmentType }) => [name, segmentType]),
        );
        const [count] = await connection.rows<{ rows: number }>(`SELECT count(*)::INT AS rows FROM ${segment.from}`);
        if (segment.rows !== null) expect(count?.rows).toBe(segment.rows);
        rows += count?.rows ?? 0;
        await segment.release();
        await segment.release();
      }
      connection.close();
      expect(rows).toBe(subject.rows);
      expect(last.value.verdict).toMatchObject({
        records: subject.rows,
        reason: expect.any(String),
        detail: expect.any(String),
      });
    });

    test('progress counts up to all rows', async () => {
      const { progress } = await bench.read(subject.open(), subject.request);
      expect(progress.at(-1)?.rows).toBe(subject.rows);
      expect(progress.map(({ rows }) => rows)).toEqual(
        progress.map(({ rows }) => rows).toSorted((one, other) => one - other),
      );
    });

    test('a sample stops early', async () => {
      const { rows, summary } = await bench.read(subject.open(), { ...subject.request, sampleRows: 5 });
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.length).toBeLessThan(subject.rows);
      expect(summary.verdict.reason).toBe('sample');
    });

    test('a cancelled read ends as cancelled and leaves nothing behind', async () => {
      const controller = new AbortController();
      const segments = reading(subject.request, controller.signal);
      const first = await segments.next();
      controller.abort(new Error('enough'));
      if (!first.done) await first.value.release();
      await expect(drain(segments)).rejects.toMatchObject({ name: 'IngestError', code: 'CANCELLED' });
      expect(await bench.tables()).toEqual([]);
      await expect(drain(reading(subject.request, controller.signal))).rejects.toMatchObject({ code: 'CANCELLED' });
    });

    test('an abandoned read leaves nothing behind', async () => {
      const segments = reading();
      const first = await segments.next();
      if (!first.done) await first.value.release();
      await segments.return(undefined as never);
      expect(await bench.tables()).toEqual([]);
    });

    test('two reads of one source at a time do not mix', async () => {
      const source = subject.open();
      const results = await Promise.all([bench.read(source, subject.request), bench.read(source, subject.request)]);
      expect(results.map(({ rows }) => rows.length)).toEqual([subject.rows, subject.rows]);
      await source.close();
    });

    test('what is not there is an error with a way out', async () => {
      await expect(bench.read(subject.open(), subject.missing)).rejects.toMatchObject({
        name: 'IngestError',
        retryable: false,
        hint: expect.any(String),
      });
    });

    test('explain, preview and test leave no trace; close may be called twice', async () => {
      const source = subject.open();
      const signal = new AbortController().signal;
      expect(await source.explain(subject.request, signal)).not.toBe('');
      const preview = await source.preview(subject.request, bench.context(), { pages: 1, rows: 3 });
      expect(preview.pages[0]?.records.length).toBeGreaterThan(0);
      expect(preview.schema.length).toBeGreaterThan(0);
      const stages = await Array.fromAsync(source.test(signal));
      expect(stages.filter(({ status }) => status === 'failed')).toEqual([]);
      expect(await bench.tables()).toEqual([]);
      await source.close();
      await source.close();
    });
  });
}

async function drain(segments: ReturnType<Source['read']>): Promise<void> {
  for await (const segment of segments) await segment.release();
}
