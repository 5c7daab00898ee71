import { Button, Kbd, Textarea } from '@mantine/core';
import {
  IconChevronDown,
  IconChevronUp,
  IconCopy,
  IconLock,
  IconPlayerPlayFilled,
  IconPlayerStopFilled,
} from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { shortcutText } from '../../actions/action.ts';
import { useApp, useSettings } from '../../app.ts';
import { call, isCancelled } from '../../client.ts';
import type { ShownError } from '../../stores/window-store.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorCard } from '../../ui/error-card.tsx';
import { plural } from '../../ui/number-text.ts';
import { shownError } from '../runs/use-run.ts';
import { ResultGrid } from './result-grid.tsx';
import classes from './sql-console.module.css';
import { tsvOf } from './tsv.ts';
import type { ResultPage, ResultPlace } from './use-results.ts';

const ROWS = 1000;
/** Queries outlive the screen, by destination. */
const kept = new Map<string, string>();

/** One SELECT at a time over what was loaded. */
export function SqlConsole({ place, table }: { place: ResultPlace; table: string }) {
  const app = useApp();
  const key = JSON.stringify(place);
  const mac = useSettings((state) => state.about?.platform === 'darwin');
  const [open, setOpen] = useState(true);
  // Until something is written, the proposal follows the table that is shown.
  const [written, setWritten] = useState<string | null>(() => kept.get(key) ?? null);
  const sql = written ?? `SELECT *\nFROM ${table}\nLIMIT 100`;
  const [answer, setAnswer] = useState<{ page: ResultPage; ms: number } | null>(null);
  const [error, setError] = useState<ShownError | null>(null);
  const running = useRef<AbortController | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => () => running.current?.abort(), []);

  async function run(): Promise<void> {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    setBusy(true);
    const begin = performance.now();
    try {
      const page = await call('result.query', { ...place, sql, limit: ROWS }, { signal: controller.signal });
      setAnswer({ page, ms: performance.now() - begin });
      setError(null);
    } catch (failure) {
      if (!isCancelled(failure)) setError(shownError(failure));
    } finally {
      if (running.current === controller) {
        running.current = null;
        setBusy(false);
      }
    }
  }
  async function copy(): Promise<void> {
    if (answer === null) return;
    await navigator.clipboard.writeText(tsvOf(answer.page.columns, answer.page.rows));
    app.window.toast({ tone: 'ok', title: `Copied ${plural(answer.page.rows.length, 'row')}` });
  }

  return (
    <section className={classes['console']} aria-label="SQL" data-open={open || undefined}>
      <div className={classes['bar']}>
        <Button
          size="xs"
          variant="subtle"
          data-quiet
          aria-expanded={open}
          leftSection={open ? <IconChevronDown size={14} /> : <IconChevronUp size={14} />}
          onClick={() => setOpen(!open)}
        >
          SQL
        </Button>
        <span className="row faint small">
          <IconLock size={12} aria-hidden />
          read-only
        </span>
        {written === null ? null : (
          <Button
            size="xs"
            variant="subtle"
            data-quiet
            onClick={() => {
              setWritten(null);
              kept.delete(key);
            }}
          >
            Query for {table}
          </Button>
        )}
        <span className="grow" />
        {answer !== null && error === null ? (
          <>
            <span className="faint small num" aria-live="polite">
              {answer.page.more === true
                ? `first ${plural(answer.page.rows.length, 'row')}`
                : plural(answer.page.rows.length, 'row')}{' '}
              in {Math.round(answer.ms)} ms
            </span>
            <Button
              size="xs"
              variant="subtle"
              data-quiet
              leftSection={<IconCopy size={12} />}
              onClick={() => void copy()}
            >
              Copy as TSV
            </Button>
          </>
        ) : null}
        {busy ? (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlayerStopFilled size={12} />}
            onClick={() => running.current?.abort()}
          >
            Stop
          </Button>
        ) : (
          <Button
            size="xs"
            leftSection={<IconPlayerPlayFilled size={12} />}
            rightSection={<Kbd className={classes['key']}>{shortcutText('Mod+Enter', mac)}</Kbd>}
            onClick={() => void run()}
          >
            Run
          </Button>
        )}
      </div>
      {open ? (
        <div className={classes['body']}>
          <Textarea
            aria-label="Query"
            className={classes['editor']}
            classNames={{ wrapper: classes['wrapper'] ?? '', input: classes['input'] ?? '' }}
            value={sql}
            spellCheck={false}
            onChange={(event) => {
              const text = event.currentTarget.value;
              setWritten(text === '' ? null : text);
              if (text === '') kept.delete(key);
              else kept.set(key, text);
            }}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
              event.preventDefault();
              event.stopPropagation();
              void run();
            }}
          />
          <div className={classes['answer']}>
            {error !== null ? (
              <div className={classes['error']}>
                <ErrorCard title="The query failed" error={{ ...error, detail: null }} />
              </div>
            ) : answer === null ? (
              <EmptyState title={busy ? 'Asking …' : 'No answer yet'}>
                {busy
                  ? 'Queries end after 60 seconds.'
                  : `Shows up to ${ROWS.toLocaleString('en-US')} rows. Nothing that you write here changes data.`}
              </EmptyState>
            ) : (
              <ResultGrid
                label="Rows of the query"
                columns={answer.page.columns}
                page={answer.page}
                offset={0}
                loading={busy}
              />
            )}
          </div>
        </div>
      ) : null}
    </section>
  );
}
