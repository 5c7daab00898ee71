import { ActionIcon, Button, Kbd, UnstyledButton } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, useState } from 'react';
import type { Finding } from '../../engine/spec/finding.ts';
import { shortcutText } from '../actions/action.ts';
import { runAction } from '../actions/actions.ts';
import { applyFix, fixLabel, showFinding } from '../actions/issues.ts';
import { useApp, useProject, useSettings, useWindow } from '../app.ts';
import { StatusIcon, StatusWord } from '../ui/status-icon.tsx';
import classes from './issues-panel.module.css';

const ROW = 24;

const plural = (count: number, word: string) => `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;

/** All that is wrong in the project, wherever it is; below the screen. */
export function IssuesPanel() {
  const app = useApp();
  const open = useWindow((state) => state.issuesOpen);
  const shown = useProject((state) => state.document !== null);
  const mac = useSettings((state) => state.about?.platform === 'darwin');
  const errors = useProject((state) => state.errors);
  const warnings = useProject((state) => state.warnings);
  if (!open || !shown) return null;
  return (
    <section className={classes['panel']} aria-label="Issues">
      <div className={classes['bar']}>
        <h2>Issues</h2>
        {errors > 0 ? <StatusWord status="error">{plural(errors, 'error')}</StatusWord> : null}
        {warnings > 0 ? <StatusWord status="warning">{plural(warnings, 'warning')}</StatusWord> : null}
        {errors + warnings === 0 ? <StatusWord status="ok">Nothing is wrong</StatusWord> : null}
        {errors > 0 ? (
          <span className={`${classes['note']} truncate`}>A run that includes a row with an error does not start</span>
        ) : null}
        <span className="grow" />
        <span className={classes['keys']}>
          <Kbd>F8</Kbd> next <Kbd>{shortcutText('Mod+.', mac)}</Kbd> apply fix
        </span>
        <Button
          size="xs"
          variant="subtle"
          data-quiet
          disabled={errors + warnings === 0}
          onClick={() => runAction(app.actions, 'issue.copy')}
        >
          Copy all
        </Button>
        <ActionIcon size="xs" aria-label="Close" onClick={() => app.window.setState({ issuesOpen: false })}>
          <IconX size={14} />
        </ActionIcon>
      </div>
      {errors + warnings === 0 ? null : <List />}
    </section>
  );
}

function List() {
  const findings = useProject((state) => state.findings);
  const scroller = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState<Finding | null>(null);
  const rows = useVirtualizer({
    count: findings.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 8,
  });
  return (
    // biome-ignore lint/a11y: what scrolls must be reachable by keyboard
    <div ref={scroller} className={`${classes['list']} scroll`} tabIndex={0} role="group" aria-label="List of issues">
      <ul style={{ height: rows.getTotalSize(), position: 'relative' }}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const finding = findings[index];
          return finding === undefined ? null : (
            <Row
              key={index}
              finding={finding}
              top={start}
              current={finding === current}
              onPick={() => setCurrent(finding)}
            />
          );
        })}
      </ul>
    </div>
  );
}

function Row({ finding, top, current, onPick }: { finding: Finding; top: number; current: boolean; onPick(): void }) {
  const app = useApp();
  const { severity, sheet, row, column, message, hint } = finding;
  const fix = fixLabel(app, finding);
  return (
    <li className={classes['row']} style={{ top }} data-current={current || undefined}>
      <UnstyledButton
        className={classes['go']}
        title={hint === null ? message : `${message}\n${hint}`}
        onClick={() => {
          onPick();
          showFinding(app, finding);
        }}
      >
        <span className={classes['severity']} data-severity={severity}>
          <StatusIcon status={severity === 'error' ? 'error' : 'warning'} label={severity} />
          {severity === 'error' ? 'Error' : 'Warning'}
        </span>
        <span className={`${classes['sheet']} truncate`}>{sheet}</span>
        <span className={classes['number']}>{row ?? ''}</span>
        <span className={`${classes['column']} truncate`}>{column ?? ''}</span>
        <span className="grow truncate">
          {problemOf(finding)}
          {hint === null || fix !== null ? null : <span className="faint"> — {hint}</span>}
        </span>
      </UnstyledButton>
      {fix === null ? null : (
        <UnstyledButton className={classes['fix']} onClick={() => applyFix(app, finding)}>
          {fix}
        </UnstyledButton>
      )}
    </li>
  );
}

/** A finding's message without its place, which stands in the columns before it. */
export function problemOf({ message, value }: Finding): string {
  const at = message.indexOf(': ');
  const problem = at < 0 ? message : message.slice(at + 2);
  if (value === null || value === '' || !message.includes(`"`))
    return `${problem.charAt(0).toUpperCase()}${problem.slice(1)}`;
  const quoted = /"(.*)": (.*)$/s.exec(message);
  return quoted === null ? problem : `“${quoted[1]}”: ${quoted[2]}`;
}
