import { beforeEach, expect, test, vi } from 'vitest';
import { tellFailure } from '../../electron/failure-notification.ts';
import { Notification } from '../electron-standin/electron.ts';

// Electron itself is no module of plain Node.
vi.mock('electron', () => import('../electron-standin/electron.ts'));

const ended = (status: string) => ({
  directory: '/projects/shop',
  run_id: 'r',
  seq: 9,
  event: { at: 0, level: 'ERROR', type: 'run_finished', run_id: 'r', status, metrics_path: '' },
});

beforeEach(() => {
  Notification.shown.length = 0;
});

test('a run that failed while nobody looks is told once, by the name of its project', () => {
  tellFailure('run.event', ended('FAILED'));
  expect(Notification.shown).toEqual([{ title: 'Run failed', body: 'A run of shop has failed. The window says why.' }]);
});

test('nothing else is told', () => {
  tellFailure('run.event', ended('SUCCESS'));
  tellFailure('run.event', ended('CANCELLED'));
  tellFailure('run.event', { ...ended('FAILED'), event: { type: 'job_finished', status: 'FAILED' } });
  tellFailure('project.changed_on_disk', ended('FAILED'));
  expect(Notification.shown).toEqual([]);
});
