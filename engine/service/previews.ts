import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { withScratch } from '../cli/scratch.ts';
import { openSource } from '../connectors.ts';
import { IngestError } from '../errors.ts';
import { readRequest } from '../pipeline/read-request.ts';
import { Recorder, readRecording, writeRecording } from '../recording/recording.ts';
import { createReplay } from '../recording/replay.ts';
import type { Preview } from '../sources/source.ts';
import { jobName } from '../spec/job.ts';
import type { HandlerGroup } from './handlers.ts';
import { connectionFor, jobOfRow, typesOf } from './jobs.ts';
import { plainData } from './plain-data.ts';

/** Previews whose recording can be saved; older ones are forgotten, as they hold whole responses. */
const MOST_RECORDINGS = 2;

interface Kept {
  client: string;
  recorder: Recorder;
  job: string;
  baseUrl: string;
}

export const previewHandlers: HandlerGroup<'job.preview' | 'preview.save_recording'> = (service) => {
  const recordings = new Map<string, Kept>();

  function keep(id: string, kept: Kept): void {
    const own = [...recordings].filter(([, { client }]) => client === kept.client);
    for (const [old] of own.slice(0, own.length - MOST_RECORDINGS + 1)) recordings.delete(old);
    // Windows that are gone leave theirs behind: a bound for all of them.
    const oldest = recordings.keys().next().value;
    if (recordings.size >= MOST_RECORDINGS * 4 && oldest !== undefined) recordings.delete(oldest);
    recordings.set(id, kept);
  }

  return {
    async 'job.preview'({ directory, env, row, options, replay, pages, rows }, { id, client, signal }) {
      const { opened, project, job } = await jobOfRow(service, directory, env, row, options);
      const connection = connectionFor(project, job);
      const isApi = connection.type === 'api';
      const recorder = isApi && replay === null ? new Recorder() : null;
      const played = isApi && replay !== null ? createReplay(await readRecording(replay)) : null;
      const source = await openSource(connection, { projectDirectory: opened.directory, jobs: opened.project.jobs });
      try {
        return await withScratch(async ({ workspace, folder }) => {
          const spoolDirectory = path.join(folder, 'spool');
          await mkdir(spoolDirectory, { mode: 0o700 });
          const request = readRequest(job, null, { types: typesOf(project), sampleRows: null });
          const context = { workspace, spoolDirectory, signal, progress: () => {}, warn: () => {}, log: () => {} };
          const shown = await source.preview(request, context, {
            pages,
            rows,
            ...(recorder === null ? {} : { recorder }),
            ...(played === null ? {} : { replay: played }),
          });
          const canRecord = recorder !== null && !recorder.isTooLarge;
          if (canRecord && isApi) keep(id, { client, recorder, job: jobName(job), baseUrl: connection.base_url });
          return service.redact(plainData({ ...fitForWindow(shown), recording: canRecord ? id : null }));
        });
      } finally {
        await source.close();
      }
    },
    async 'preview.save_recording'({ preview, file }, { client }) {
      const kept = recordings.get(preview);
      if (kept === undefined || kept.client !== client) {
        throw new IngestError('PREVIEW_FORGOTTEN', 'This preview is no longer remembered.', {
          hint: 'Preview again, then save the recording.',
        });
      }
      const recording = kept.recorder.recording({ job: kept.job, baseUrl: kept.baseUrl, now: new Date() });
      await writeRecording(file, service.redact(recording));
      return { file, requests: recording.exchanges.length };
    },
  };
};

/** Characters of one value, and of all records of a preview, that go to a window. */
const MOST_VALUE = 2000;
const MOST_RECORDS = 4_000_000;

/** Records with long texts and deep values cut; where they are too many, fewer are sent. A window shows them, it never reads them back. */
export function fitForWindow(shown: Preview): Preview {
  let left = MOST_RECORDS;
  const pages = shown.pages.map((page) => {
    const records: unknown[] = [];
    for (const record of page.records) {
      if (left <= 0) break;
      const cut = cutRecord(record);
      left -= JSON.stringify(cut, bigIntText).length;
      records.push(cut);
    }
    return { ...page, record_count: page.record_count ?? page.records.length, records };
  });
  return { ...shown, pages };
}

function cutRecord(record: unknown): unknown {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return cutValue(record);
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, cutValue(value)]));
}

function cutValue(value: unknown): unknown {
  if (typeof value === 'string') return value.length > MOST_VALUE ? `${value.slice(0, MOST_VALUE)}…` : value;
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array) return value;
  const text = JSON.stringify(value, bigIntText) ?? '';
  return text.length > MOST_VALUE ? `${text.slice(0, MOST_VALUE)}…` : value;
}

function bigIntText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
