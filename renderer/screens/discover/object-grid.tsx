// biome-ignore-all lint/a11y: an ARIA treegrid of rows that are drawn where they are in sight; it has the focus and the keys itself
import { Checkbox } from '@mantine/core';
import {
  IconChevronDown,
  IconChevronRight,
  IconCircleCheckFilled,
  IconEye,
  IconFiles,
  IconTable,
} from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useEffect, useId, useRef } from 'react';
import type { DiscoveredObject } from '../../stores/connection-store.ts';
import { objectId } from '../../stores/object-id.ts';
import { bytesText } from '../../ui/number-text.ts';
import classes from './discover-screen.module.css';
import type { Proposal } from './job-proposal.ts';
import { countText, type TreeLine, tickedState } from './object-tree.ts';

const ROW = 28;

export interface ObjectGridProps {
  lines: readonly TreeLine[];
  /** All objects that the search finds, for the box of the header. */
  found: readonly DiscoveredObject[];
  ticked: ReadonlySet<string>;
  /** Id of the line that has the cursor. */
  active: string | null;
  /** Columns and keys are still being read. */
  reading: boolean;
  label: string;
  groupName: string;
  proposalOf(object: DiscoveredObject): Proposal;
  /** Row ids of the jobs that read it already. */
  /** Names of the jobs that read it already. */
  jobsOf(object: DiscoveredObject): readonly string[];
  onActive(id: string): void;
  onTick(objects: readonly DiscoveredObject[]): void;
  onOpen(group: string, open: boolean): void;
}

/** Schemas and tables (or folders and groups of files) as one list that draws what is in sight. */
export function ObjectGrid(props: ObjectGridProps) {
  const { lines, found, ticked, active, label, groupName, onActive, onTick, onOpen } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const id = useId();
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  const at = lines.findIndex((line) => line.id === active);
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at);
  }, [at, virtual]);

  function move(to: number): void {
    const line = lines[Math.max(0, Math.min(lines.length - 1, to))];
    if (line !== undefined) onActive(line.id);
  }

  function key(event: KeyboardEvent): void {
    const line = lines[at];
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? ROW) / ROW) - 2);
    const steps: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: lines.length - 1,
    };
    const to = steps[event.key];
    if (to !== undefined) move(to);
    else if (event.key === ' ' && line !== undefined) onTick(line.kind === 'group' ? line.objects : [line.object]);
    else if (event.key.toLowerCase() === 'a' && (event.ctrlKey || event.metaKey)) onTick(found);
    else if (event.key === 'ArrowRight' && line?.kind === 'group') {
      if (line.open) move(at + 1);
      else onOpen(line.name, true);
    } else if (event.key === 'ArrowLeft' && line !== undefined) {
      if (line.kind === 'group') onOpen(line.name, false);
      else move(lines.findIndex((other) => other.kind === 'group' && other.name === line.group));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  const all = tickedState(found, ticked);
  return (
    <div className={classes.grid}>
      <div className={classes.head}>
        <Checkbox
          aria-label={`Tick all ${found.length}`}
          checked={all === true}
          indeterminate={all === null}
          disabled={found.length === 0}
          onChange={() => onTick(found)}
        />
        <span aria-hidden="true">{groupName}</span>
        <span aria-hidden="true" className={classes.right}>
          Rows about
        </span>
        <span aria-hidden="true" className={classes.right}>
          Size
        </span>
        <span aria-hidden="true">Primary key</span>
        <span aria-hidden="true">Proposed load</span>
        <span aria-hidden="true">Job</span>
      </div>
      <div
        ref={scroller}
        className={`${classes.body} scroll`}
        role="treegrid"
        aria-label={label}
        aria-multiselectable="true"
        aria-rowcount={lines.length}
        aria-activedescendant={at < 0 ? undefined : `${id}-${at}`}
        tabIndex={0}
        onKeyDown={key}
        onFocus={() => {
          if (at < 0) move(0);
        }}
      >
        <div role="presentation" className={classes.canvas} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const line = lines[index] as TreeLine;
            const objects = line.kind === 'group' ? line.objects : [line.object];
            const state = tickedState(objects, ticked);
            return (
              <div
                key={line.id}
                id={`${id}-${index}`}
                role="row"
                aria-rowindex={index + 1}
                aria-level={line.kind === 'group' ? 1 : 2}
                aria-expanded={line.kind === 'group' ? line.open : undefined}
                aria-selected={state === true}
                data-kind={line.kind}
                data-active={line.id === active || undefined}
                data-ticked={state === true || undefined}
                className={classes.row}
                style={{ transform: `translateY(${start}px)` }}
                onClick={() => onActive(line.id)}
                onDoubleClick={() => {
                  if (line.kind === 'group') onOpen(line.name, !line.open);
                  else onTick(objects);
                }}
              >
                <span role="gridcell" className={classes.tick}>
                  <Checkbox
                    tabIndex={-1}
                    aria-label={`Tick ${line.kind === 'group' ? line.name : line.object.name}`}
                    checked={state === true}
                    indeterminate={state === null}
                    onChange={() => onTick(objects)}
                  />
                </span>
                {line.kind === 'group' ? (
                  <GroupCells {...props} line={line} />
                ) : (
                  <ObjectCells {...props} object={line.object} />
                )}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function GroupCells({ line, onOpen, ticked }: ObjectGridProps & { line: TreeLine & { kind: 'group' } }) {
  const Chevron = line.open ? IconChevronDown : IconChevronRight;
  const count = line.objects.filter((object) => ticked.has(objectId(object))).length;
  return (
    <span role="gridcell" className={classes.groupName}>
      <button
        type="button"
        tabIndex={-1}
        className={classes.chevron}
        aria-label={line.open ? `Close ${line.name}` : `Open ${line.name}`}
        onClick={() => onOpen(line.name, !line.open)}
      >
        <Chevron size={14} aria-hidden="true" />
      </button>
      <span className="medium truncate">{line.name || 'In the folder itself'}</span>
      <span className="faint num">
        {line.found}
        {count > 0 ? ` · ${count} ticked` : ''}
      </span>
    </span>
  );
}

const KINDS: Partial<Record<DiscoveredObject['kind'], string>> = {
  view: 'view',
  materialized_view: 'materialised view',
  foreign_table: 'foreign table',
};

function ObjectCells({ object, reading, proposalOf, jobsOf }: ObjectGridProps & { object: DiscoveredObject }) {
  const Icon = object.kind === 'file_group' ? IconFiles : object.kind === 'table' ? IconTable : IconEye;
  const { load_type, watermark, reason } = proposalOf(object);
  const jobs = jobsOf(object);
  const unread = reading && object.columns.length === 0;
  return (
    <>
      <span role="gridcell" className={classes.name}>
        <Icon size={14} stroke={1.6} aria-hidden="true" />
        <span className="truncate" title={object.comment ?? object.name}>
          {object.name}
        </span>
        {KINDS[object.kind] === undefined ? null : <span className={classes.note}>{KINDS[object.kind]}</span>}
      </span>
      <span role="gridcell" className={classes.right}>
        {countText(object.rowEstimate) || <span className="faint">–</span>}
      </span>
      <span role="gridcell" className={classes.right}>
        {object.bytes === null ? <span className="faint">–</span> : bytesText(object.bytes)}
      </span>
      <span role="gridcell" className="truncate mono">
        {object.primaryKey.join(', ') || <span className="faint">{unread ? '…' : 'none'}</span>}
      </span>
      <span role="gridcell" className="truncate" title={reason}>
        {unread ? (
          <span className="faint">…</span>
        ) : (
          <>
            {load_type}
            {watermark === '' ? null : <span className="dim mono"> {watermark}</span>}
          </>
        )}
      </span>
      <span
        role="gridcell"
        className={classes.job}
        title={jobs.length === 0 ? undefined : `Read by ${jobs.join(', ')}`}
      >
        {jobs.length === 0 ? null : (
          <>
            <IconCircleCheckFilled size={13} className={classes.done} aria-hidden="true" />
            {jobs.length === 1 ? 'Is a job' : `${jobs.length} jobs`}
          </>
        )}
      </span>
    </>
  );
}
