import { SegmentedControl, Select, Switch, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Output } from '../../../engine/contract.ts';
import { call, isCancelled } from '../../client.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { clockText, countText, plural } from '../../ui/number-text.ts';
import { StatusIcon } from '../../ui/status-icon.tsx';
import classes from './run-log.module.css';
import type { RunJob } from './run-model.ts';
import { shownError } from './use-run.ts';

type LogPage = Output<'run.log'>;
type Level = LogPage['events'][number]['level'];

/** Lines that are fetched together. */
const PAGE = 200;
/** Pages that stay in memory; others are fetched again. */
const PAGES_KEPT = 30;
const LINE_PX = 20;
/** A log that grows is asked for at most so often. */
const GROW_MS = 400;

const LEVELS = { all: [], warnings: ['WARNING'], errors: ['ERROR'], debug: ['DEBUG'] } satisfies Record<
  string,
  Level[]
>;
type LevelChoice = keyof typeof LEVELS;

interface Line {
  at: number;
  level: Level;
  job: string;
  text: string;
}

export interface RunLogProps {
  directory: string;
  runId: string;
  jobs: readonly RunJob[];
  /** Grows as the run says more. */
  version: number;
  live: boolean;
}

/** The log of a run: only the lines in sight are fetched, however long it is. */
export function RunLog({ directory, runId, jobs, version, live }: RunLogProps) {
  const [level, setLevel] = useState<LevelChoice>('all');
  const [job, setJob] = useState<string | null>(null);
  const [typed, setTyped] = useState('');
  const [text] = useDebouncedValue(typed.trim(), 200);
  const [follow, setFollow] = useState(true);
  const [total, setTotal] = useState<number | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [, setDrawn] = useState(0);
  const pages = useRef(new Map<number, Line[]>());
  const scroller = useRef<HTMLDivElement>(null);
  const filter = `${level}\n${job}\n${text}`;
  const current = useRef(filter);
  current.current = filter;

  const fetchPage = useCallback(
    async (page: number, signal: AbortSignal): Promise<void> => {
      const asked = current.current;
      try {
        const answer = await call(
          'run.log',
          {
            directory,
            run_id: runId,
            offset: page * PAGE,
            limit: PAGE,
            levels: LEVELS[level],
            job,
            text: text === '' ? null : text,
          },
          { signal },
        );
        if (asked !== current.current) return;
        // An offset past the end gives the last lines: they are not this page's.
        const first = answer.offset - page * PAGE;
        if (first === 0) {
          pages.current.delete(page);
          pages.current.set(
            page,
            answer.events.map((event, at) => lineOf(event, answer.texts[at] ?? '')),
          );
          for (const old of [...pages.current.keys()].slice(0, -PAGES_KEPT)) pages.current.delete(old);
        }
        setTotal(answer.total);
        setProblem(null);
        setDrawn((now) => now + 1);
      } catch (error) {
        if (!isCancelled(error)) setProblem(shownError(error).message);
      }
    },
    [directory, runId, level, job, text],
  );

  // Another filter: other lines.
  // biome-ignore lint/correctness/useExhaustiveDependencies: fetchPage changes with the filter
  useEffect(() => {
    const controller = new AbortController();
    pages.current.clear();
    setTotal(null);
    void fetchPage(0, controller.signal);
    return () => controller.abort();
  }, [filter, fetchPage]);

  // The run has said more.
  const growing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const lastPage = Math.floor(Math.max(0, (total ?? 1) - 1) / PAGE);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version means more lines
  useEffect(() => {
    growing.current ??= setTimeout(() => {
      growing.current = undefined;
      void fetchPage(lastPage, new AbortController().signal);
    }, GROW_MS);
  }, [version, fetchPage]);
  useEffect(
    () => () => {
      clearTimeout(growing.current);
      growing.current = undefined;
    },
    [],
  );
  // The file is written a little after its events are told.
  useEffect(() => {
    if (live) return;
    const timer = setTimeout(() => void fetchPage(lastPage, new AbortController().signal), 700);
    return () => clearTimeout(timer);
  }, [live, lastPage, fetchPage]);

  const count = total ?? 0;
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
  });
  const items = rows.getVirtualItems();
  const shown = `${Math.floor((items[0]?.index ?? 0) / PAGE)}–${Math.floor((items.at(-1)?.index ?? 0) / PAGE)}`;
  useEffect(() => {
    if (count === 0) return;
    const controller = new AbortController();
    const [from, to] = shown.split('–').map(Number);
    for (let page = from ?? 0; page <= (to ?? 0); page += 1) {
      if (!pages.current.has(page)) void fetchPage(page, controller.signal);
    }
    return () => controller.abort();
  }, [shown, count, fetchPage]);

  useEffect(() => {
    if (follow && live && count > 0) rows.scrollToIndex(count - 1, { align: 'end' });
  }, [follow, live, count, rows]);

  function onScroll(): void {
    const element = scroller.current;
    if (element === null || !live) return;
    setFollow(element.scrollHeight - element.scrollTop - element.clientHeight < LINE_PX * 2);
  }

  const names = useMemo(() => jobs.map(({ name }) => name), [jobs]);
  const visible = items.flatMap(({ index }) => pages.current.get(Math.floor(index / PAGE))?.[index % PAGE] ?? []);
  return (
    <section className={classes['log']} aria-label="Log">
      <div className={classes['bar']}>
        <h2>Log</h2>
        <SegmentedControl
          aria-label="Level"
          value={level}
          onChange={(value) => setLevel(value as LevelChoice)}
          data={[
            { value: 'all', label: 'All' },
            { value: 'warnings', label: 'Warnings' },
            { value: 'errors', label: 'Errors' },
          ]}
        />
        <Select
          aria-label="Job"
          placeholder="All jobs"
          data={names}
          value={job}
          onChange={setJob}
          clearable
          searchable
          size="xs"
          className={classes['filter'] ?? ''}
          data-job
          comboboxProps={{ width: 260 }}
        />
        <TextInput
          aria-label="Filter the log"
          placeholder="Filter text"
          size="xs"
          className={classes['filter'] ?? ''}
          leftSection={<IconSearch size={14} />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <span className="grow" />
        <span className={`faint small num ${classes['count']}`} aria-live="off">
          {total === null ? '' : plural(total, 'line')}
        </span>
        {live ? (
          <Switch
            label="Follow"
            labelPosition="left"
            checked={follow}
            onChange={(event) => setFollow(event.currentTarget.checked)}
          />
        ) : null}
        <CopyButton
          text={visible.map((line) => `${clockText(line.at)} ${line.level} ${line.text}`).join('\n')}
          label="the lines in sight"
        />
      </div>
      {/* biome-ignore-start lint/a11y: what scrolls must be reachable by keyboard */}
      <div
        ref={scroller}
        className={`${classes['lines']} scroll`}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label="Log lines"
        onScroll={onScroll}
      >
        {problem !== null ? <p className={classes['note']}>{problem}</p> : null}
        {problem === null && total === 0 ? (
          <p className={classes['note']}>{filter === 'all\nnull\n' ? 'Nothing was said yet.' : 'No line matches.'}</p>
        ) : null}
        <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {items.map(({ index, start }) => {
            const line = pages.current.get(Math.floor(index / PAGE))?.[index % PAGE];
            return (
              <div
                key={index}
                className={classes['line']}
                data-level={line?.level}
                style={{ transform: `translateY(${start}px)` }}
              >
                {line === undefined ? (
                  <span className={classes['missing']}>line {countText(index + 1)}</span>
                ) : (
                  <>
                    <span className={classes['at']}>
                      {clockText(line.at)}.{String(line.at % 1000).padStart(3, '0')}
                    </span>
                    <span className={classes['level']}>
                      {line.level === 'WARNING' || line.level === 'ERROR' ? (
                        <StatusIcon status={line.level === 'ERROR' ? 'error' : 'warning'} size={12} />
                      ) : (
                        <span className="sr">{line.level}</span>
                      )}
                    </span>
                    <span className={`${classes['job']} truncate`} title={line.job}>
                      {line.job.slice(line.job.indexOf('.') + 1)}
                    </span>
                    <span className={classes['text']} title={line.text}>
                      {line.text}
                    </span>
                  </>
                )}
              </div>
            );
          })}
        </div>
      </div>
      {/* biome-ignore-end lint/a11y: what scrolls must be reachable by keyboard */}
    </section>
  );
}

function lineOf(event: LogPage['events'][number], text: string): Line {
  const job = 'job' in event ? (event.job ?? '') : '';
  return {
    at: event.at,
    level: event.level,
    job,
    text: job !== '' && text.startsWith(`${job}: `) ? text.slice(job.length + 2) : text,
  };
}
