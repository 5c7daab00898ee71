import { IconArrowRight, IconPackageExport } from '@tabler/icons-react';
import type { Difference, DifferenceKind } from '../../../engine/spec/project-diff.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import classes from './difference-view.module.css';

const GROUPS: readonly (readonly [DifferenceKind, string])[] = [
  ['job', 'Jobs'],
  ['check', 'Data quality'],
  ['setting', 'Settings'],
  ['connection', 'Connections'],
  ['destination', 'Destinations'],
];

const SIGNS = { added: '+', removed: '−', changed: '~' } as const;
const WORDS = { added: 'new', removed: 'removed', changed: 'changed' } as const;

interface Entry {
  what: keyof typeof SIGNS;
  name: string;
  cells: Difference['changed'][number]['cells'];
}

/** What a difference means: new, gone and changed things, cell by cell. */
export function DifferenceView({ difference }: { difference: Difference | null }) {
  if (difference === null) {
    return (
      <EmptyState icon={<IconPackageExport size={24} />} title="Nothing was exported into this folder yet">
        The next export will be compared with this one, job by job and cell by cell.
      </EmptyState>
    );
  }
  const entries = (kind: DifferenceKind): Entry[] => [
    ...difference.changed
      .filter((item) => item.kind === kind)
      .map(({ name, cells }) => ({ what: 'changed' as const, name, cells })),
    ...difference.added
      .filter((item) => item.kind === kind)
      .map(({ name }) => ({ what: 'added' as const, name, cells: [] })),
    ...difference.removed
      .filter((item) => item.kind === kind)
      .map(({ name }) => ({ what: 'removed' as const, name, cells: [] })),
  ];
  const groups = GROUPS.map(([kind, title]) => ({ title, items: entries(kind) })).filter(
    ({ items }) => items.length > 0,
  );
  if (groups.length === 0)
    return <EmptyState title="Nothing has changed">The folder holds this very project.</EmptyState>;
  return (
    <div className={`${classes['place']} scroll`}>
      {groups.map(({ title, items }) => (
        <section key={title} aria-label={title}>
          <h3 className={classes['group']}>{title}</h3>
          <ul>
            {items.map(({ what, name, cells }) => (
              <li key={`${what} ${name}`} className={classes['item']} data-what={what}>
                <span className={classes['sign']} aria-hidden>
                  {SIGNS[what]}
                </span>
                <div className={classes['body']}>
                  <div className={classes['name']}>
                    <span className="truncate medium">{name}</span>
                    <span className="grow" />
                    <span className={classes['word']}>{WORDS[what]}</span>
                  </div>
                  {cells.map(({ column, before, after }) => (
                    <div key={column} className={classes['cell']}>
                      <span className="dim truncate">{column}</span>
                      <span className={classes['values']}>
                        <Value text={before} tone="before" />
                        <IconArrowRight size={12} aria-label="to" />
                        <Value text={after} tone="after" />
                      </span>
                    </div>
                  ))}
                </div>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Value({ text, tone }: { text: string; tone: 'before' | 'after' }) {
  if (text === '') return <em className="faint">blank</em>;
  return (
    <code className={`${classes['value']} mono`} data-tone={tone}>
      {text}
    </code>
  );
}
